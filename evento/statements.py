"""Statements that are built once, for what nearly every request does and for the hot path.

Django builds the statement of `get`, `create` and `bulk_create` anew each time, which takes longer than
running it (docs/performance.md).
"""

import functools
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, Self, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import Model, QuerySet
from django.db.models.query import get_related_populators
from django.db.models.sql.compiler import SQLCompiler

Row = TypeVar("Row", bound=Model)


class Rows:
    """New rows, of whichever tables, that are stored together: on PostgreSQL by one statement for all.

    As with `bulk_create`, no `save` is called and no signal sent; the rows have their keys already.
    """

    def __init__(self, *rows: Model, ignore_conflicts: bool = False) -> None:
        """With `ignore_conflicts` a row whose key is taken is left out."""
        self._rows: list[tuple[Model, bool]] = []
        self._callbacks: list[Callable[[], None]] = []
        self.add(*rows, ignore_conflicts=ignore_conflicts)

    def add(self, *rows: Model, ignore_conflicts: bool = False) -> None:
        """More of them; each `add` says what is to become of its own conflicts."""
        self._rows += [(row, ignore_conflicts) for row in rows]

    def extend(self, others: Self) -> None:
        """Those of others, and what is to be called."""
        self._rows += others._rows
        self._callbacks += others._callbacks

    def on_stored(self, callback: Callable[[], None]) -> None:
        """Call this once they are stored, inside the transaction if there is one."""
        self._callbacks.append(callback)

    def store(self) -> None:
        """Write them. Raises IntegrityError."""
        if connection.vendor == "postgresql":
            _write(_insert_together(self._tables), self._values)
        else:
            self._store_one_by_one()
        self._note_stored()

    def store_if(self, update: str, parameters: list[Any]) -> tuple[Any, ...] | None:
        """Run an UPDATE of one row and, if it found that row, write all of these too.

        Returns what the UPDATE returns, or None: then nothing is written. On PostgreSQL this is one
        statement; on SQLite call it inside a transaction. Raises IntegrityError.
        """
        if connection.vendor == "postgresql":
            found = execute(_insert_after(update, self._tables), parameters + self._values)
        else:
            found = execute(update, parameters)
            if found is not None:
                self._store_one_by_one()
        if found is not None:
            self._note_stored()
        return found

    @property
    def _tables(self) -> tuple[tuple[type[Model], bool], ...]:
        return tuple((type(row), ignoring) for row, ignoring in self._rows)

    @property
    def _values(self) -> list[Any]:
        return [value for row, _ignoring in self._rows for value in _stored_values(row)]

    def _store_one_by_one(self) -> None:
        for row, ignoring in self._rows:
            _write(_insert_statement(type(row), ignoring), _stored_values(row))

    def _note_stored(self) -> None:
        for row, _ignoring in self._rows:
            row._state.adding, row._state.db = False, connection.alias
        for callback in self._callbacks:
            callback()


def execute(statement: str, parameters: list[Any]) -> tuple[Any, ...] | None:
    """The first row that a statement of our own returns; None if it finds none."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone()


def _write(statement: str, parameters: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


class Lookup(Generic[Row]):
    """Finds the one row of some that has given values in fields which are unique together."""

    # Each stands for a value while the statement is built.
    SAMPLES = (
        UUID("5b0f1d4e-93c5-4c0b-8f0e-6f2f5f0a7a11"),
        UUID("0d9c2a7b-61f4-4e0a-9d53-1b7e8c4f2a36"),
    )

    def __init__(self, rows: Callable[[], "QuerySet[Row]"], *fields: str) -> None:
        """`rows()` are those to look among; it is asked once, when the first is looked for.

        What it joins by `select_related` is found with the row.
        """
        self._rows = rows
        self._fields = fields

    def find(self, *values: str | UUID) -> Row | None:
        """The row, or None. `values` are those of the fields, in their order."""
        question, here = self._question, connections[DEFAULT_DB_ALIAS]
        given = [
            prepare(value, here) for prepare, value in zip(question.prepare, values, strict=True)
        ]
        found = execute(
            question.statement,
            [fixed if n is None else given[n] for n, fixed in question.parameters],
        )
        if found is None:
            return None
        [stored] = question.compiler.apply_converters([found], question.converters)
        row = question.model.from_db(here.alias, question.columns, stored[question.own])
        for populator in question.populators:
            populator.populate(stored, row)
        return row

    @functools.cached_property
    def _question(self) -> "_Question":
        samples = self.SAMPLES[: len(self._fields)]
        conditions = dict(zip(self._fields, samples, strict=True))
        rows = self._rows().filter(**conditions).order_by()
        compiler = rows.query.get_compiler(connection=connection)
        statement, parameters = compiler.as_sql()
        fields: list[Any] = [rows.model._meta.get_field(name) for name in self._fields]
        prepare = [field.get_db_prep_save for field in fields]
        given = [each(sample, connection) for each, sample in zip(prepare, samples, strict=True)]
        known, columns = compiler.klass_info, [column for column, _sql, _alias in compiler.select]
        own = slice(known["select_fields"][0], known["select_fields"][-1] + 1)
        return _Question(
            rows.model,
            statement,
            [(given.index(it) if it in given else None, it) for it in parameters],
            prepare,
            compiler,
            compiler.get_converters(columns),
            own,
            [column.target.attname for column in columns[own]],
            # As Django's ModelIterable does it. The stubs are those of a later Django.
            get_related_populators(known, compiler.select, connection.alias),  # type: ignore[call-arg]
        )


class _Question(NamedTuple):
    model: type[Any]
    statement: str
    parameters: list[tuple[int | None, Any]]  # which of the given values, or this one
    prepare: list[Callable[..., Any]]  # each given value
    compiler: SQLCompiler
    converters: dict[int, Any]
    own: slice  # which of the columns are the row's
    columns: list[str]
    populators: list[Any]  # what makes the others into rows that belong to it


@functools.cache
def _insert_statement(table: type[Model], ignore_conflicts: bool, source: str = "") -> str:
    """With a `source` the row is written once for each row of that."""
    options = table._meta
    names = [connection.ops.quote_name(str(field.column)) for field in options.concrete_fields]
    columns, marks = ", ".join(names), ", ".join(["%s"] * len(names))
    values = f"SELECT {marks} FROM {source}" if source else f"VALUES ({marks})"  # noqa: S608 - names of ours
    ending = " ON CONFLICT DO NOTHING" if ignore_conflicts else ""
    name = connection.ops.quote_name(options.db_table)
    return f"INSERT INTO {name} ({columns}) {values}{ending}"


@functools.cache
def _insert_together(tables: tuple[tuple[type[Model], bool], ...]) -> str:
    *others, last = [_insert_statement(table, ignoring) for table, ignoring in tables]
    if not others:
        return last
    return f"WITH {', '.join(f'row_{n} AS ({it})' for n, it in enumerate(others))} {last}"


@functools.cache
def _insert_after(update: str, tables: tuple[tuple[type[Model], bool], ...]) -> str:
    rows = [_insert_statement(table, ignoring, "updated") for table, ignoring in tables]
    parts = [f"updated AS ({update})", *(f"row_{n} AS ({it})" for n, it in enumerate(rows))]
    return f"WITH {', '.join(parts)} SELECT * FROM updated"  # noqa: S608 - ours


@functools.cache
def _preparations(table: type[Model]) -> list[tuple[Callable[..., Any], Callable[..., Any]]]:
    return [(field.pre_save, field.get_db_prep_save) for field in table._meta.concrete_fields]


def _stored_values(row: Model) -> list[Any]:
    here = connections[DEFAULT_DB_ALIAS]  # itself: each look through `connection` finds it anew
    return [prepare(value(row, True), here) for value, prepare in _preparations(type(row))]


def change(table: type[Model], where: dict[str, Any], /, **values: Any) -> int:
    """Write values into the rows whose fields are equal to `where`, by a statement that is built once.

    Returns how many rows those were. As with `update`, no `save` is called. None equals nothing.
    """
    here = connections[DEFAULT_DB_ALIAS]
    parameters = [
        prepare(it, here)
        for prepare, it in zip(
            _field_preparations(table, (*values, *where)),
            (*values.values(), *where.values()),
            strict=True,
        )
    ]
    with here.cursor() as cursor:
        cursor.execute(_update_statement(table, tuple(values), tuple(where)), parameters)
        return cursor.rowcount


@functools.cache
def _field_preparations(
    table: type[Model], names: tuple[str, ...]
) -> list[Callable[[Any, Any], Any]]:
    options: Any = table._meta
    return [options.get_field(name).get_db_prep_save for name in names]


@functools.cache
def _update_statement(table: type[Model], values: tuple[str, ...], where: tuple[str, ...]) -> str:
    options: Any = table._meta

    def equal(names: tuple[str, ...]) -> list[str]:
        columns = [options.get_field(name).column for name in names]
        return [f"{connection.ops.quote_name(column)} = %s" for column in columns]

    name, condition = connection.ops.quote_name(options.db_table), " AND ".join(equal(where))
    return f"UPDATE {name} SET {', '.join(equal(values))} WHERE {condition}"  # noqa: S608 - names of ours
