"""What every body of the API is made of: schemas, moments, pages."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from ninja import Schema
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from evento.http.pagination import MAX_CURSOR_LENGTH, PAGE_SIZE, Page

MAX_PAGE_SIZE = 100


class Input(Schema):
    """What a request may carry. A field that is not named here is refused."""

    model_config = ConfigDict(extra="forbid")


class Output(BaseModel):
    """What an answer carries, read from an object's attributes or a dict.

    Not ninja's Schema, whose resolvers nobody uses here and every answer would pay for.
    """

    model_config = ConfigDict(from_attributes=True)


def _text_only(value: Any) -> Any:
    # A number would pass for seconds since 1970.
    if not isinstance(value, str | datetime):
        raise ValueError("Give the moment as text: 2026-11-21T19:30:00+01:00")  # noqa: TRY004 - pydantic's
    return value


# A moment with its offset from UTC (RFC 3339).
Moment = Annotated[AwareDatetime, BeforeValidator(_text_only)]


def omittable(**options: Any) -> Any:
    """A field that may be left out, never null: `model_dump(exclude_unset=True)` has what was given."""
    return Field(None, json_schema_extra=_forget_default, **options)


def _forget_default(schema: dict[str, Any]) -> None:
    # null is no value of the field, so it cannot be its default.
    schema.pop("default", None)


class PageQuery(Input):
    """Which page of a list. There are no page numbers and no totals: rows come and go."""

    cursor: str = Field(
        "",
        max_length=MAX_CURSOR_LENGTH,
        description="`next_cursor` of the page before. Without it: the first page.",
    )
    limit: int = Field(PAGE_SIZE, ge=1, le=MAX_PAGE_SIZE, description="Rows on one page at most.")


class PageOutput(Output):
    """One page of a list. A list's own page adds `items`."""

    next_cursor: str | None = Field(
        description="Give it as `cursor` for the page after this one; null: this is the last."
    )


def page_of(page: Page[Any], items: Sequence[Any] | None = None) -> dict[str, Any]:
    """A keyset page as its schema reads it; `items` where the rows are shown as something else."""
    rows = page.rows if items is None else items
    return {"items": rows, "next_cursor": page.next_cursor or None}
