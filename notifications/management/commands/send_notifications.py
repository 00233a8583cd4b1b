"""The worker: expands announcements and sends the outbox."""

import logging
import signal
import threading
import time
from argparse import ArgumentParser
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, close_old_connections, connections
from tqdm import tqdm

from notifications.ending import Ending
from notifications.expanding import to_expand
from notifications.heartbeat import Heartbeat, forget_old_heartbeats
from notifications.live.changes import forget_old_changes
from notifications.sender import MailServerUnavailable, Sender, due_counts

logger = logging.getLogger("notifications")

IDLE_SECONDS = 1.0
TROUBLE_SECONDS = 15.0
TIDY_SECONDS = 600.0
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT)
SMTP_BACKEND = "notifications.backends.SmtpBackend"


class Command(BaseCommand):
    help = (
        "Tell people: expand announcements and send the e-mails of the outbox. Without --once it "
        "runs as the worker until it gets SIGTERM or SIGINT; then it finishes the mails in hand and "
        "ends. Several workers may run at once. Killed at any moment, it loses nothing: what it had "
        "in hand is sent again when its lease has run out."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="send what is due now, then end")
        parser.add_argument(
            "--dry-run", action="store_true", help="only count what there is; send nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["dry_run"]:
            self._count()
            return
        self._ending = Ending()
        before = {number: signal.signal(number, self._ending.tell) for number in ENDING_SIGNALS}
        self._heartbeat = Heartbeat()
        self._sender = Sender(should_stop=self._should_stop)
        self._mail_found = [threading.Event() for _helper in range(connections_of_a_worker() - 1)]
        self._tidy_at = 0.0
        try:
            if options["once"]:
                self._send_due(aloud=options["verbosity"] > 1 or self.stdout.isatty())
            else:
                self._work()
        finally:
            self._sender.close()
            for number, handler in before.items():
                signal.signal(number, handler)
            self._ending.close()

    def _should_stop(self) -> bool:
        """Asked before each mail, so a long batch gives signs of life too, and helpers know of it."""
        self._heartbeat.beat()
        for found in self._mail_found:
            found.set()
        return self._ending.is_told()

    def _count(self) -> None:
        counts = due_counts()
        self.stdout.write(
            f"{to_expand().count()} announcements to expand; mails: {counts['due']} due, "
            f"{counts['later']} waiting for a later attempt, {counts['sending']} being sent, "
            f"{counts['parked']} parked."
        )

    def _send_due(self, *, aloud: bool) -> None:
        self._heartbeat.beat()
        self._tidy()
        tally = self._sender.tally
        with tqdm(unit="mail", disable=None, total=due_counts()["due"]) as bar:
            try:
                while not self._ending.is_told() and self._sender.step():
                    done = tally.sent + tally.failed + tally.dropped
                    bar.update(done - bar.n)
            except MailServerUnavailable as error:
                raise CommandError(f"The mail server cannot be reached: {error}") from error
        if aloud:  # what cron gets is a log (see _work)
            self.stdout.write(f"{tally.sent} sent, {tally.failed} failed, {tally.dropped} dropped.")

    def _work(self) -> None:
        logger.info("The worker sends notices. Ctrl-C ends it.")
        with ThreadPoolExecutor(max_workers=len(self._mail_found) + 1) as pool:
            helpers: list[Future[None]] = []
            try:
                helpers.extend(pool.submit(self._help, found) for found in self._mail_found)
                while not self._ending.is_told():
                    self._ending.wait(self._round(self._first_step))
            finally:
                self._ending.tell()
                for found in self._mail_found:
                    found.set()
        for helper in helpers:
            helper.result()
        # How many mails there were would tell how popular events are.
        logger.info("The worker has ended.")

    def _help(self, mail_found: threading.Event) -> None:
        """Send over one more connection, to the mail server and to the database, while there is mail."""
        sender = Sender(should_stop=self._should_stop)
        try:
            while True:
                mail_found.wait()
                # Before looking: neither mail nor the end that comes meanwhile is missed.
                mail_found.clear()
                if self._ending.is_told():
                    return
                self._ending.wait(self._round(sender.step))
        finally:
            self._ending.tell()  # what ends a helper ends the worker
            sender.close()
            connections.close_all()

    def _first_step(self) -> bool:
        self._tidy()
        return self._sender.step()

    def _round(self, step: Callable[[], bool]) -> float:
        """One step; how long to wait before the next. Trouble with servers ends no worker."""
        close_old_connections()
        self._heartbeat.beat()
        try:
            return 0.0 if step() else IDLE_SECONDS
        except MailServerUnavailable as error:
            logger.warning("The mail server cannot be reached: %s", error)
        except DatabaseError:
            logger.exception("The database did not answer")
        return TROUBLE_SECONDS

    def _tidy(self) -> None:
        """Now and then, take away what the live stream and whoever watches need no more."""
        if time.monotonic() >= self._tidy_at:
            forget_old_changes()
            forget_old_heartbeats()
            self._tidy_at = time.monotonic() + TIDY_SECONDS


def connections_of_a_worker() -> int:
    """How many connections to the mail server: SQLite has one writer, and a folder is near."""
    is_served = settings.TRANSPORT_BACKEND == SMTP_BACKEND and not settings.IS_SQLITE
    return settings.MAIL_CONNECTIONS if is_served else 1
