"""What the database itself allows: a booking's bare INSERT and UPDATE on one hot event.

Through psycopg in as many processes as the server has, one connection each, and through pgbench over 8. All
else is given as a share of it. Holders are drawn at random, so tickets are written as cancelled: one person
may have many of those.
"""

import re
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import psycopg

from benchmarks.tables import middle
from benchmarks.world import World

PROCESSES = 2
PGBENCH_CLIENTS = 8
COLUMNS = ["bare SQL", "bookings/s (least-most)"]
INSERT = """
    INSERT INTO tickets_ticket (id, event_id, holder_id, code, status, note, booked_at, updated_at)
    SELECT gen_random_uuid(), {event}, id, lpad(floor(random() * 1e18)::bigint::text, 20, '0'), 'cancelled',
           '', now(), now()
    FROM bench_holder WHERE n = {holder}
"""
UPDATE = """
    UPDATE events_event SET places_taken = places_taken + 1
    WHERE id = {event} AND status = 'published' AND starts_at > now() AND places_taken < capacity
    RETURNING capacity, places_taken
"""


def measure(place: World, rounds: int, seconds: float) -> list[list[str]]:
    """A line for each way, over `rounds` turns of `seconds`."""
    event, people = _prepare(place)
    by_psycopg, by_pgbench = [], []
    for _round in range(rounds):
        place.reset()
        by_psycopg.append(_psycopg_rate(place.url, event, people, seconds))
        place.reset()
        by_pgbench.append(_pgbench_rate(place.url, event, people, seconds))
    with psycopg.connect(place.url, autocommit=True) as connection:
        connection.execute("DROP TABLE bench_holder")
    place.reset()
    return [
        COLUMNS,
        [f"psycopg, {PROCESSES} processes", middle(by_psycopg)],
        [f"pgbench, {PGBENCH_CLIENTS} clients", middle(by_pgbench)],
    ]


def _prepare(place: World) -> tuple[str, int]:
    """Numbers for the people, to draw one by; the hot event's key, and how many people there are."""
    with psycopg.connect(place.url, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE bench_holder AS"
            " SELECT row_number() OVER (ORDER BY id)::int AS n, id FROM accounts_user"
        )
        connection.execute("ALTER TABLE bench_holder ADD PRIMARY KEY (n)")
        row = connection.execute(
            "SELECT (SELECT id FROM events_event WHERE slug = %s), (SELECT COUNT(*) FROM bench_holder)",
            [place.slugs[0]],
        ).fetchone()
    return str(row[0]), row[1]


def _psycopg_rate(url: str, event: str, people: int, seconds: float) -> float:
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        list(pool.map(abs, range(PROCESSES)))  # the processes are there before the clock starts
        book = partial(_book_for_a_while, url, event, people, seconds)
        return sum(pool.map(book, range(PROCESSES)))


def _book_for_a_while(url: str, event: str, people: int, seconds: float, number: int) -> float:
    """Bookings a second of one process."""
    insert = INSERT.format(event="%s", holder="%s")
    update = UPDATE.format(event="%s")
    done = number  # each process begins with other people
    with psycopg.connect(url, prepare_threshold=1) as connection:
        started = time.perf_counter()
        while time.perf_counter() - started < seconds:
            done += 1
            connection.execute(insert, [event, done % people + 1])
            connection.execute(update, [event]).fetchone()
            connection.commit()
    return (done - number) / seconds


def _pgbench_rate(url: str, event: str, people: int, seconds: float) -> float:
    """Transactions a second. Raises RuntimeError where there is no pgbench."""
    debians = Path("/usr/lib/postgresql").glob("*/bin/pgbench")
    found = shutil.which("pgbench") or next(debians, None)
    if found is None:
        raise RuntimeError("pgbench is missing: it comes with PostgreSQL's server.")
    key = f"'{event}'"
    script = "\n".join(
        (
            f"\\set n random(1, {people})",
            "BEGIN;",
            " ".join(INSERT.format(event=key, holder=":n").split()) + ";",
            " ".join(UPDATE.format(event=key).split()) + ";",
            "COMMIT;",
        )
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "booking.sql"
        file.write_text(script)
        asked = f"-n -M prepared -c {PGBENCH_CLIENTS} -j 2 -T {max(1, round(seconds))}".split()
        done = subprocess.run(
            [found, *asked, "-f", str(file), url], capture_output=True, text=True, check=True
        )
    return float(re.search(r"tps = ([0-9.]+)", done.stdout)[1])
