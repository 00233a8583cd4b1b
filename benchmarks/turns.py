"""Ways of asking that are raced by how long an answer takes, each at a server of its own.

As in benchmarks.race, but the ratios are of time and of the processors' time: 1.15 is 15 % more than
the base.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from benchmarks.evento_server import EventoServer
from benchmarks.race import Way, race
from benchmarks.tables import middle, ratio_with_interval

COLUMNS = ["way", "ms each", "of", "time", "95 %", "CPU ms each", "CPU", "95 %", "wrong"]


@dataclass
class TimedWay(Way):
    """A way whose turns are kept as time for each answer."""

    server: EventoServer | None = None  # another one than the race's
    milliseconds: list[float] = field(default_factory=list)
    cpu_milliseconds: list[float] = field(default_factory=list)  # of the server and the database

    def take_turn(self, server: EventoServer, connections: int, *, counts: bool) -> None:
        before, asked = self.cpu_seconds, len(self.loads)
        super().take_turn(self.server or server, connections, counts=counts)
        for turn in self.loads[asked:]:
            answers = turn.answers.total()
            self.milliseconds.append(1000 * turn.seconds * connections / answers)
            self.cpu_milliseconds.append(1000 * (self.cpu_seconds - before) / answers)

    def timed_cells(self, base: "TimedWay") -> list[str]:
        """Its line of the table."""
        wrong = self.cells(base)[-1]
        time = compared(self.milliseconds, base.milliseconds)
        cpu = compared(self.cpu_milliseconds, base.cpu_milliseconds)
        ways = [self.name, middle(self.milliseconds, 1), base.name, *time]
        return [*ways, middle(self.cpu_milliseconds, 1), *cpu, wrong]


def compared(values: Sequence[float], base: Sequence[float]) -> list[str]:
    """Two cells: the median ratio of the rounds, and its 95 % interval."""
    if not median(base):  # the smoke: less than the clock's tick
        return ["", ""]
    base = [value or median(base) for value in base]
    ratio, low, high = ratio_with_interval(values, base)
    return [f"{ratio:.2f}", f"{low:.2f}-{high:.2f}"]


def timed_race(
    ways: Sequence[TimedWay], server: EventoServer, *, rounds: int, connections: int = 1
) -> list[list[str]]:
    """All ways in `rounds` rounds; the table, its head first."""
    race(ways, server, rounds=rounds, connections=connections)
    named = {way.name: way for way in ways}
    return [COLUMNS, *(way.timed_cells(named[way.base or way.name]) for way in ways)]
