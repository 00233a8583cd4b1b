"""The two databases that a benchmark may work on, behind the same methods."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import psycopg
from psycopg import sql

BUSY_SECONDS = 30  # SQLite: how long to wait for the server's writers
# A ticket's code of 20 digits.
CODE = "'0' || CAST(1000000000000000000 + {number} AS text)"


class Database(Protocol):
    """One database, asked over a connection of its own each time."""

    new_id: ClassVar[str]  # SQL of a new key
    random_number: ClassVar[str]  # SQL of a whole number of up to 18 digits
    now: ClassVar[str]  # SQL of this moment

    def ask(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement with `%s` for each value, and commit; the rows that it gives."""

    def empty(self, tables: Sequence[str]) -> None:
        """Delete all rows of these."""

    def tidy(self) -> None:
        """Leave nothing to do of what was written, so that a turn does not pay for the one before it."""

    def listeners(self) -> int | None:
        """How many processes wait to hear of public changes; None where they look for them."""

    def backends(self) -> list[int]:
        """The database's own processes for its clients."""


@dataclass(frozen=True)
class PostgreSQL:
    url: str
    new_id: ClassVar[str] = "gen_random_uuid()"
    random_number: ClassVar[str] = "floor(random() * 1e18)::bigint"
    now: ClassVar[str] = "now()"

    def ask(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            done = connection.execute(statement, values or None)
            return done.fetchall() if done.description else []

    def empty(self, tables: Sequence[str]) -> None:
        names = sql.SQL(", ").join(map(sql.Identifier, tables))
        self.ask(sql.SQL("TRUNCATE {} CASCADE").format(names))

    def tidy(self) -> None:
        """No dead rows, new statistics, and all of it on the disk.

        An empty table is left as a new one: looked at now, it would be planned for as one that stays empty.
        """
        filled = self.ask(
            "SELECT relid::regclass::text FROM pg_stat_user_tables WHERE pg_relation_size(relid) > 0"
        )
        self.ask(f"VACUUM ANALYZE {', '.join(name for (name,) in filled)}")
        self.ask("CHECKPOINT")

    def listeners(self) -> int:
        return len(self._processes("query LIKE 'LISTEN%'"))

    def backends(self) -> list[int]:
        """Of this database only; another benchmark would have another one."""
        return self._processes("backend_type = 'client backend'")

    def _processes(self, condition: str) -> list[int]:
        rows = self.ask(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            f" AND pid <> pg_backend_pid() AND {condition}"
        )
        return [pid for (pid,) in rows]


@dataclass(frozen=True)
class SQLite:
    path: str
    new_id: ClassVar[str] = "lower(hex(randomblob(16)))"
    random_number: ClassVar[str] = "abs(random() % 1000000000000000000)"
    now: ClassVar[str] = "strftime('%Y-%m-%d %H:%M:%f', 'now')"

    def ask(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        opened = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        with closing(opened) as connection:
            return connection.execute(statement.replace("%s", "?"), values).fetchall()

    def empty(self, tables: Sequence[str]) -> None:
        for table in tables:
            self.ask(f"DELETE FROM {table}")

    def tidy(self) -> None:
        """What is in the write-ahead log goes into the file."""
        self.ask("PRAGMA wal_checkpoint(TRUNCATE)")

    def listeners(self) -> None:
        return None

    def backends(self) -> list[int]:
        return []


def engine_of(url: str) -> Database:
    """The database at a URL as Evento's DATABASE_URL has it."""
    if url.startswith("sqlite"):
        return SQLite(url.removeprefix("sqlite:///"))
    return PostgreSQL(url)
