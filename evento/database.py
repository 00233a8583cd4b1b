"""What the two database engines say differently, said once."""

import functools
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ParamSpec, TypeVar

from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    connection,
    connections,
    transaction,
)
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet

P = ParamSpec("P")
R = TypeVar("R")

# PostgreSQL: serialization_failure, deadlock_detected, lock_not_available.
RETRYABLE_SQLSTATES = {"40001", "40P01", "55P03"}
# PostgreSQL: connection exceptions, insufficient resources (a full disk is one), operator intervention
# (a restart), a database that may only be read; and no state at all: nobody answers.
OUTAGE_SQLSTATES = ("08", "53", "57P", "25006")
# SQLite: a full disk, a file that can be read only, cannot be read or written, or opened.
OUTAGE_SQLITE_CODES = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
}
BATCH = 1000  # rows of one deletion
ATTEMPTS = 3  # DESIGN "The hot path": retry twice, then answer 503.


class Busy(Exception):
    """The database could not take the change now; the caller may try again in a few seconds."""

    retry_after_seconds = 5


def default_connection() -> BaseDatabaseWrapper:
    """What Django's `connection` stands for, which looks for it at each attribute."""
    return connections[DEFAULT_DB_ALIAS]


def violates(error: IntegrityError, *, constraint: str, columns: tuple[str, ...] = ()) -> bool:
    """Whether `error` comes from the named constraint.

    SQLite names the columns ("table.column") of a unique constraint instead of its name, so give both.
    """
    diagnostics = getattr(error.__cause__, "diag", None)
    if diagnostics is not None:
        return diagnostics.constraint_name == constraint
    text = str(error)
    return constraint in text or (bool(columns) and text.endswith(": " + ", ".join(columns)))


def is_conflict(error: OperationalError) -> bool:
    """Whether the same transaction, begun anew, may well succeed."""
    sqlstate = getattr(error.__cause__, "sqlstate", None)
    return sqlstate in RETRYABLE_SQLSTATES or "database is locked" in str(error)


def is_outage(error: BaseException) -> bool:
    """Whether the database as a whole is away, full or only readable, whatever was asked of it."""
    if not isinstance(error, DatabaseError | InterfaceError):
        return False
    cause = error.__cause__
    if cause is None:
        return False
    if isinstance(cause, sqlite3.Error):
        # The last byte is the kind, those before it which of that kind.
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF in OUTAGE_SQLITE_CODES
    sqlstate = getattr(cause, "sqlstate", None)
    if sqlstate is None:
        return isinstance(error, OperationalError | InterfaceError)
    return str(sqlstate).startswith(OUTAGE_SQLSTATES)


def retry_conflicts(service: Callable[P, R]) -> Callable[P, R]:
    """Run a service again when its transaction lost against another one; then raise `Busy`.

    Inside somebody else's transaction there is nothing to begin anew, so the error passes through.
    """

    @functools.wraps(service)
    def retrying(*args: P.args, **kwargs: P.kwargs) -> R:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return service(*args, **kwargs)
            except OperationalError as error:
                if not is_conflict(error) or connection.in_atomic_block:
                    raise
                # SQLite has waited its whole busy timeout already: a second wait helps nobody.
                if attempt == ATTEMPTS or connection.vendor == "sqlite":
                    raise Busy from error
        raise AssertionError("unreachable")

    return retrying


def savepoint() -> AbstractContextManager[None]:
    """Undo what one statement did when it fails. Only inside a transaction is there anything to undo."""
    return transaction.atomic() if default_connection().in_atomic_block else nullcontext()


def delete_in_batches(rows: QuerySet[Any], *, size: int = BATCH) -> int:
    """Delete what `rows` asks for, `size` at a time, each in a transaction of its own; returns how many.

    Long deletions would keep SQLite's one writer, or rows that others want, for as long as they take.
    """
    deleted = 0
    while keys := list(rows.order_by().values_list("pk", flat=True)[:size]):
        # Asked again with the conditions: a row may have become another since.
        deleted += rows.order_by().filter(pk__in=keys).delete()[0]
    return deleted
