"""Keyset pages: the next page starts after the last row of this one, whatever came or went between.

A cursor is the last row's sort key, encoded so that it can stand in an address. It holds nothing that
the page does not show, so it is validated, not signed. No page counts its rows.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet

PAGE_SIZE = 20
MAX_CURSOR_LENGTH = 400

Row = TypeVar("Row", bound=Model)


class BadCursor(ValueError):
    """A cursor that no page of ours has given out."""


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows, the cursor of the page after them (empty: there is none), and the key it began after."""

    rows: list[Row]
    next_cursor: str
    after: tuple[Any, ...] | None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("A moment without a time zone.")
    return moment.astimezone(UTC)


READERS: dict[str, Callable[[str], Any]] = {
    "DateField": date.fromisoformat,
    "DateTimeField": _moment,
    "UUIDField": UUID,
}


def _encode(values: Sequence[Any]) -> str:
    words = [value.isoformat() if isinstance(value, date) else str(value) for value in values]
    return base64.urlsafe_b64encode(json.dumps(words).encode()).decode().rstrip("=")


def _decode(cursor: str, readers: Sequence[Callable[[str], Any]]) -> tuple[Any, ...]:
    if len(cursor) > MAX_CURSOR_LENGTH:
        raise BadCursor("too long")
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        words = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise BadCursor("not a list of words")
        return tuple(read(word) for read, word in zip(readers, words, strict=True))
    except (ValueError, OverflowError, RecursionError, binascii.Error) as error:
        raise BadCursor(str(error)) from error


def _beyond(fields: Sequence[str], values: Sequence[Any], way: str) -> Q:
    """Rows that sort after `values`. The first condition alone lets the index find the place."""
    later = Q()
    for n, field in enumerate(fields):
        same = dict(zip(fields[:n], values, strict=False))
        later |= Q(**same, **{f"{field}__{way}": values[n]})
    return Q(**{f"{fields[0]}__{way}e": values[0]}) & later


def keyset_page(
    rows: "QuerySet[Row]",
    *,
    fields: Sequence[str],
    newest_first: bool = False,
    cursor: str = "",
    size: int = PAGE_SIZE,
) -> Page[Row]:
    """One page of `rows`, ordered by `fields` (date, moment or UUID fields; together unique).

    One query. Raises BadCursor for a cursor that is not one of these.
    """
    after: tuple[Any, ...] | None = None
    if cursor:
        kinds = [rows.model._meta.get_field(name).get_internal_type() for name in fields]
        after = _decode(cursor, [READERS[kind] for kind in kinds])
        rows = rows.filter(_beyond(fields, after, "lt" if newest_first else "gt"))
    order = [f"-{name}" if newest_first else name for name in fields]
    found = list(rows.order_by(*order)[: size + 1])
    shown = found[:size]
    more = len(found) > size
    last = [getattr(shown[-1], name) for name in fields] if more else []
    return Page(shown, _encode(last) if more else "", after)
