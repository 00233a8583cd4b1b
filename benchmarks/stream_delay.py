"""How long a public change takes from its commit to the readers, on two processes."""

import argparse
import time
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from uuid import UUID

from benchmarks.changing import Commit, Subject, add_events, change
from benchmarks.crowd import Crowd, Heard, Place
from benchmarks.evento_server import EventoServer, serving
from benchmarks.quiet import Watch, undisturbed
from benchmarks.stream_bookings import close_all
from benchmarks.stream_opening import SETTLE_SECONDS, open_all, visitors
from benchmarks.tables import middle, percentile
from benchmarks.world import World

COLUMNS = [
    "streams",
    "changes/s",
    "frames/s",
    "p50 ms",
    "p99 ms",
    "max ms",
    "p99 of each round",
    "replaced by a newer one",
    "last state missing",
    "server's CPU",
    "database's CPU",
    "readers' CPU",
    "others' CPU",
]
SUBJECTS = 100
DAYS = 10
LATEST_SECONDS = 60


@dataclass
class Turn:
    """One run of changes."""

    watch: Watch
    changes: int
    delays: list[float]
    replaced: int
    missing: int


@dataclass
class Case:
    """Streams, and which of the events each of them follows."""

    name: str
    places: list[Place]
    followed: list[set[UUID]]
    turns: list[Turn] = field(default_factory=list)


def measure(place: World, asked: argparse.Namespace) -> list[list[str]]:
    """The table's rows: streams that follow all changes, and many that follow a part."""
    subjects = add_events(place, SUBJECTS, days=DAYS)
    cases = make_cases(subjects, asked)
    with serving(place) as server, Crowd() as crowd:
        for number in range(asked.rounds):
            for case in cases:
                take = partial(take_turn, case, place, subjects, server, crowd, asked)
                turn = undisturbed(take, asked.patience)
                case.turns.append(turn)
                print(
                    f"{number + 1}, {case.name}: p99 {percentile(turn.delays, 99):.3f} s",
                    flush=True,
                )
    return [COLUMNS] + [cells(case) for case in cases]


def make_cases(subjects: list[Subject], asked: argparse.Namespace) -> list[Case]:
    """`few` follow everything, many what a front page shows: one day of ten."""
    few, many = asked.few_streams, asked.streams
    all_ids = {each.id for each in subjects}
    days = [each.day for each in subjects[:DAYS]]
    by_day = [{it.id for it in subjects if it.day == day} for day in days]
    return [
        Case(f"{few} that follow everything", visitors(few), [all_ids] * few),
        Case(
            f"{many} that follow one change in {DAYS}",
            [Place(f"/live/?topic=list:{days[n % DAYS]}:{days[n % DAYS]}") for n in range(many)],
            [by_day[n % DAYS] for n in range(many)],
        ),
    ]


def take_turn(  # noqa: PLR0913, PLR0917 - all that takes part
    case: Case,
    place: World,
    subjects: list[Subject],
    server: EventoServer,
    crowd: Crowd,
    asked: argparse.Namespace,
) -> Turn:
    open_all(crowd, server, case.places)
    change(place, subjects, count=2 * asked.rate, rate=asked.rate)  # to warm up
    time.sleep(SETTLE_SECONDS)
    crowd.ask("forget")
    with Watch(server, crowd) as watch:
        commits = change(place, subjects, count=asked.rate * asked.seconds, rate=asked.rate)
    missing, deadline = 1, time.monotonic() + LATEST_SECONDS
    while missing and time.monotonic() < deadline:
        time.sleep(0.5)
        heard = crowd.ask("heard")
        missing = last_states_missing(commits, case.followed, heard)
    close_all(crowd, server)
    delays = delays_of(commits, heard)
    sent = sum(commit.about in followed for commit in commits for followed in case.followed)
    return Turn(watch, len(commits), delays, sent - len(delays), missing)


def delays_of(commits: list[Commit], heard: list[Heard]) -> list[float]:
    """Seconds from each commit to each of its frames."""
    committed = {commit.id: commit.at for commit in commits}
    return [
        at - committed[frame_id]
        for reader in heard
        for frame_id, at in zip(reader.ids, reader.times, strict=True)
        if frame_id in committed
    ]


def last_states_missing(
    commits: list[Commit], followed: list[set[UUID]], heard: list[Heard]
) -> int:
    """How many readers' events lack the frame of their last change."""
    last = {commit.about: commit.id for commit in commits}
    missing = 0
    for subjects, reader in zip(followed, heard, strict=True):
        ids = set(reader.ids)
        missing += sum(last[about] not in ids for about in subjects if about in last)
    return missing


def cells(case: Case) -> list[str]:
    turns = case.turns
    delays = [delay for turn in turns for delay in turn.delays]
    seconds = sum(turn.watch.seconds for turn in turns)
    shares = (
        [turn.watch.share(turn.watch.usage.server_cpu) for turn in turns],
        [turn.watch.share(turn.watch.usage.database_cpu) for turn in turns],
        [turn.watch.reader_cpu for turn in turns],
        [turn.watch.others for turn in turns],
    )
    return [
        case.name,
        f"{sum(turn.changes for turn in turns) / seconds:.0f}",
        f"{len(delays) / seconds:.0f}",
        f"{1000 * percentile(delays, 50):.0f}",
        f"{1000 * percentile(delays, 99):.0f}",
        f"{1000 * max(delays):.0f}",
        middle([1000 * percentile(turn.delays, 99) for turn in turns]),
        f"{100 * sum(it.replaced for it in turns) / (len(delays) or 1):.1f} %",
        str(sum(turn.missing for turn in turns)),
        *(f"{100 * median(each):.0f} %" for each in shares),
    ]
