"""Reading request bodies: JSON and nothing else, with no text that a database cannot store."""

import json
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from ninja.parser import Parser

from evento.http.problem import STATUSES, Invalid
from evento.refusals import Refusal

MALFORMED = _("The body is not JSON that can be read.")


class JSONParser(Parser):
    """Raises Refusal `unsupported_media_type` (415) or `malformed_body` (400)."""

    def parse_body(self, request: HttpRequest) -> Any:
        if request.content_type != "application/json":
            code, sentence = STATUSES[415]
            raise Refusal(code, sentence, status=415)
        try:
            body = json.loads(request.body.decode(), parse_constant=_refuse_constant)
            for text in _texts(body):
                _refuse_unstorable(text)
        except (ValueError, RecursionError) as error:
            raise Refusal("malformed_body", MALFORMED, status=400) from error
        return body

    def parse_querydict(
        self, data: MultiValueDict[str, Any], list_fields: list[str], request: HttpRequest
    ) -> dict[str, Any]:
        for name, values in data.lists():
            if any("\0" in value for value in values if isinstance(value, str)):
                message = gettext("There is a character in it that cannot be searched for.")
                raise Invalid.field(name, message, within="query")
        return super().parse_querydict(data, list_fields, request)


def _texts(body: Any) -> Iterator[str]:
    """Every text in a body, names of fields too."""
    if isinstance(body, str):
        yield body
    elif isinstance(body, list):
        for each in body:
            yield from _texts(each)
    elif isinstance(body, dict):
        for name, each in body.items():
            yield name
            yield from _texts(each)


def _refuse_unstorable(text: str) -> None:
    """Raise ValueError for NUL, which PostgreSQL does not store, and for half a surrogate pair."""
    if "\0" in text:
        raise ValueError("NUL")
    text.encode()


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
