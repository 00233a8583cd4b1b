"""The web server as it is started everywhere: `python -m evento.server`, with uvicorn's own options.

Several processes (`--workers`, `WEB_CONCURRENCY`), and the mail worker with NOTIFICATIONS_SEND=server, come
from one that has loaded Evento, and share what they only read
(docs/decisions/0035-processes-share-what-they-read.md).
"""

import copy
import gc
import importlib
import multiprocessing
import os
import signal
import sys
import threading
from socket import socket

import uvicorn
from django.conf import settings
from django.core.management import execute_from_command_line
from django.urls import get_resolver
from uvicorn import _subprocess
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

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


class MailWorker(Process):
    """The mail worker (`manage.py send_notifications`), started and watched as processes for pages are."""

    def target(self, sockets: list[socket] | None = None) -> None:
        """Send until told to end."""
        for listening in sockets or []:
            listening.close()
        threading.Thread(target=self.always_pong, daemon=True).start()
        execute_from_command_line(["manage.py", "send_notifications"])

    def pong(self) -> None:
        """Answer the parent's question whether this process works."""
        self.child_conn.recv()
        self.child_conn.send(True)


class SharingProcesses(Multiprocess):
    """uvicorn's processes as copies of this one, and one for mail if the server is to send it."""

    mail_worker: MailWorker | None = None

    def run(self) -> None:
        """Load everything, then start and watch the processes until this one is told to end."""
        copy.copy(self.config).load()  # for the modules that it imports
        _ = get_resolver().reverse_dict  # and all views
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
            self.processes_num -= 1
            self._start_mail_worker()
        super().init_processes()

    def keep_subprocess_alive(self) -> None:
        """Replace what has died or no longer answers."""
        super().keep_subprocess_alive()
        worker = self.mail_worker
        if worker is None or self.should_exit.is_set():
            return
        if not worker.is_alive(timeout=self.config.timeout_worker_healthcheck):
            worker.kill()
            worker.join()
            self._start_mail_worker()

    def handle_hup(self) -> None:
        """Replace one process after the other, by ones that load the code as it is now."""
        _start_processes_by("spawn")
        super().handle_hup()
        if self.mail_worker is not None:
            self.mail_worker.terminate()
            self.mail_worker.join()
            self._start_mail_worker()

    def terminate_all(self) -> None:
        """Tell them all to end."""
        super().terminate_all()
        if self.mail_worker is not None:
            self.mail_worker.terminate()

    def join_all(self) -> None:
        """Wait until all have ended."""
        super().join_all()
        if self.mail_worker is not None:
            self.mail_worker.join()

    def _start_mail_worker(self) -> None:
        self.mail_worker = MailWorker(self.config, self.sockets)
        self.mail_worker.start()


def server_sends_mail() -> bool:
    """Whether the mail worker is one of the server's processes."""
    return settings.NOTIFICATIONS_SEND == "server"


def main() -> None:
    """Serve until told to end. Ends the process with status 3 when settings are wrong."""
    # uvicorn.main is the command, and hides its module.
    command_line = importlib.import_module("uvicorn.main")
    command_line.Multiprocess = SharingProcesses  # type: ignore[attr-defined]
    arguments = [APPLICATION, *OPTIONS, *sys.argv[1:]]
    asked = command_line.main.make_context("evento.server", list(arguments)).params["workers"]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evento.settings")
    importlib.import_module("evento.starting")  # says what is wrong with the settings
    if server_sends_mail():
        pages = uvicorn.Config(APPLICATION, workers=asked).workers
        arguments += ["--workers", str(pages + 1)]
    command_line.main(arguments)


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
