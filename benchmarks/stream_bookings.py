"""How many bookings a second two processes take while they hold streams open."""

import argparse
import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from statistics import median

from benchmarks import load
from benchmarks.changing import Subject, add_events
from benchmarks.crowd import Crowd, Place
from benchmarks.evento_server import EventoServer, serving
from benchmarks.quiet import Watch, undisturbed
from benchmarks.serving import BOOKED, CONNECTIONS
from benchmarks.stream_opening import SETTLE_SECONDS, open_all, people, visitors
from benchmarks.tables import middle, percentile, ratio_with_interval
from benchmarks.world import World

COLUMNS = [
    "bookings of",
    "streams",
    "bookings/s",
    "ratio",
    "95 % interval",
    "p50 ms",
    "p99 ms",
    "CPU ms each, of server and database",
    "frames to readers/s",
    "readers' CPU",
    "others' CPU",
    "streams on each process",
    "failures",
]
REQUESTS_EACH = 10  # over one connection: the kernel shares connections out at random
DAYS = 10
GONE_SECONDS = 60


@dataclass
class Turn:
    """Everybody books once."""

    seen: load.Load
    watch: Watch
    missing: int  # tickets and streams
    frames: int = 0
    spread: list[int] = field(default_factory=list)


@dataclass
class Case:
    """Who books what while which streams are open."""

    booked: str
    streams: str
    slugs: list[str]
    places: list[Place]
    turns: list[Turn] = field(default_factory=list)

    @property
    def rates(self) -> list[float]:
        return [turn.seen.rate for turn in self.turns]


def measure(place: World, asked: argparse.Namespace) -> list[list[str]]:
    """The table's rows: every case in each round, in every second one in the reverse order."""
    # The only place of each: whoever books it makes it FULL, which everybody is told.
    small = add_events(place, asked.bookings, days=DAYS, capacity=1)
    cases = make_cases(place, small, asked)
    with serving(place) as server, Crowd() as crowd:
        for each in cases:
            take_turn(each, place, server, crowd)  # to warm up
        for number in range(asked.rounds):
            for each in cases if number % 2 == 0 else reversed(cases):
                turn = partial(take_turn, each, place, server, crowd)
                each.turns.append(undisturbed(turn, asked.patience))
            last = ", ".join(f"{it.booked}/{it.streams} {it.rates[-1]:.0f}" for it in cases)
            print(f"{number + 1}: {last}", flush=True)
    return [COLUMNS] + [cells(each, cases) for each in cases]


def make_cases(place: World, small: list[Subject], asked: argparse.Namespace) -> list[Case]:
    count, quiet = asked.streams, "one hot event"
    hot = [place.slugs[0]] * asked.bookings
    full = "a small event each"
    slugs = [each.slug for each in small]
    days = [Place(f"/live/?topic=list:{it.day}:{it.day}") for it in small[:DAYS]]
    return [
        Case(quiet, "none", hot, []),
        Case(quiet, f"{count} visitors", hot, visitors(count)),
        Case(quiet, f"{count} signed in", hot, people(place, count)),
        Case(full, "none", slugs, []),
        Case(
            full, f"{count} of other days", slugs, [Place("/live/?topic=list::2020-01-01")] * count
        ),
        Case(full, f"{count}, each of 1 day in {DAYS}", slugs, (days * count)[:count]),
    ]


def take_turn(case: Case, place: World, server: EventoServer, crowd: Crowd) -> Turn:
    place.reset()
    if case.places:
        open_all(crowd, server, case.places)
    time.sleep(SETTLE_SECONDS)
    with Watch(server, crowd) as watch:
        seen = book(place, server.port, case.slugs)
    turn = Turn(seen, watch, missing=len(case.slugs) - place.tickets())
    if case.places:
        turn.spread = server.connections()
        turn.frames = sum(len(each.ids) for each in crowd.ask("heard"))
        turn.missing += len(case.places) - crowd.ask("count")
        close_all(crowd, server)
    return turn


def book(place: World, port: int, slugs: list[str]) -> load.Load:
    fields = {"csrfmiddlewaretoken": place.csrf_secret}
    posts = [
        load.form_post(f"127.0.0.1:{port}", f"/events/{slug}/ticket/", cookie, fields)
        for slug, cookie in zip(slugs, place.cookies, strict=False)
    ]
    return asyncio.run(
        load.drive(port, posts, connections=CONNECTIONS, requests_each=REQUESTS_EACH)
    )


def close_all(crowd: Crowd, server: EventoServer) -> None:
    """Return when the server has noticed that all have gone."""
    crowd.ask("close")
    deadline = time.monotonic() + GONE_SECONDS
    while server.connections():
        if time.monotonic() > deadline:
            raise AssertionError("The server holds streams whose readers have gone.")
        time.sleep(0.1)


def cells(case: Case, cases: list[Case]) -> list[str]:
    base = next(it for it in cases if it.booked == case.booked and not it.places)
    ratio, low, high = ratio_with_interval(case.rates, base.rates)
    turns = case.turns
    latencies = [1000 * each for turn in turns for each in turn.seen.latencies]
    wrong = sum((turn.seen.answers for turn in turns), Counter())
    wrong.pop(BOOKED, None)
    wrong["missing"] += sum(turn.missing for turn in turns)
    return [
        case.booked,
        case.streams,
        middle(case.rates),
        f"{ratio:.2f}",
        f"{low:.2f}-{high:.2f}",
        f"{percentile(latencies, 50):.1f}",
        f"{percentile(latencies, 99):.1f}",
        middle([1000 * turn.watch.usage.cpu / len(case.slugs) for turn in turns], 1),
        f"{median(turn.frames / turn.seen.seconds for turn in turns):.0f}",
        f"{median(100 * turn.watch.reader_cpu for turn in turns):.0f} %",
        f"{middle([100 * turn.watch.others for turn in turns])} %",
        " + ".join(map(str, turns[-1].spread)),
        ", ".join(f"{count} x {label}" for label, count in wrong.items() if count) or "none",
    ]
