"""One id for each request: in the answer and in every line that is logged because of it."""

import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

HEADER = "X-Request-ID"
SANE = re.compile(r"[A-Za-z0-9._-]{8,64}")

current: ContextVar[str] = ContextVar("request_id", default="")

Send = Callable[[Any], Any]


def chosen(given: str) -> str:
    """The id that a trusted proxy gave, if it is a sane one; else a new one, 32 random hexadecimal digits.

    Without a proxy whoever asks could write into the logs.
    """
    if settings.TRUSTED_PROXY_COUNT > 0 and SANE.fullmatch(given):
        return given
    return uuid.uuid4().hex


class RequestIdMiddleware:
    """Gives a request its id, and the answer too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = chosen(request.headers.get(HEADER, ""))
        # Django logs an error answer after the last middleware, and hands the request over.
        request.request_id = request_id  # type: ignore[attr-defined]
        token = current.set(request_id)
        try:
            response = self.get_response(request)
        finally:
            current.reset(token)
        response[HEADER] = request_id
        return response


def answering(send: Send, headers: list[tuple[bytes, bytes]]) -> Send:
    """The same for an application that is not Django's: `send`, with the id of what has these headers.

    Call it in the task of the request: what is logged there gets the id.
    """
    name = HEADER.lower().encode()
    request_id = chosen(dict(headers).get(name, b"").decode("latin-1"))
    current.set(request_id)

    async def with_id(message: Any) -> None:
        if message["type"] == "http.response.start":
            message = message | {"headers": [*message["headers"], (name, request_id.encode())]}
        await send(message)

    return with_id
