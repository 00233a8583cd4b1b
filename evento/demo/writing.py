"""Writing rows in bulk, however many there are."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from django.db import connection, models

Row = TypeVar("Row", bound=models.Model)

ROWS_AT_ONCE = 1000


def write(table: type[Row], rows: Iterable[Row]) -> int:
    """Insert `rows` and return how many: by COPY on PostgreSQL, elsewhere a thousand at a time.

    They are taken one after the other and none is kept. As with `bulk_create`, no `save` is called and
    no signal sent. Raises IntegrityError.
    """
    by_copy = connection.vendor == "postgresql"
    return _copied(table, rows) if by_copy else _in_batches(table, rows)


def _copied(table: type[Row], rows: Iterable[Row]) -> int:
    # A key that the database numbers is not written.
    fields = [it for it in table._meta.concrete_fields if not isinstance(it, models.AutoField)]
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    statement = f"COPY {connection.ops.quote_name(table._meta.db_table)} ({names}) FROM STDIN"
    count = 0
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.copy(statement) as copy,
    ):
        for row in rows:
            copy.write_row([field.pre_save(row, add=True) for field in fields])
            count += 1
    return count


def _in_batches(table: type[Row], rows: Iterable[Row]) -> int:
    count = 0
    left: Iterator[Row] = iter(rows)
    table_rows: models.QuerySet[Row] = models.QuerySet(table)
    while batch := list(islice(left, ROWS_AT_ONCE)):
        table_rows.bulk_create(batch)
        count += len(batch)
    return count
