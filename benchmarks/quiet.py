"""A machine that other people use as well: wait until they leave it alone, and say how far they did."""

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeVar

from benchmarks.crowd import Crowd
from benchmarks.evento_server import EventoServer, Usage
from benchmarks.processes import TICKS

# The columns of the first line of /proc/stat that are work; guests' time is in the first two.
WORK = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
IDLE = {"idle", "iowait"}
# Cores. With more taken from two cores by others, a turn tells more of them than of Evento.
MOST_OF_OTHERS = 0.3
TRIES = 3
SAMPLE_SECONDS = 2


class Watch:
    """What a block costs, by whom; afterwards its attributes say so."""

    def __init__(self, server: EventoServer, crowd: Crowd) -> None:
        self._server = server
        self._crowd = crowd
        self.seconds = 0.0
        self.usage = Usage(0, 0, 0, 0)
        self.reader_cpu = 0.0  # share of one core
        self.others = 0.0  # cores that processes used which are no part of the benchmark

    def __enter__(self) -> Self:
        self._began = self._now()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        began, ended = self._began, self._now()
        at, busy, own, readers, usage = (
            then - before for before, then in zip(began, ended, strict=True)
        )
        self.seconds, self.usage, self.reader_cpu = at, usage, readers / at
        ours = own + readers + usage.server_cpu + usage.database_cpu
        self.others = max(0.0, busy - ours) / at

    def _now(self) -> tuple[float, float, float, float, Usage]:
        readers = self._crowd.ask("cpu_seconds")
        return (
            time.monotonic(),
            busy_seconds(),
            time.process_time(),
            readers,
            self._server.usage(),
        )

    def share(self, seconds: float) -> float:
        """`seconds` of CPU as a part of one core."""
        return seconds / self.seconds


class Watched(Protocol):
    watch: Watch


T = TypeVar("T", bound=Watched)


def undisturbed(take_turn: Callable[[], T], patience: float) -> T:
    """A turn during which others used little; after `TRIES`, the one with the least.

    Waits up to `patience` seconds before each; without any there is one turn, whatever others do.
    """
    turns: list[T] = []
    while len(turns) < (TRIES if patience else 1):
        wait_for_quiet(patience)
        turns.append(take_turn())
        if turns[-1].watch.others <= MOST_OF_OTHERS:
            break
    return min(turns, key=lambda turn: turn.watch.others)


def wait_for_quiet(patience: float) -> None:
    """Return when the machine has little to do, or after so many seconds."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        before = busy_seconds()
        time.sleep(SAMPLE_SECONDS)
        if busy_seconds() - before <= MOST_OF_OTHERS * SAMPLE_SECONDS:
            return


def busy_seconds() -> float:
    """What all cores have worked since the machine was started."""
    columns = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    ticks = zip(WORK, map(int, columns), strict=False)
    return sum(count for name, count in ticks if name not in IDLE) / TICKS
