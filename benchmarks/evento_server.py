"""Evento's own server as it is deployed, with what its processes and its database use."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from benchmarks import processes
from benchmarks.candidates import answers, free_port, stop
from benchmarks.world import ROOT, World

READY_SECONDS = 60
SHOWN_LINES = 5


@dataclass(frozen=True)
class Usage:
    """CPU seconds since the start, and memory in MB."""

    server_cpu: float
    database_cpu: float
    pss: float  # each page shared with other processes divided among them
    rss: float

    @property
    def cpu(self) -> float:
        return self.server_cpu + self.database_cpu

    def __sub__(self, before: "Usage") -> "Usage":
        return Usage(
            self.server_cpu - before.server_cpu,
            self.database_cpu - before.database_cpu,
            self.pss - before.pss,
            self.rss - before.rss,
        )


class EventoServer:
    """One server of some processes on a port of its own, which it keeps when it is started again."""

    def __init__(self, place: World, workers: int, environment: dict[str, str]) -> None:
        self.port = free_port()
        self.workers = workers
        self._environment = place.environment | environment
        self._place = place
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by `close`
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def session(self) -> int:
        """Of all its processes: see benchmarks.processes."""
        return self._process.pid

    def start(self) -> None:
        """Return when all processes listen. Raises RuntimeError, with what they wrote, if they do not."""
        address = ("--host", "127.0.0.1", "--port", str(self.port), "--workers", str(self.workers))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "evento.server", *address],
            cwd=ROOT,
            env=self._environment,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        deadline = time.monotonic() + READY_SECONDS
        ready = answers(self.port, self._process)
        while ready and not self._all_listen():
            ready = time.monotonic() < deadline
            time.sleep(0.05)
        if not ready:
            raise RuntimeError(f"The server did not start:\n{self._written()}")

    def kill(self) -> None:
        """As when the machine is out of memory: no process has a chance to say anything."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """Stop it; show what it complained about."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                stop(self._process)
        for line in self._written().splitlines()[:SHOWN_LINES]:
            print(f"  server: {line}")
        self._log.close()

    def usage(self) -> Usage:
        members = processes.members_of_session(self.session)
        memory = [processes.memory_of(pid) for pid in members]
        return Usage(
            server_cpu=sum(map(processes.cpu_seconds_of, members)),
            database_cpu=sum(map(processes.cpu_seconds_of, self._place.database.backends())),
            pss=sum(each.pss_megabytes for each in memory),
            rss=sum(each.rss_megabytes for each in memory),
        )

    def connections(self) -> list[int]:
        """How many browsers are connected to each process, the busiest first."""
        members = processes.members_of_session(self.session)
        counts = [processes.connections_of(pid, self.port) for pid in members]
        return sorted((count for count in counts if count), reverse=True)

    def _all_listen(self) -> bool:
        """Whether every process hears of public changes by now."""
        listeners = self._place.database.listeners()
        return listeners is None or listeners >= self.workers

    def _written(self) -> str:
        self._log.seek(0)
        return self._log.read()


@contextmanager
def serving(place: World, *, workers: int = 2, **environment: str) -> Iterator[EventoServer]:
    """Evento on that database, stopped at the end."""
    server = EventoServer(place, workers, environment)
    try:
        server.start()
        yield server
    finally:
        server.close()
