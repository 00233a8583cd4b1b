"""Statements that are built once, for what nearly every request does and for the hot path.

Django builds the statement of `get`, `create` and `bulk_create` anew each time, which takes longer than
running it (docs/performance.md).
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.sql.compiler import SQLCompiler

from evento.database import bound

Row = TypeVar("Row", bound=Model)


def insert(*rows: Model, ignore_conflicts: bool = False) -> None:
    """Write new rows, of whichever tables, by statements that are built once: on PostgreSQL by one for all.

    As with `bulk_create`, no `save` is called and no signal sent; the rows have their keys already. With
    `ignore_conflicts` a row whose key is taken is left out. Raises IntegrityError.
    """
    tables = tuple(type(row) for row in rows)
    values = [_stored_values(row) for row in rows]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            statement = _insert_together(tables, ignore_conflicts)
            cursor.execute(statement, [value for each in values for value in each])
        else:
            for table, each in zip(tables, values, strict=True):
                cursor.execute(_insert_statement(table, ignore_conflicts), each)
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias


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

    def find(self, *values: str | UUID) -> Row | None:
        """The row, or None. `values` are those of the fields, in their order."""
        question = self._question
        given = dict(zip(question.samples, self._bound(question.model, values), strict=True))
        with connection.cursor() as cursor:
            cursor.execute(
                question.statement, [given.get(value, value) for value in question.parameters]
            )
            found = cursor.fetchone()
        if found is None:
            return None
        converted = question.compiler.apply_converters([found], question.converters)
        return question.model.from_db(connection.alias, question.columns, next(iter(converted)))

    @functools.cached_property
    def _question(self) -> "_Question":
        samples = self.SAMPLES[: len(self._fields)]
        conditions = dict(zip(self._fields, samples, strict=True))
        rows = self._rows().filter(**conditions).order_by()
        compiler = rows.query.get_compiler(connection=connection)
        statement, parameters = compiler.as_sql()
        return _Question(
            rows.model,
            statement,
            parameters,
            self._bound(rows.model, samples),
            compiler,
            compiler.get_converters([column for column, _sql, _alias in compiler.select]),
            [column.target.attname for column, _sql, _alias in compiler.select],
        )

    def _bound(self, model: type[Row], values: Sequence[str | UUID]) -> list[Any]:
        return [
            bound(model, field, value) for field, value in zip(self._fields, values, strict=True)
        ]


class _Question(NamedTuple):
    model: type[Any]
    statement: str
    parameters: tuple[Any, ...]
    samples: list[Any]
    compiler: SQLCompiler
    converters: dict[int, Any]
    columns: list[str]


@functools.cache
def _insert_statement(table: type[Model], ignore_conflicts: bool) -> str:
    options = table._meta
    names = [connection.ops.quote_name(str(field.column)) for field in options.concrete_fields]
    columns, marks = ", ".join(names), ", ".join(["%s"] * len(names))
    ending = " ON CONFLICT DO NOTHING" if ignore_conflicts else ""
    name = connection.ops.quote_name(options.db_table)
    return f"INSERT INTO {name} ({columns}) VALUES ({marks}){ending}"  # noqa: S608 - names of ours


@functools.cache
def _insert_together(tables: tuple[type[Model], ...], ignore_conflicts: bool) -> str:
    *others, last = [_insert_statement(table, ignore_conflicts) for table in tables]
    if not others:
        return last
    return f"WITH {', '.join(f'row_{n} AS ({it})' for n, it in enumerate(others))} {last}"


def _stored_values(row: Model) -> list[Any]:
    return [
        field.get_db_prep_save(field.pre_save(row, add=True), connection)
        for field in row._meta.concrete_fields
    ]
