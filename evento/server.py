"""The web server as it is started everywhere: `python -m evento.server`, with uvicorn's own options.

Several processes (`--workers`, `WEB_CONCURRENCY`), and the mail worker with NOTIFICATIONS_SEND=server, come
from one that has loaded Evento, and share what they only read
(docs/decisions/0035-processes-share-what-they-read.md).
"""

import copy
import gc
import importlib
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from socket import socket
from typing import Any, ClassVar

import click
import django
import uvicorn
from django.conf import settings
from django.core.management import execute_from_command_line
from django.urls import get_resolver
from uvicorn import _subprocess
from uvicorn.supervisors import Multiprocess, multiprocess

logger = logging.getLogger(__name__)

APPLICATION = "evento.asgi:application"
OPTIONS = (
    *("--lifespan", "on", "--ws", "none"),
    "--no-proxy-headers",  # Evento counts proxies itself: TRUSTED_PROXY_COUNT
    *("--no-server-header", "--no-access-log", "--log-level", "warning"),
    *("--backlog", "4096"),  # all open pages may come at once after a restart
    *("--timeout-keep-alive", "75"),  # longer than the proxy keeps its connections
    *("--timeout-worker-healthcheck", "30"),  # a busy machine is no reason to kill a process
    *("--timeout-graceful-shutdown", "5"),
)
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT)
# Between two starts of the mail worker: what ends it at once would fill the log.
RESTART_SECONDS = 5
FLUSH_SECONDS = 2


class WatchedProcess(multiprocess.Process):
    """A process whose death is noticed at once, also while it is asked whether it is well."""

    def start(self) -> None:
        """Start it, and let go of its end of the pipe: held here too, its death would end no wait."""
        super().start()
        self.child_conn.close()


class MailWorker(WatchedProcess):
    """The mail worker (`manage.py send_notifications`) as a process of the server."""

    def target(self, sockets: list[socket] | None = None) -> None:
        """Send until told to end; report what ends it otherwise."""
        for listening in sockets or []:
            listening.close()
        django.setup()  # before it says that it is ready: broken code shows here
        threading.Thread(target=self.always_pong, daemon=True).start()
        try:
            execute_from_command_line(["manage.py", "send_notifications"])
        except Exception:
            sys.excepthook(*sys.exc_info())
            raise
        finally:
            # A fork ends without what is to be done at the end of a program.
            if settings.SENTRY_DSN:
                importlib.import_module("sentry_sdk").flush(FLUSH_SECONDS)

    def pong(self) -> None:
        """Answer that all is loaded."""
        self.child_conn.recv()
        self.child_conn.send(True)


class SharingProcesses(Multiprocess):
    """uvicorn's processes as copies of this one, and one for mail if the server is to send it."""

    environment: ClassVar[dict[str, str]]  # as it was before settings were read into it

    def __init__(self, config: uvicorn.Config, sockets: list[socket]) -> None:
        super().__init__(config, sockets)
        self.mail_worker: MailWorker | None = None
        self.mail_worker_began = 0.0
        self.ending: list[MailWorker] = []  # they finish the mail in hand

    def run(self) -> None:
        """Load everything, then start and watch the processes until this one is told to end."""
        copy.copy(self.config).load()  # for the modules that it imports
        _ = get_resolver().reverse_dict  # and all views
        if server_sends_mail():
            self.processes_num -= 1
        if settings.IS_SQLITE and self.processes_num > 1:
            logger.warning(
                "Several web processes on SQLite wait for each other: use --workers 1, or PostgreSQL."
            )
        if sys.platform == "linux":  # elsewhere, libraries of the system do not bear it
            _start_processes_by("fork")
            os.register_at_fork(
                before=_hold_back_endings, after_in_parent=_let_end, after_in_child=_forget_parent
            )
            # What the collector does not look at is not written to, so it stays shared.
            gc.collect()
            gc.freeze()
        super().run()

    def init_processes(self) -> None:
        """Start them all."""
        if server_sends_mail():
            self.mail_worker = self._started_mail_worker()
        super().init_processes()

    def keep_subprocess_alive(self) -> None:
        """Replace what has died, and pages that no longer answer."""
        super().keep_subprocess_alive()
        self.ending = [worker for worker in self.ending if worker.process.is_alive()]
        worker = self.mail_worker
        if worker is None or self.should_exit.is_set() or worker.process.is_alive():
            return
        if time.monotonic() - self.mail_worker_began > RESTART_SECONDS:
            worker.kill()  # closes what led to it
            self.mail_worker = self._started_mail_worker()

    def handle_hup(self) -> None:
        """Replace one process after the other, by ones that load code and settings as they are now."""
        os.environ.clear()
        os.environ.update(self.environment)  # without what was read from `.env`
        _start_processes_by("spawn")
        super().handle_hup()
        if self.mail_worker is None or self.should_exit.is_set():
            return
        new = self._started_mail_worker()
        if not new.wait_until_ready(self.config.timeout_worker_healthcheck, self.should_exit):
            new.kill()
            new.join()
            logger.error("The new mail worker did not start; the old one goes on.")
            return
        self.mail_worker.terminate()
        self.ending.append(self.mail_worker)
        self.mail_worker = new

    def terminate_all(self) -> None:
        """Tell them all to end."""
        super().terminate_all()
        if self.mail_worker is not None:
            self.mail_worker.terminate()

    def join_all(self) -> None:
        """Wait until all have ended."""
        super().join_all()
        for worker in filter(None, [*self.ending, self.mail_worker]):
            worker.join()

    def _started_mail_worker(self) -> MailWorker:
        self.mail_worker_began = time.monotonic()
        worker = MailWorker(self.config, self.sockets)
        worker.start()
        return worker


def server_sends_mail() -> bool:
    """Whether the mail worker is one of the server's processes."""
    return settings.NOTIFICATIONS_SEND == "server"


def serve(app: str, **options: Any) -> None:
    """`uvicorn.run` with processes that share their memory. Raises click.UsageError.

    Ends the process with status 3 when settings are wrong.
    """
    # By uvicorn's own rules: the number of processes, and a file with settings.
    config = uvicorn.Config(app, workers=options["workers"], env_file=options["env_file"])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evento.settings")
    SharingProcesses.environment = dict(os.environ)
    importlib.import_module("evento.starting")  # says what is wrong with the settings
    if server_sends_mail():
        if options["reload"]:
            raise click.UsageError("NOTIFICATIONS_SEND=server cannot be had with --reload.")
        options["workers"] = max(config.workers, 1) + 1
    uvicorn.run(app, **options)


def main() -> None:
    """uvicorn's command, for Evento."""
    # uvicorn.main is the command, and hides its module.
    command_line = importlib.import_module("uvicorn.main")
    command_line.run = serve  # type: ignore[attr-defined]
    command_line.Multiprocess = SharingProcesses  # type: ignore[attr-defined]
    multiprocess.Process = WatchedProcess  # type: ignore[misc]
    command_line.main([APPLICATION, *OPTIONS, *sys.argv[1:]])


def _start_processes_by(method: str) -> None:
    _subprocess.spawn = multiprocessing.get_context(method)  # type: ignore[assignment]


def _hold_back_endings() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)


def _let_end() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING_SIGNALS)


def _forget_parent() -> None:
    """uvicorn's handlers would note in a child's memory that its parent is to end, and nobody would."""
    for number in ENDING_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    _let_end()


if __name__ == "__main__":
    main()
