"""A server with many streams is killed and started again: when is everybody back."""

import argparse
import time
from dataclasses import dataclass

from benchmarks.changing import Subject, add_events, change
from benchmarks.crowd import Crowd, Place
from benchmarks.evento_server import EventoServer, Usage, serving
from benchmarks.quiet import wait_for_quiet
from benchmarks.stream_delay import last_states_missing
from benchmarks.stream_opening import SETTLE_SECONDS, open_all, people, visitors
from benchmarks.tables import middle, percentile
from benchmarks.world import World

COLUMNS = [
    "streams",
    "server answers after s",
    "half are back after s",
    "all are back after s",
    "server's CPU seconds until then",
    "of changes meanwhile, missed",
]
SUBJECTS = 20
DAYS = 10
BACK_SECONDS = 120


@dataclass(frozen=True)
class Turn:
    """Times in seconds from the kill."""

    answers: float
    half: float
    everybody: float
    usage: Usage
    missed: int


def measure(place: World, asked: argparse.Namespace) -> list[list[str]]:
    """The table's rows: visitors, and people who are signed in."""
    subjects = add_events(place, SUBJECTS, days=DAYS)
    kinds = {
        f"{asked.streams} visitors": visitors(asked.streams),
        f"{asked.streams} signed in": people(place, asked.streams),
    }
    turns: dict[str, list[Turn]] = {name: [] for name in kinds}
    for number in range(asked.rounds):
        for name, places in kinds.items():
            wait_for_quiet(asked.patience)
            with serving(place) as server, Crowd() as crowd:
                turns[name].append(take_turn(place, subjects, places, server, crowd))
            print(f"{number + 1}, {name}: all after {turns[name][-1].everybody:.1f} s", flush=True)
    return [COLUMNS] + [cells(name, its) for name, its in turns.items()]


def take_turn(
    place: World,
    subjects: list[Subject],
    places: list[Place],
    server: EventoServer,
    crowd: Crowd,
) -> Turn:
    """Kill, change something while nobody listens, start."""
    open_all(crowd, server, places)
    change(place, subjects, count=len(subjects), rate=50)  # so that everybody has a last frame
    time.sleep(SETTLE_SECONDS)
    crowd.ask("forget")
    crowd.ask("let_return")
    killed = time.monotonic()
    server.kill()
    commits = change(place, subjects, count=len(subjects), rate=1000)
    server.start()
    answers = time.monotonic()
    back = crowd.ask("all_open", killed, BACK_SECONDS)
    usage = server.usage()
    if len(back) != len(places):
        raise AssertionError(f"Only {len(back)} of {len(places)} came back.")
    time.sleep(SETTLE_SECONDS)
    followed = [{each.id for each in subjects}] * len(places)
    return Turn(
        answers=answers - killed,
        half=percentile(back, 50) - killed,
        everybody=back[-1] - killed,
        usage=usage,
        missed=last_states_missing(commits, followed, crowd.ask("heard")),
    )


def cells(name: str, turns: list[Turn]) -> list[str]:
    return [
        name,
        middle([turn.answers for turn in turns], 1),
        middle([turn.half for turn in turns], 1),
        middle([turn.everybody for turn in turns], 1),
        middle([turn.usage.server_cpu for turn in turns], 1),
        str(sum(turn.missed for turn in turns)),
    ]
