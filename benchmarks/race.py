"""Ways of asking one server, raced against each other.

In rounds of short turns, in each round in another order, so that what else the machine does meanwhile falls
on all of them alike. Each way is compared with a base, round by round; a base may take part twice: its second
line shows how far from 1 chance alone leads.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from benchmarks import load
from benchmarks.evento_server import EventoServer
from benchmarks.tables import ratio_with_interval

REQUESTS_EACH = 10
COLUMNS = [
    *(
        "way",
        "answers/s",
        "of",
        "ratio",
        "95 %",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "CPU ms each",
        "right",
        "wrong",
    )
]


def nothing() -> None:
    """What a way needs before its turn, when it needs nothing."""


@dataclass
class Way:
    """One way to ask, and what became of it in each round."""

    name: str
    wanted: str  # the answer's label that means it worked: see load.label_of
    requests: Callable[[str], Sequence[bytes]]  # of one turn, for that Host
    base: str = ""  # the name of the way it is compared with
    prepare: Callable[[], None] = nothing
    lost: Callable[[int], int] = lambda _asked: 0  # how many answers of a turn were not true
    loads: list[load.Load] = field(default_factory=list)
    cpu_seconds: float = 0.0  # of the server and the database
    missing: int = 0

    @property
    def rates(self) -> list[float]:
        return [it.rate for it in self.loads]

    def take_turn(self, server: EventoServer, connections: int, *, counts: bool) -> None:
        """Ask everything once over `connections`."""
        self.prepare()
        requests = self.requests(f"127.0.0.1:{server.port}")
        before = server.usage()
        seen = asyncio.run(
            load.drive(server.port, requests, connections=connections, requests_each=REQUESTS_EACH)
        )
        if counts:
            self.loads.append(seen)
            self.cpu_seconds += (server.usage() - before).cpu
            self.missing += self.lost(len(requests))

    def cells(self, base: "Way") -> list[str]:
        """Its line of the table, compared with another."""
        ratio, low, high = ratio_with_interval(self.rates, base.rates)
        whole = sum(self.loads, load.Load())
        wrong = {k: n for k, n in whole.answers.items() if not k.startswith(self.wanted)}
        right = whole.answers.total() - sum(wrong.values())
        wrong |= {"untrue": self.missing} if self.missing else {}
        return [
            self.name,
            f"{median(self.rates):.0f}",
            base.name,
            f"{ratio:.2f}",
            f"{low:.2f}-{high:.2f}",
            *(f"{1000 * whole.percentile(share):.1f}" for share in (50, 95, 99)),
            f"{1000 * self.cpu_seconds / whole.answers.total():.2f}",
            f"{right} x {self.wanted}",
            ", ".join(f"{count} x {label}" for label, count in wrong.items()) or "none",
        ]


def race(
    ways: Sequence[Way], server: EventoServer, *, rounds: int, connections: int
) -> list[list[str]]:
    """All ways in `rounds` rounds; the table, its head first."""
    run({connections: ways}, server, rounds=rounds)
    return table(ways)


def run(crowds: Mapping[int, Sequence[Way]], server: EventoServer, *, rounds: int) -> None:
    """All ways in `rounds` rounds, by how many connections they are to ask over."""
    turns = [(way, count) for count, ways in crowds.items() for way in ways]
    for way, count in turns:
        way.take_turn(server, count, counts=False)  # to warm up
    rng = random.Random(2)
    for number in range(rounds):
        for way, count in rng.sample(turns, len(turns)):
            way.take_turn(server, count, counts=True)
        seen = ", ".join(f"{it.name} {it.rates[-1]:.0f}" for it, _count in turns)
        print(f"{number + 1}: {seen}", flush=True)


def table(ways: Sequence[Way]) -> list[list[str]]:
    """What became of them, each beside its base; the head first."""
    named = {way.name: way for way in ways}
    return [COLUMNS, *(way.cells(named[way.base or way.name]) for way in ways)]
