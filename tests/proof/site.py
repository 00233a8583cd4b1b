"""A site of real processes that can be killed: database, web server, worker, mail server; and people."""

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlencode

import environ
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import DatabaseError, connection, connections
from django.db.utils import load_backend

from notifications.models import Announcement, OutgoingEmail
from tests.evento.test_embedded import is_running
from tests.notifications.smtp import smtp_server
from tests.notifications.workers import let_leases_run_out, worker
from tests.patience import PATIENCE, until
from tests.proof.cluster import children, private_cluster
from tests.servers import CSRF_SECRET, running

ASK_AGAIN_SECONDS = 0.05
ANSWER_SECONDS = 60
THREADS = 6


@contextlib.contextmanager
def aimed_at(url):
    """Let this process use the database at `url` in place of the test's own."""
    own = connections["default"]
    named = environ.Env.db_url_config(url)
    connections["default"] = load_backend(own.settings_dict["ENGINE"]).DatabaseWrapper(
        own.settings_dict | named | {"OPTIONS": own.settings_dict["OPTIONS"]}, "default"
    )
    ContentType.objects.clear_cache()
    try:
        yield
    finally:
        connections["default"].close()
        connections["default"] = own
        ContentType.objects.clear_cache()


@contextlib.contextmanager
def database_to_kill(folder):
    """A migrated database on the test's engine, aimed at: its URL, and on PostgreSQL its cluster."""
    with contextlib.ExitStack() as stack:
        if connection.vendor == "postgresql":
            cluster = stack.enter_context(private_cluster())
            cluster.create("site")
            url = cluster.url("site")
        else:
            cluster, url = None, f"sqlite:///{folder}/site.sqlite3"
        stack.enter_context(aimed_at(url))
        call_command("migrate", verbosity=0)
        yield url, cluster


class Site:
    """Web server, worker and mail server over one database; each can be killed and comes back."""

    def __init__(self, folder, url, cluster):
        self.folder, self.url, self.cluster = Path(folder), url, cluster
        self.shape = {"workers": 2, "threads": 2} if cluster else {"workers": 1, "threads": 4}
        self._started = Counter()
        self.kills = 0
        self._stacks = {}

    @contextlib.contextmanager
    def up(self):
        with smtp_server() as (self.mailbox, self._mail_port):
            try:
                self.start_web()
                self.start_worker()
                yield self
            finally:
                for stack in self._stacks.values():
                    stack.close()

    def start_web(self):
        folder = self.folder / f"web-{self._started['web']}"
        folder.mkdir()
        self.server = self._enter("web", running(folder, database_url=self.url, **self.shape))

    def start_worker(self):
        self.worker = self._enter("worker", worker(self.url, self._mail_port))

    def _enter(self, name, context):
        if (old := self._stacks.pop(name, None)) is not None:
            old.close()
        self._started[name] += 1
        self._stacks[name] = contextlib.ExitStack()
        return self._stacks[name].enter_context(context)

    def logs(self):
        return "".join(log.read_text() for log in sorted(self.folder.glob("web-*/server.log")))

    # --- What kills, and what brings back ---

    def kill(self, victim, chance):
        """`kill -9`, then as whatever watches over such a process would: start it anew if need be."""
        self.kills += 1
        getattr(self, f"_kill_{victim}")(chance)

    def _kill_web_server(self, _chance):
        self.server.kill()
        self.start_web()

    def _kill_web_process(self, chance):
        """One of several: the server itself replaces it."""
        before = self._web_processes()
        os.kill(chance.choice(before), signal.SIGKILL)
        until(
            lambda: len(self._web_processes()) == len(before) and self._web_processes() != before,
            "The killed web process was not replaced.",
        )

    def _web_processes(self):
        return sorted(filter(is_running, children(self.server.process.pid)))

    def _kill_worker(self, _chance):
        self.worker.kill()
        self.worker.wait()
        let_leases_run_out(self.url)
        self.start_worker()

    def _kill_database(self, _chance):
        self.cluster.kill()
        self.cluster.start()
        self._after_database()

    def _kill_database_process(self, chance):
        """PostgreSQL then ends all its processes and recovers by itself."""
        self.cluster.kill_a_backend(chance)
        self.cluster.wait()
        self._after_database()

    def _after_database(self):
        connection.close()
        until(self._database_answers, "PostgreSQL does not recover.")
        assert self.worker.poll() is None, "The worker ended with the database."

    def _database_answers(self):
        try:
            # What the worker had in hand when it lost the database waits for its lease otherwise.
            let_leases_run_out(self.url)
        except DatabaseError:
            connection.close()
            return False
        return True

    def wait_until_all_is_sent(self):
        open_states = ("queued", "sending")

        def sent():
            waiting = OutgoingEmail.objects.filter(state__in=open_states).exists()
            return not waiting and not Announcement.objects.filter(expanded_at=None).exists()

        until(sent, "Mail waits.")


class Crowd:
    """People with browsers, who click again until they are answered."""

    def __init__(self, site):
        self.site = site
        self.answers = Counter()  # by status, and "lost"
        self.booked = {}  # the key of each ticket that somebody was shown: event, person
        self.asked_back = set()  # tickets somebody wanted to give back
        self.given_back = set()  # and was told that it is done
        self._changed = threading.Condition()

    def wait_for_answers(self, count):
        with self._changed:
            assert self._changed.wait_for(lambda: self.answers.total() >= count, PATIENCE)

    def visit(self, people, events, chance):
        """Everybody books both events, some give back and book again; in a few threads. Returns them."""
        plans = [(person, random.Random(chance.random())) for person in people]
        threads = [
            threading.Thread(target=self._browse, args=(plans[n::THREADS], events))
            for n in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        return threads

    def _browse(self, plans, events):
        for (person, cookie), chance in plans:
            for event in chance.sample(events, len(events)):
                ticket = self.book(event, person, cookie)
                if ticket is not None and chance.random() < 0.4:
                    self.give_back(ticket, cookie)
                    if chance.random() < 0.5:
                        self.book(event, person, cookie)

    def book(self, event, person, cookie):
        """The key of the ticket one is led to, or None where one is led back."""
        location = self._until_answered(f"/events/{event.slug}/ticket/", cookie)
        if not location.startswith("/tickets/"):
            return None
        ticket = location.split("/")[2]
        self.booked[ticket] = (event.pk, person.pk)
        return ticket

    def give_back(self, ticket, cookie):
        self.asked_back.add(ticket)
        self._until_answered(f"/tickets/{ticket}/cancel/", cookie)
        self.given_back.add(ticket)

    def cancel(self, event, cookie):
        """By an organiser's program, or rather its page."""
        self._until_answered(
            f"/api/v1/events/{event.slug}/cancel", cookie, b'{"reason": "The river has flooded."}'
        )

    def _until_answered(self, path, cookie, json=None):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            status, location = self.ask(path, cookie, json)
            with self._changed:
                self.answers[status] += 1
                self._changed.notify_all()
            if status not in {"lost", 503}:
                return location
            time.sleep(ASK_AGAIN_SECONDS)
        raise AssertionError(f"{path} is never answered.")

    def ask(self, path, cookie, json=None):
        """One POST: its status and where it leads; "lost" when there was no answer."""
        kind = "application/json" if json else "application/x-www-form-urlencoded"
        body = json or urlencode({"csrfmiddlewaretoken": CSRF_SECRET}).encode()
        headers = {"Cookie": cookie, "Content-Type": kind, "X-CSRFToken": CSRF_SECRET}
        asking = HTTPConnection("127.0.0.1", self.site.server.port, timeout=ANSWER_SECONDS)
        with contextlib.closing(asking):
            try:
                asking.request("POST", path, body, headers)
                response = asking.getresponse()
                response.read()
            except (OSError, HTTPException):
                return "lost", ""
            return response.status, response.getheader("Location", "")
