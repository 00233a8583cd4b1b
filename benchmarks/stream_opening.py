"""Many streams on one process: how fast they open, what they cost while nothing happens."""

import argparse
import asyncio
import time
from dataclasses import dataclass
from functools import partial

from benchmarks import load
from benchmarks.crowd import Crowd, Opening, Place
from benchmarks.evento_server import EventoServer, Usage, serving
from benchmarks.quiet import Watch, undisturbed
from benchmarks.tables import middle, percentile
from benchmarks.world import World

EVERYTHING = "/live/?topic=list::"
COLUMNS = [
    "streams",
    "open in s",
    "PSS MB before → after",
    "RSS MB before → after",
    "KB each (PSS)",
    "idle: server's CPU",
    "idle: database's CPU",
    "a page meanwhile: p50 ms",
    "p99 ms",
    "all have their bell after s",
    "readers' CPU",
    "others' CPU while idle",
]
# So that what a process loads with its first streams and pages does not count as the streams'.
WARM_STREAMS = 20
WARM_PAGES = 100
PAGES = 200
PAGES_EACH = 20  # over one connection
SETTLE_SECONDS = 5
TOLD_SECONDS = 120


@dataclass(frozen=True)
class Seen:
    """One turn on a fresh server."""

    opening: Opening | None
    told_after: float  # seconds
    before: Usage
    after: Usage
    watch: Watch  # while idle
    pages: load.Load


def visitors(count: int) -> list[Place]:
    """The front page, by nobody in particular."""
    return [Place(EVERYTHING)] * count


def people(place: World, count: int) -> list[Place]:
    """The front page, by people who are signed in: a bell each."""
    return [Place(f"{EVERYTHING}&topic=mine", cookie) for cookie in place.cookies[:count]]


def measure(place: World, asked: argparse.Namespace) -> list[list[str]]:
    """The table's rows, each from turns on servers of their own."""
    kinds = {
        "none": [],
        f"{asked.streams} visitors": visitors(asked.streams),
        f"{asked.streams} signed in": people(place, asked.streams),
    }
    seen: dict[str, list[Seen]] = {name: [] for name in kinds}
    for number in range(asked.rounds):
        for name, places in kinds.items():
            take = partial(take_turn, place, places, asked.idle_seconds)
            turn = undisturbed(take, asked.patience)
            seen[name].append(turn)
            print(f"{number + 1}, {name}: {brief(turn)}", flush=True)
    return [COLUMNS] + [cells(name, seen[name], len(places)) for name, places in kinds.items()]


def take_turn(place: World, places: list[Place], idle_seconds: int) -> Seen:
    with serving(place, workers=1) as server, Crowd() as crowd:
        crowd.ask("open", server.port, (visitors(WARM_STREAMS) + people(place, WARM_STREAMS)))
        get_pages(server, WARM_PAGES)
        crowd.ask("close")
        time.sleep(SETTLE_SECONDS)
        before = server.usage()
        opening, told_after = None, 0.0
        if places:
            opening, told_after = open_all(crowd, server, places)
        time.sleep(SETTLE_SECONDS)
        after = server.usage()
        with Watch(server, crowd) as watch:
            time.sleep(idle_seconds)
        pages = get_pages(server, PAGES)
        if crowd.ask("count") != len(places):
            raise AssertionError("Streams broke off while nothing happened.")
    return Seen(opening, told_after, before, after, watch, pages)


def open_all(crowd: Crowd, server: EventoServer, places: list[Place]) -> tuple[Opening, float]:
    """How they opened, and seconds from the first until all who have a bell had it."""
    began = time.monotonic()
    opening = crowd.ask("open", server.port, places)
    if opening.answers["200"] != len(places):
        raise AssertionError(f"Not all streams opened: {opening.answers}")
    if places[0].cookie and crowd.ask("all_told", TOLD_SECONDS) != len(places):
        raise AssertionError("Not all have their bell.")
    return opening, time.monotonic() - began


def get_pages(server: EventoServer, count: int) -> load.Load:
    """The front page, one after the other."""
    requests = [load.get(f"127.0.0.1:{server.port}", "/")] * count
    return asyncio.run(load.drive(server.port, requests, connections=1, requests_each=PAGES_EACH))


def brief(turn: Seen) -> str:
    opened = f"open in {turn.opening.seconds:.1f} s, " if turn.opening else ""
    return (
        f"{opened}RSS {turn.before.rss:.0f} to {turn.after.rss:.0f} MB,"
        f" idle {100 * turn.watch.share(turn.watch.usage.server_cpu):.1f} %"
    )


def cells(name: str, turns: list[Seen], streams: int) -> list[str]:
    each = [1024 * (it.after.pss - it.before.pss) / max(streams, 1) for it in turns]
    watches = [it.watch for it in turns]
    latencies = [it for turn in turns for it in turn.pages.latencies]
    wrong = sum(turn.pages.answers.total() - turn.pages.answers["200"] for turn in turns)
    openings = [it.opening for it in turns if it.opening]
    return [
        name,
        middle([it.seconds for it in openings], 1) if openings else "",
        f"{middle([it.before.pss for it in turns])} → {middle([it.after.pss for it in turns])}",
        f"{middle([it.before.rss for it in turns])} → {middle([it.after.rss for it in turns])}",
        middle(each, 1) if streams else "",
        f"{middle([100 * it.share(it.usage.server_cpu) for it in watches], 1)} %",
        f"{middle([100 * it.share(it.usage.database_cpu) for it in watches], 1)} %",
        f"{1000 * percentile(latencies, 50):.1f}",
        f"{1000 * percentile(latencies, 99):.1f}" + (f", {wrong} failed" if wrong else ""),
        middle([it.told_after for it in turns], 1) if "signed" in name else "",
        f"{100 * max(it.reader_cpu for it in watches):.1f} %" if streams else "",
        f"{middle([100 * it.others for it in watches])} %",
    ]
