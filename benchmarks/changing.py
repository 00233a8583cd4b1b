"""Events whose public state changes, and who changes it: the cause of what a live stream tells."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import psycopg

from benchmarks.world import World

# With so many places, fewer than one in twenty free is told to everybody: "last 40 spaces".
CAPACITY = 1000
MOST_TOLD = 40
FIRST_DAY = 30  # days from today; the world's own events are sooner

# A copy of the world's first event on a day of its own. A published event's start is frozen, so
# that it is copied, not changed.
COPY = """
INSERT INTO events_event
SELECT (jsonb_populate_record(model, jsonb_build_object(
    'id', gen_random_uuid(),
    'slug', concat_ws('-', 'followed', %(capacity)s::text, number),
    'title', 'Recital ' || number,
    'capacity', %(capacity)s,
    'starts_on', CURRENT_DATE + %(first_day)s + number %% %(days)s,
    'starts_at', CURRENT_DATE + %(first_day)s + number %% %(days)s + TIME '19:00'
))).* FROM events_event model, generate_series(0, %(count)s - 1) number
WHERE model.slug = %(model)s
RETURNING id, slug, starts_on::text
"""


@dataclass(frozen=True)
class Subject:
    """An event that a stream may follow by its day."""

    id: UUID
    slug: str
    day: str


@dataclass(frozen=True)
class Commit:
    """One public change: its id, whose it was, and when COMMIT had returned (`time.monotonic`)."""

    id: int
    about: UUID
    at: float


def add_events(place: World, count: int, *, days: int, capacity: int = CAPACITY) -> list[Subject]:
    """Published events, spread over so many days."""
    values = {
        "capacity": capacity,
        "count": count,
        "days": days,
        "first_day": FIRST_DAY,
        "model": place.slugs[0],
    }
    with psycopg.connect(place.url) as connection:
        rows = connection.execute(COPY, values).fetchall()
    return [Subject(*row) for row in rows]


def change(place: World, subjects: Sequence[Subject], *, count: int, rate: int) -> list[Commit]:
    """Change one event after the other, `count` times, `rate` a second, each in a transaction of its own.

    What a booking of one of the last places writes, without the booking: the rate must not depend on
    the server that is measured.
    """
    commits, began = [], time.monotonic()
    with psycopg.connect(place.url) as connection:
        for number in range(count):
            time.sleep(max(0, began + number / rate - time.monotonic()))
            about = subjects[number % len(subjects)].id
            left = 1 + (number // len(subjects)) % MOST_TOLD
            connection.execute(
                "UPDATE events_event SET places_taken = capacity - %s WHERE id = %s", (left, about)
            )
            # The id is drawn by the table's trigger.
            row = connection.execute(
                "INSERT INTO notifications_publicchange (about, changed_at) VALUES (%s, NOW())"
                " RETURNING id",
                (about,),
            ).fetchone()
            connection.commit()
            commits.append(Commit(row[0], about, time.monotonic()))
    return commits
