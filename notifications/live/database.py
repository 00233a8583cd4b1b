"""The database for an event loop: queries in few threads with a connection each, and word of changes."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

import psycopg
from django.db import Error as DatabaseFailure
from django.db import InterfaceError, OperationalError, connection

P = ParamSpec("P")
R = TypeVar("R")

CHANNEL = "evento_public_change"  # notifications/migrations/0002_public_changes.py
# PostgreSQL says when there is something; asking all the same heals whatever was missed.
ASK_ANYWAY_SECONDS = 5.0
SQLITE_POLL_SECONDS = 0.1
# What Django's driver options have and a connection of psycopg's own has not.
DJANGOS_OWN = frozenset({"cursor_factory", "context", "prepare_threshold", "pool"})


class DatabaseThreads:
    """A few threads that keep their connections: as many as may ask at once, however many wait."""

    def __init__(self, count: int) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="live-database")

    async def run(self, ask: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, lambda: _asked(ask, *args, **kwargs))

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def _asked(ask: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Ask on this thread's connection; once more on a new one if it was lost, say by a restart."""
    try:
        return ask(*args, **kwargs)
    except (OperationalError, InterfaceError):
        connection.close()
    try:
        return ask(*args, **kwargs)
    except DatabaseFailure:
        connection.close()
        raise


async def changes_announced(threads: DatabaseThreads) -> AsyncGenerator[None]:
    """Yield whenever there may be new public changes. On SQLite `threads` must be one thread."""
    postgresql = connection.vendor == "postgresql"
    announced = _postgresql_notifies() if postgresql else _sqlite_changes(threads)
    async with contextlib.aclosing(announced):
        async for _word in announced:
            yield


async def _postgresql_notifies() -> AsyncGenerator[None]:
    parameters: dict[str, Any] = {
        name: value
        for name, value in connection.get_connection_params().items()
        if name not in DJANGOS_OWN
    }
    async with await psycopg.AsyncConnection.connect(**parameters, autocommit=True) as listening:
        await listening.execute(f"LISTEN {CHANNEL}")
        while True:
            yield
            async for _notify in listening.notifies(timeout=ASK_ANYWAY_SECONDS, stop_after=1):
                pass


async def _sqlite_changes(threads: DatabaseThreads) -> AsyncGenerator[None]:
    """SQLite tells each connection cheaply whether another one has committed anything."""
    seen = None
    while True:
        version = await threads.run(_data_version)
        if version != seen:
            seen = version
            yield
        await asyncio.sleep(SQLITE_POLL_SECONDS)


def _data_version() -> tuple[Any, int]:
    """The version, and the connection for which alone it means something."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA data_version")
        return connection.connection, cursor.fetchone()[0]
