"""What the database itself allows: a booking's bare INSERT and UPDATE on one hot event.

All else is given as a share of it. Holders are drawn at random, so tickets are written as cancelled: one
person may have many of those. How each engine is driven is in limit_postgresql and limit_sqlite.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.engines import CODE, Database
from benchmarks.tables import middle
from benchmarks.world import World

COLUMNS = ["bare SQL", "bookings/s (least-most)", "longest ms"]
INSERT = """
    INSERT INTO tickets_ticket (id, event_id, holder_id, code, status, note, booked_at, updated_at)
    SELECT {new_id}, {event}, id, {code}, 'cancelled', '', {now}, {now}
    FROM bench_holder WHERE n = {holder}
"""
UPDATE = """
    UPDATE events_event SET places_taken = places_taken + 1
    WHERE id = {event} AND status = 'published' AND starts_at > {now} AND places_taken < capacity
    RETURNING capacity, places_taken
"""


@dataclass(frozen=True)
class Job:
    """What one turn is to book, and for how long."""

    url: str
    event: str  # its key
    people: int  # numbered from 1
    seconds: float


@dataclass(frozen=True)
class Bare:
    """What one turn saw."""

    rate: float  # bookings a second
    longest: float | None = None  # seconds that one booking took, if it was seen


Turn = Callable[[Job], Bare]


def measure(
    place: World, turns: Mapping[str, Turn], rounds: int, seconds: float
) -> dict[str, list[Bare]]:
    """What each turn saw in every round. Raises AssertionError when a booking was lost."""
    seen: dict[str, list[Bare]] = {name: [] for name in turns}
    with _numbered_holders(place) as (event, people):
        job = Job(place.url, event, people, seconds)
        for _round in range(rounds):
            for name, turn in turns.items():
                place.reset()
                seen[name].append(turn(job))
                place.tickets()
    place.reset()
    return seen


def table(seen: Mapping[str, Sequence[Bare]]) -> list[list[str]]:
    """A line for each way, the head first."""
    return [COLUMNS, *([name, *_cells(turns)] for name, turns in seen.items())]


def statements(database: Database, event: str, holder: str) -> tuple[str, str]:
    """INSERT and UPDATE, with those two as SQL."""
    words = {
        "new_id": database.new_id,
        "code": CODE.format(number=database.random_number),
        "now": database.now,
        "event": event,
        "holder": holder,
    }
    return INSERT.format(**words), UPDATE.format(**words)


def book_for_a_while(book: Callable[[int], None], job: Job, number: int) -> Bare:
    """One client's part: `book` for one person after the other, each client beginning with another."""
    done, longest = 0, 0.0
    started = now = time.perf_counter()
    while now - started < job.seconds:
        book((number + done) % job.people + 1)
        done, before, now = done + 1, now, time.perf_counter()
        longest = max(longest, now - before)
    return Bare(done / (now - started), longest)


def together(parts: Sequence[Bare]) -> Bare:
    """All clients of one turn."""
    return Bare(sum(it.rate for it in parts), max(it.longest or 0 for it in parts))


def _cells(turns: Sequence[Bare]) -> list[str]:
    longest = [1000 * it.longest for it in turns if it.longest is not None]
    return [middle([it.rate for it in turns]), f"{max(longest):.0f}" if longest else ""]


@contextmanager
def _numbered_holders(place: World) -> Iterator[tuple[str, int]]:
    """Numbers for the people, to draw one by; the hot event's key, and how many people there are."""
    ask = place.database.ask
    ask(
        "CREATE TABLE bench_holder AS"
        " SELECT CAST(row_number() OVER (ORDER BY id) AS integer) AS n, id FROM accounts_user"
    )
    try:
        ask("CREATE UNIQUE INDEX bench_holder_n ON bench_holder (n)")
        [(event,)] = ask("SELECT id FROM events_event WHERE slug = %s", [place.slugs[0]])
        yield str(event), place.rows("bench_holder")
    finally:
        ask("DROP TABLE bench_holder")
