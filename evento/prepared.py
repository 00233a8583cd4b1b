"""PostgreSQL's prepared statements past the cursors of Django and psycopg, for each booking and each mail.

Of a short statement's time on our side cursors take nearly three quarters, and they let go of Python's lock
nine times for each (docs/decisions/0039-past-the-cursors.md).
"""

import re
import threading
from collections.abc import Sequence
from itertools import count
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import Connection, OperationalError
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import Error, error_from_result
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus
from psycopg.pq.abc import PGconn, PGresult

# invalid_sql_statement_name: psycopg has the server forget all that is prepared after any ROLLBACK.
# feature_not_supported: a migration has changed a column's type, so that what was prepared is of no use.
FORGOTTEN = (b"26000", b"0A000")
WORKED = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)

_numbers = count(1)


class _OfThread(threading.local):
    """The connection of this thread, and what is prepared on it."""

    connection: Connection[Any] | None = None
    statements: dict[str, "_Statement"]


_of_thread = _OfThread()


def may_pass_cursors(here: BaseDatabaseWrapper) -> bool:
    """Whether nothing needs a cursor now: no transaction, nobody who logs or wraps statements, no pooler.

    `here` is PostgreSQL's, and connected after it.
    """
    if here.queries_logged or here.execute_wrappers:
        return False
    here.close_if_health_check_failed()
    here.ensure_connection()
    connection: Connection[Any] = here.connection
    return connection.autocommit and connection.prepare_threshold is not None


def first_row(
    here: BaseDatabaseWrapper, statement: str, parameters: Sequence[Any]
) -> tuple[Any, ...] | None:
    """The first row that it returns; None if it finds none. `may_pass_cursors` was asked just before.

    As with a cursor, `%s` stands for each parameter, and Django's database errors are raised.
    """
    with here.wrap_database_errors:
        prepared, result = _run(here.connection, statement, parameters)
        return prepared.first_row_of(result)


def changed_rows(here: BaseDatabaseWrapper, statement: str, parameters: Sequence[Any]) -> int:
    """How many rows an UPDATE has changed; else as `first_row`."""
    with here.wrap_database_errors:
        _prepared, result = _run(here.connection, statement, parameters)
        return result.command_tuples or 0


def _run(
    connection: Connection[Any], statement: str, parameters: Sequence[Any]
) -> tuple["_Statement", PGresult]:
    if _of_thread.connection is not connection:
        _of_thread.connection, _of_thread.statements = connection, {}
    statements = _of_thread.statements
    prepared = statements.get(statement)
    if prepared is None:
        prepared = statements[statement] = _Statement(connection, statement)
    result = prepared.run(parameters)
    if _sqlstate(result) in FORGOTTEN:  # before anything was done
        prepared = statements[statement] = _Statement(connection, statement)
        result = prepared.run(parameters)
    if result.status not in WORKED:
        raise prepared.error_of(result)
    return prepared, result


class _Statement:
    """One statement on one connection."""

    def __init__(self, connection: Connection[Any], statement: str) -> None:
        numbers = count(1)
        self._text = re.sub("%s", lambda _mark: f"${next(numbers)}", statement).encode()
        self._pgconn: PGconn = connection.pgconn
        self._transformer = Transformer(connection)
        # By the types of its parameters: it is another one to PostgreSQL for each.
        self._names: dict[tuple[int, ...], bytes] = {}
        # The types for which it is known how columns are read.
        self._read_for: tuple[int, ...] | None = None

    def run(self, parameters: Sequence[Any]) -> PGresult:
        """What the server says, which may be an error. Raises psycopg's Error."""
        given = self._transformer
        values: Any = given.dump_sequence(parameters, [PyFormat.AUTO] * len(parameters))
        types = given.types or ()
        name = self._names.get(types)
        if name is None:
            name = self._names[types] = self._prepare(types)
        return self._pgconn.exec_prepared(name, values, given.formats)

    def first_row_of(self, result: PGresult) -> tuple[Any, ...] | None:
        if not result.ntuples:
            return None
        found, types = self._transformer, self._transformer.types or ()
        found.set_pgresult(result, set_loaders=types != self._read_for)
        self._read_for = types
        return found.load_row(0, tuple)

    def _prepare(self, types: tuple[int, ...]) -> bytes:
        name = f"evento_{next(_numbers)}".encode()
        result = self._pgconn.prepare(name, self._text, types)
        if result.status != ExecStatus.COMMAND_OK:
            raise self.error_of(result)
        return name

    def error_of(self, result: PGresult) -> Error:
        if _sqlstate(result) is None and self._pgconn.status == ConnStatus.BAD:
            return OperationalError(self._pgconn.get_error_message())  # the server is gone
        return error_from_result(result)


def _sqlstate(result: PGresult) -> bytes | None:
    """None where there is no error, and where no server said it."""
    return result.error_field(DiagnosticField.SQLSTATE)
