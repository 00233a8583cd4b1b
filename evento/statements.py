"""Statements that are built once, for what nearly every request does and for the hot path.

Django builds the statement of `get`, `create` and `bulk_create` anew each time, which takes longer than
running it (docs/performance.md).
"""

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from enum import Enum
from itertools import accumulate
from types import ModuleType
from typing import Any, Generic, NamedTuple, Self, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model, QuerySet
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLCompiler

from evento.database import default_connection

Row = TypeVar("Row", bound=Model)

# PostgreSQL's driver stores a value of these as it is; Django asks three methods for each.
_AS_IT_STANDS = (models.UUIDField, models.CharField, models.IntegerField, models.DateTimeField)


class Rows:
    """New rows, of whichever tables, that are stored together: on PostgreSQL by one statement for all.

    As with `bulk_create`, no `save` is called and no signal sent; the rows have their keys already.
    """

    def __init__(self, *rows: Model, ignore_conflicts: bool = False) -> None:
        """With `ignore_conflicts` a row whose key is taken is left out."""
        self._tables: tuple[tuple[type[Model], bool], ...] = ()
        self._values: list[list[Any]] = []  # of each row
        self._objects: list[Model] = []
        self._callbacks: list[Callable[[], None]] = []
        self.add(*rows, ignore_conflicts=ignore_conflicts)

    def add(self, *rows: Model, ignore_conflicts: bool = False) -> None:
        """More of them; each `add` says what is to become of its own conflicts."""
        for row in rows:
            self._add(type(row), _stored_values(row), ignore_conflicts)
            self._objects.append(row)

    def add_new(
        self, table: type[Model], values: dict[str, Any], *, ignore_conflicts: bool = False
    ) -> None:
        """One that nobody needs as an object: values by attribute; what is not among them has its default."""
        columns = _columns(table)
        if unknown := values.keys() - columns.keys():
            raise ValueError(f"{table.__name__} has no {sorted(unknown)}.")
        stored = [
            column.keep(values[name]) if name in values else column.default()
            for name, column in columns.items()
        ]
        self._add(table, stored, ignore_conflicts)

    def extend(self, others: Self) -> None:
        """Those of others, and what is to be called."""
        self._tables += others._tables
        self._values += others._values
        self._objects += others._objects
        self._callbacks += others._callbacks

    def on_stored(self, callback: Callable[[], None]) -> None:
        """Call this once they are stored, inside the transaction if there is one."""
        self._callbacks.append(callback)

    def store(self) -> None:
        """Write them. Raises IntegrityError."""
        if default_connection().vendor == "postgresql":
            _write(_insert_together(self._tables), self._all_values)
        else:
            self._store_one_by_one()
        self._note_stored()

    def store_if(self, update: str, parameters: list[Any]) -> tuple[Any, ...] | None:
        """Run an UPDATE of one row and, if it found that row, write all of these too.

        Returns what the UPDATE returns, or None: then nothing is written. On PostgreSQL this is one
        statement; on SQLite call it inside a transaction. Raises IntegrityError.
        """
        if default_connection().vendor == "postgresql":
            statement = _insert_after(update, self._tables)
            found = execute_in_a_rush(statement, parameters + self._all_values)
        else:
            found = execute(update, parameters)
            if found is not None:
                self._store_one_by_one()
        if found is not None:
            self._note_stored()
        return found

    @property
    def _all_values(self) -> list[Any]:
        return [value for values in self._values for value in values]

    def _add(self, table: type[Model], values: list[Any], ignore_conflicts: bool) -> None:
        self._tables += ((table, ignore_conflicts),)
        self._values.append(values)

    def _store_one_by_one(self) -> None:
        for (table, ignoring), values in zip(self._tables, self._values, strict=True):
            _write(_insert_statement(table, ignoring), values)

    def _note_stored(self) -> None:
        for row in self._objects:
            row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
        for callback in self._callbacks:
            callback()


def execute(statement: str, parameters: list[Any]) -> tuple[Any, ...] | None:
    """The first row that a statement of our own returns; None if it finds none."""
    with default_connection().cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone()


def execute_in_a_rush(statement: str, parameters: list[Any]) -> tuple[Any, ...] | None:
    """As `execute`, which is all that it does where something needs a cursor, and on SQLite."""
    here = default_connection()
    past_cursors = _past_cursors(here)
    if past_cursors is None:
        return execute(statement, parameters)
    return past_cursors.first_row(here, statement, parameters)


def _past_cursors(here: BaseDatabaseWrapper) -> ModuleType | None:
    """`evento.prepared`, where nothing needs a cursor now."""
    if here.vendor != "postgresql":
        return None
    import evento.prepared  # noqa: PLC0415 - it loads PostgreSQL's driver

    return evento.prepared if evento.prepared.may_pass_cursors(here) else None


def bound(table: type[Model], field: str, value: Any) -> Any:
    """`value` as the engine's driver stores it in `field`, for raw SQL that is the same on both engines."""
    return _columns(table)[field].keep(value)


def _write(statement: str, parameters: list[Any]) -> None:
    with default_connection().cursor() as cursor:
        cursor.execute(statement, parameters)


class Lookup(Generic[Row]):
    """Finds the one row of some that has given values in fields which are unique together."""

    # Each stands for a value while the statement is built.
    SAMPLES = (
        UUID("5b0f1d4e-93c5-4c0b-8f0e-6f2f5f0a7a11"),
        UUID("0d9c2a7b-61f4-4e0a-9d53-1b7e8c4f2a36"),
    )

    def __init__(self, rows: Callable[[], "QuerySet[Row]"], *fields: str) -> None:
        """`rows()` are those to look among; it is asked once, when the first is looked for."""
        self._rows = rows
        self._fields = fields
        self._known: ContextVar[Callable[[], Row | None] | None] = ContextVar("known", default=None)

    def knowing(self, row: Callable[[], Row | None]) -> AbstractContextManager[None]:
        """Inside, `row()` is found without asking, if it is the one meant: it was read in this moment."""
        return _Knowing(self._known, row)

    def find(self, *values: str | UUID) -> Row | None:
        """The row, or None. `values` are those of the fields, in their order."""
        known = self._known.get()
        row = known and known()
        if row and values == tuple(getattr(row, name) for name in self._fields):
            return row
        question, here = self._question, default_connection()
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
        return question.model.from_db(here.alias, question.columns, stored)

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
        columns = [column for column, _sql, _alias in compiler.select]
        return _Question(
            rows.model,
            statement,
            [(given.index(it) if it in given else None, it) for it in parameters],
            prepare,
            compiler,
            compiler.get_converters(columns),
            [column.target.attname for column in columns],
        )


class _Knowing(AbstractContextManager[None]):
    """While entered, the variable has this value. A generator would take four times as long."""

    def __init__(self, variable: ContextVar[Any], value: object) -> None:
        self._variable, self._value = variable, value

    def __enter__(self) -> None:
        self._before = self._variable.set(self._value)

    def __exit__(self, *_error: object) -> None:
        self._variable.reset(self._before)


class _Question(NamedTuple):
    model: type[Any]
    statement: str
    parameters: list[tuple[int | None, Any]]  # which of the given values, or this one
    prepare: list[Callable[..., Any]]  # each given value
    compiler: SQLCompiler
    converters: dict[int, Any]
    columns: list[str]


class Columns(Generic[Row]):
    """Those columns of one table that a `JoinedLookup` finds, all or some, and the row that they make."""

    def __init__(self, table: type[Row], name: str, *only: str) -> None:
        """`name` is the table's in the statement; with `only`, the other fields are deferred."""
        fields: list[Any] = list(table._meta.concrete_fields)
        self.fields = [it.get_col(name) for it in fields if not only or it.name in only]
        self._table = table
        names = [it.target.attname for it in self.fields]
        self._key = names.index(table._meta.pk.attname)
        self._names = frozenset(names)  # Django looks in it for each field there is

    def row(self, values: list[Any]) -> Row | None:
        """None where an outer join found none."""
        if values[self._key] is None:
            return None
        return self._table.from_db(DEFAULT_DB_ALIAS, self._names, values)


class JoinedLookup:
    """Finds one row of each of several tables together, by a statement of our own."""

    def __init__(self, statement: str, *tables: Columns[Any]) -> None:
        """`statement` says `{columns}` where it selects those of `tables`."""
        self._text = statement
        self._tables = tables

    def find(self, *values: Any) -> "Joined | None":
        """What the statement finds first, or None. `values` are its parameters."""
        question = self._question
        found = execute_in_a_rush(question.statement, list(values))
        if found is None:
            return None
        [stored] = question.compiler.apply_converters([found], question.converters)
        return Joined(stored, question.places)

    @functools.cached_property
    def _question(self) -> "_JoinedQuestion":
        fields = [field for table in self._tables for field in table.fields]
        compiler = Query(None).get_compiler(connection=connection)
        selected = ", ".join(compiler.compile(field)[0] for field in fields)
        ends = list(accumulate(len(table.fields) for table in self._tables))
        return _JoinedQuestion(
            self._text.replace("{columns}", selected),
            compiler,
            compiler.get_converters(fields),
            {
                it: slice(start, end)
                for it, start, end in zip(self._tables, [0, *ends], ends, strict=False)
            },
        )


class Joined(NamedTuple):
    """What a `JoinedLookup` found; its rows are made as they are asked for."""

    stored: list[Any]
    places: dict[Columns[Any], slice]

    def row(self, table: Columns[Row]) -> Row | None:
        """The row of that table, or None where the statement joined none."""
        return table.row(self.stored[self.places[table]])


class _JoinedQuestion(NamedTuple):
    statement: str
    compiler: SQLCompiler
    converters: dict[int, Any]
    places: dict[Columns[Any], slice]  # where each table's columns stand


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
def _preparations(table: type[Model]) -> list[tuple[Callable[..., Any], Callable[[Any], Any]]]:
    return [(field.pre_save, _keeping(field)) for field in table._meta.concrete_fields]


def _stored_values(row: Model) -> list[Any]:
    return [keep(value(row, True)) for value, keep in _preparations(type(row))]


class _Column(NamedTuple):
    keep: Callable[[Any], Any]  # what makes the stored value of a given one
    default: Callable[[], Any]  # the stored value where none is given


@functools.cache
def _columns(table: type[Model]) -> dict[str, _Column]:
    """By attribute."""
    fields: Any = table._meta.concrete_fields
    kept = {field: _keeping(field) for field in fields}
    return {field.attname: _Column(keep, _default_of(field, keep)) for field, keep in kept.items()}


def _default_of(field: Any, keep: Callable[[Any], Any]) -> Callable[[], Any]:
    if field.has_default() and callable(field.default):
        return lambda: keep(field.default())
    always = keep(field.get_default())
    return lambda: always


def _keeping(field: Any) -> Callable[[Any], Any]:
    """What makes the value that the driver stores of one that belongs into `field`."""
    kind = field.target_field if field.is_relation else field
    if default_connection().vendor == "postgresql" and isinstance(kind, _AS_IT_STANDS):
        return _as_it_stands
    return lambda value: field.get_db_prep_save(value, default_connection())


def _as_it_stands(value: Any) -> Any:
    """But for members of `Choices`, of which the driver would look up how to write each."""
    return value.value if isinstance(value, Enum) else value


def change(table: type[Model], where: dict[str, Any], /, **values: Any) -> int:
    """Write values into the rows that are equal to `where`, all by attribute, by a statement built once.

    Returns how many rows those were. As with `update`, no `save` is called. None equals nothing.
    """
    here, columns = default_connection(), _columns(table)
    parameters = [columns[name].keep(it) for name, it in (*values.items(), *where.items())]
    statement = _update_statement(table, tuple(values), tuple(where))
    past_cursors = _past_cursors(here)
    if past_cursors is not None:
        return past_cursors.changed_rows(here, statement, parameters)
    with here.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.rowcount


@functools.cache
def _update_statement(table: type[Model], values: tuple[str, ...], where: tuple[str, ...]) -> str:
    options: Any = table._meta

    def equal(names: tuple[str, ...]) -> list[str]:
        columns = [options.get_field(name).column for name in names]
        return [f"{connection.ops.quote_name(column)} = %s" for column in columns]

    name, condition = connection.ops.quote_name(options.db_table), " AND ".join(equal(where))
    return f"UPDATE {name} SET {', '.join(equal(values))} WHERE {condition}"  # noqa: S608 - names of ours
