"""Whole answers that one visitor got and the next one gets again: by the server's loop, without Django.

What may be given again, and for how long, `evento.http.visitor_pages` says. Here the headers of Django's
middleware are kept with it. On the day the tickets open most requests are such ones.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from django.conf import settings

from evento.http.visitor_pages import HTMX_HEADERS, KEPT, MAX_PAGES, PERSONAL_COOKIES, Kept
from evento.request_ids import HEADER as REQUEST_ID

Scope = dict[str, Any]
Send = Callable[[Any], Awaitable[None]]

# Headers by which Django's answers differ: which site is asked, over what, from where, and for which part.
DIFFER_BY = {b"host", b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-port", b"origin"} | {
    name.removeprefix("HTTP_").replace("_", "-").lower().encode() for name in HTMX_HEADERS
}
# Who sends these asks something else.
ASK_MORE = {b"authorization", b"range", b"if-none-match", b"if-modified-since", b"if-range"}
PERSONAL = tuple(name.encode() for name in PERSONAL_COOKIES)
Question = tuple[Any, ...]


class Answer(NamedTuple):
    """What is given again until its moment is over (`time.monotonic`)."""

    good_until: float
    headers: list[tuple[bytes, bytes]]
    body: bytes

    async def give(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body})


class VisitorAnswers:
    """The answers of one process, by what was asked. Kept by Django's threads, given by the loop."""

    def __init__(self) -> None:
        self._kept: dict[Question, Answer] = {}

    def find(self, scope: Scope) -> Answer | None:
        """The answer that another visitor got to the same question a moment ago."""
        question = _question(scope)
        if question is None:
            return None
        answer = self._kept.get(question)
        if answer is None or time.monotonic() >= answer.good_until:
            return None
        return answer

    def keep(self, environ: dict[str, Any], status: str, headers: list[tuple[str, str]]) -> None:
        """Keep what Django is about to answer, if it says that it may be given again.

        A page for all may come with a cookie for one: middleware replaces a form's token that is no good.
        """
        kept: Kept | None = environ.get(KEPT)
        if kept is None or not status.startswith("200 ") or _sets_a_cookie(headers):
            return
        question = _question(environ["asgi.scope"])
        if question is None:
            return
        if len(self._kept) >= MAX_PAGES:
            self._kept.clear()
        good_until = kept.made_at + settings.VISITOR_PAGE_SECONDS
        self._kept[question] = Answer(good_until, _for_all(headers), kept.content)


def _question(scope: Scope) -> Question | None:
    """All that an answer to a visitor depends on. None: who asks is no visitor, or asks something else."""
    if scope["method"] != "GET":
        return None
    differing = []
    for name, value in scope["headers"]:
        if name in DIFFER_BY:
            differing.append((name, value))
        elif name in ASK_MORE or (name == b"cookie" and any(it in value for it in PERSONAL)):
            return None
    # Without a Host header the site is the one that listens there.
    place = scope["scheme"], scope.get("server"), scope.get("root_path", "")
    return *place, scope["path"], scope["query_string"], *differing


def _sets_a_cookie(headers: list[tuple[str, str]]) -> bool:
    return any(name.lower() == "set-cookie" for name, _value in headers)


def _for_all(headers: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """As the server wants them, without the request's own id."""
    return [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in headers
        if name.lower() != REQUEST_ID.lower()
    ]
