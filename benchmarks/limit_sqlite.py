"""The limit of SQLite: Python's own sqlite3 with Evento's settings, alone, and several who write at once."""

import json
import sqlite3
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from multiprocessing import get_context
from typing import Any

from benchmarks import world
from benchmarks.engines import engine_of
from benchmarks.limit import Bare, Job, Turn, book_for_a_while, statements, together

PROCESSES = 2
SETTINGS = (
    "import json; from django.conf import settings;"
    "print(json.dumps([settings.DATABASES['default']['OPTIONS'], settings.WEB_THREADS]))"
)


def turns(place: world.World) -> dict[str, Turn]:
    """The ways to drive it, the one that others are a share of first."""
    options, threads = json.loads(world.python(place.url, "-c", SETTINGS))
    processes = partial(ProcessPoolExecutor, mp_context=get_context("spawn"))
    return {
        "sqlite3, alone": partial(_clients, options, ThreadPoolExecutor, 1),
        f"sqlite3, {threads} threads": partial(_clients, options, ThreadPoolExecutor, threads),
        f"sqlite3, {PROCESSES} processes": partial(_clients, options, processes, PROCESSES),
    }


def _clients(
    options: dict[str, Any], executor: Callable[[int], Executor], count: int, job: Job
) -> Bare:
    with executor(count) as pool:
        list(pool.map(abs, range(count)))  # they are there before the clock starts
        return together(list(pool.map(partial(_client, options, job), range(count))))


def _client(options: dict[str, Any], job: Job, number: int) -> Bare:
    """Raises sqlite3.OperationalError when it has waited for others as long as Evento does."""
    database = engine_of(job.url)
    insert, update = statements(database, "?", "?")
    opened = sqlite3.connect(database.path, timeout=options["timeout"], isolation_level=None)
    with closing(opened) as connection:
        connection.executescript(options["init_command"])

        def book(holder: int) -> None:
            connection.execute(f"BEGIN {options['transaction_mode']}")
            connection.execute(insert, [job.event, holder])
            connection.execute(update, [job.event]).fetchall()
            connection.execute("COMMIT")

        return book_for_a_while(book, job, number)
