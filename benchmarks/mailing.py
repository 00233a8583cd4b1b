"""The local mail server that mails are sent to, and those who send: Evento's workers, and bare smtplib."""

import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from aiosmtpd.controller import Controller

from benchmarks.candidates import free_port
from benchmarks.world import ROOT, World

STOP_SECONDS = 30
READY_SECONDS = 60
KEPT = 10_000

Mail = tuple[str, list[str], bytes]


class Inbox:
    """Takes everything. Counts the people reached and notes when the first and the last mail came."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []  # the first ones, to be sent again by others
        self._came = threading.Condition()
        self.clear()

    def clear(self) -> None:
        with self._came:
            self.people: set[str] = set()
            self.count, self.first, self.last = 0, 0.0, 0.0

    def rate(self) -> float:
        """Mails a second, from the first to the last."""
        return (self.count - 1) / (self.last - self.first)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's
        with self._came:
            self.last = time.perf_counter()
            self.first = self.first or self.last
            self.count += 1
            self.people.update(envelope.rcpt_tos)
            if len(self.mails) < KEPT:
                self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
            self._came.notify_all()
        return "250 OK"

    def wait_for(self, count: int, *, seconds: float) -> None:
        """Until so many have come. Raises RuntimeError when they do not."""
        with self._came:
            if not self._came.wait_for(lambda: self.count >= count, timeout=seconds):
                raise RuntimeError(f"{self.count} of {count} mails came.")


@contextmanager
def mail_server() -> Iterator[tuple[Inbox, int]]:
    """A running server: its inbox and its port."""
    inbox, port = Inbox(), free_port()
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield inbox, port
    finally:
        controller.stop()


@contextmanager
def workers(place: World, port: int, count: int) -> Iterator[list[int]]:
    """So many of Evento's workers, all of them at work: their process ids."""
    environment = place.environment | {"EMAIL_URL": f"smtp://127.0.0.1:{port}"}
    with ExitStack() as stack:
        with begun(place, count):
            processes = [
                stack.enter_context(
                    _running(
                        "manage.py",
                        "send_notifications",
                        env=environment,
                        stderr=subprocess.DEVNULL,
                    )
                )
                for _each in range(count)
            ]
        yield [process.pid for process in processes]


@contextmanager
def begun(place: World, count: int) -> Iterator[None]:
    """Wait at the end until so many workers that were started meanwhile are at work."""
    with psycopg.connect(place.url, autocommit=True) as connection:
        connection.execute("DELETE FROM notifications_workerheartbeat")
        yield
        deadline = time.monotonic() + READY_SECONDS
        while _heartbeats(connection) < count:
            if time.monotonic() > deadline:
                raise RuntimeError("The workers did not start.")
            time.sleep(0.05)


@contextmanager
def bare_senders(mails: list[Mail], port: int, count: int, folder: Path) -> Iterator[Any]:
    """So many processes that send their share by smtplib alone: a function that lets them begin."""
    with ExitStack() as stack:
        processes = []
        for number in range(count):
            share = folder / f"{number}.pickle"
            share.write_bytes(pickle.dumps(mails[number::count]))
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            command = ("-m", "benchmarks.bare_smtp", str(port), str(share))
            processes.append(stack.enter_context(_running(*command, **pipes)))
        for process in processes:
            process.stdout.readline()  # it is ready

        def begin() -> None:
            for process in processes:
                process.stdin.write(b"\n")
                process.stdin.flush()

        yield begin


def _heartbeats(connection: psycopg.Connection[Any]) -> int:
    return connection.execute("SELECT COUNT(*) FROM notifications_workerheartbeat").fetchone()[0]


@contextmanager
def _running(*command: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT, **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
