"""The database a benchmark works on: made for it, and dropped when it ends."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from benchmarks.engines import CODE, Database, engine_of

ROOT = Path(__file__).resolve().parent.parent
SERVER_URL = "postgres://postgres@127.0.0.1:5432"
# What a run leaves behind; `World.reset` takes it out, so that each run meets the same tables.
WRITTEN_TABLES = ("tickets_ticket", "notifications_notification", "notifications_outgoingemail")


@dataclass(frozen=True)
class World:
    url: str
    slugs: list[str]
    month: str  # the calendar's page of the month in their midst, which they fill if they are 1,000
    cookies: list[str]  # the Cookie header of each person
    csrf_secret: str  # what every cookie carries and every form sends

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every process that works on this database."""
        return environment(self.url)

    @property
    def database(self) -> Database:
        return engine_of(self.url)

    def reset(self) -> None:
        """Nobody has a ticket; nothing is left of the last run to slow the next one."""
        self.database.empty(WRITTEN_TABLES)
        self.database.ask("UPDATE events_event SET places_taken = 0 WHERE places_taken > 0")
        self.database.tidy()

    def fill(self, slug: str) -> None:
        """Nobody has a ticket, and that event has no place left; `reset` undoes it."""
        self.reset()
        self.database.ask("UPDATE events_event SET places_taken = capacity WHERE slug = %s", [slug])

    def give_tickets(self, each: int) -> None:
        """Everybody holds a ticket for so many of the events, and nobody any other."""
        self.reset()
        now, code = self.database.now, CODE.format(number="row_number() OVER ()")
        self.database.ask(
            f"""
            INSERT INTO tickets_ticket
                (id, event_id, holder_id, code, status, note, booked_at, updated_at)
            SELECT {self.database.new_id}, event.id, person.id, {code}, 'valid', '', {now}, {now}
            FROM accounts_user person, (SELECT id FROM events_event ORDER BY id LIMIT %s) event
            """,
            [each],
        )
        self.database.ask(
            "UPDATE events_event SET places_taken = "
            "(SELECT count(*) FROM tickets_ticket WHERE event_id = events_event.id)"
        )
        self.database.tidy()

    def rows(self, table: str) -> int:
        """How many rows there are in `table`."""
        [(count,)] = self.database.ask(f"SELECT COUNT(*) FROM {table}")
        return count

    def tickets(self) -> int:
        """How many tickets there are. Raises AssertionError when the events count otherwise."""
        [(tickets, taken)] = self.database.ask(
            "SELECT (SELECT COUNT(*) FROM tickets_ticket), SUM(places_taken) FROM events_event"
        )
        if tickets != taken:
            raise AssertionError(f"{tickets} tickets, but {taken} places taken")
        return tickets


@contextmanager
def built(name: str, *, people: int, events: int = 1, server: str = SERVER_URL) -> Iterator[World]:
    """A world with `people` who are signed in and `events` with room for all.

    Replaces a database of that name, and drops it at the end.
    """
    with emptied(name, server=server) as url:
        yield _filled(url, people, events)


@contextmanager
def built_in_a_file(*, people: int, events: int = 1) -> Iterator[World]:
    """The same on SQLite: a file in a temporary folder (TMPDIR: on another disk), both gone at the end."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        url = f"sqlite:///{folder}/bench.sqlite3"
        _migrate(url)
        yield _filled(url, people, events)


@contextmanager
def emptied(name: str, *, server: str = SERVER_URL) -> Iterator[str]:
    """The URL of a migrated database; replaces one of that name, and drops it at the end."""
    _drop(server, name)
    try:
        with kept(name, server=server) as url:
            yield url
    finally:
        _drop(server, name)


@contextmanager
def kept(name: str, *, server: str = SERVER_URL) -> Iterator[str]:
    """The URL of a migrated database, made unless it is there, and left behind."""
    url = f"{server}/{name}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if found.fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    _migrate(url)
    yield url


def environment(database_url: str) -> dict[str, str]:
    """As in production, but without TLS."""
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
        "DATABASE_URL": database_url,
        "SECRET_KEY": "benchmarks-" + "k" * 50,
        "SITE_URL": "http://localhost:8000",
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "NOTIFICATIONS_SEND": "worker",
        "DEBUG": "false",
        "REDIS_URL": "",
        # In each turn the same people stand for others, who have called nothing yet in this minute.
        "API_WRITES_PER_MINUTE": "1000000",
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "ignore:No directory at",  # nobody has to collect static files first
    }


def _migrate(url: str) -> None:
    python(url, "manage.py", "migrate", "--noinput", "--verbosity", "0")


def _filled(url: str, people: int, events: int) -> World:
    filled = python(url, "-m", "benchmarks.filling", f"--people={people}", f"--events={events}")
    place = World(url, **json.loads(filled))
    place.database.tidy()
    return place


def _drop(server: str, name: str) -> None:
    if not urlsplit(f"{server}/{name}").path.startswith("/bench"):
        raise ValueError(f"{name!r} does not begin with “bench”, so it may hold real data.")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        connection.execute(statement.format(sql.Identifier(name)))


def python(database_url: str, *arguments: str) -> str:
    """What one of our programs prints. Raises CalledProcessError."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment(database_url),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout
