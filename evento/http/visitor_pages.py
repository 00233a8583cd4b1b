"""Pages for visitors, kept in memory for a moment: on the day the tickets open most readers are visitors.

What a visitor reads is the public projection, the same for everyone, so one answer serves all who ask within
that moment. Nobody has to drop a page: what has become of it reaches an open one through the stream, which
looks further back than a page can be old (`notifications.live.public.AGE_MARGIN_SECONDS`).
"""

import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

View = Callable[..., HttpResponse]

# Addresses can be made up (searches), so their number is bounded. A page is some 10 to 40 KB.
MAX_PAGES = 300
# One thread makes a page, the others that want it wait: all made anew at once would cost a rush its cores.
LOCKS = 32
# Cookies by which an answer differs, and headers by which htmx gets another part of the page.
PERSONAL_COOKIES = (settings.SESSION_COOKIE_NAME, CookieStorage.cookie_name)
HTMX_HEADERS = (
    "HTTP_HX_REQUEST",
    "HTTP_HX_TARGET",
    "HTTP_HX_TARGET_URI_AUTOENCODED",
    "HTTP_HX_HISTORY_RESTORE_REQUEST",
)
# Where a request says that a kept page answered it, which the server gives again (evento.visitor_answers).
KEPT = "evento.kept"


class Kept(NamedTuple):
    """What a view answered, and when that was begun (`time.monotonic`)."""

    made_at: float
    content: bytes
    headers: dict[str, str]


class VisitorPages:
    """Answers that were given within the last `settings.VISITOR_PAGE_SECONDS`, by what was asked."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[Any, Kept] = {}
        self._making = [threading.Lock() for _each in range(LOCKS)]

    def answer(self, request: HttpRequest, make: Callable[[], HttpResponse]) -> HttpResponse:
        """The page as it was given to another visitor a moment ago, else as `make` makes it."""
        asked = (
            request.scheme,
            request.get_host(),
            request.get_full_path(),
            *map(request.META.get, HTMX_HEADERS),
        )
        if kept := self._fresh(asked):
            return _given(request, kept)
        with self._making[hash(asked) % LOCKS]:
            if kept := self._fresh(asked):  # who came a moment earlier has made it
                return _given(request, kept)
            made_at, response = self._clock(), make()
            if not _is_the_same_for_all(request, response):
                return response
            kept = Kept(made_at, response.content, dict(response.headers))
            self._keep(asked, kept)
            return _given(request, kept)

    def _fresh(self, asked: Any) -> Kept | None:
        kept = self._kept.get(asked)
        if kept is None or self._clock() - kept.made_at >= settings.VISITOR_PAGE_SECONDS:
            return None
        return kept

    def _keep(self, asked: Any, kept: Kept) -> None:
        if len(self._kept) >= MAX_PAGES:
            self._kept.clear()
        self._kept[asked] = kept


PAGES = VisitorPages()


def kept_for_visitors(view: View) -> View:
    """`view`, answering visitors from memory where another one asked the same a moment ago."""

    @wraps(view)
    def answering(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        def make() -> HttpResponse:
            response = view(request, *args, **kwargs)
            patch_vary_headers(response, ["Cookie"])
            return response

        return PAGES.answer(request, make) if _is_visitor(request) else make()

    return answering


def _given(request: HttpRequest, kept: Kept) -> HttpResponse:
    request.META[KEPT] = kept
    return HttpResponse(kept.content, headers=kept.headers)


def _is_visitor(request: HttpRequest) -> bool:
    return request.method == "GET" and not any(name in request.COOKIES for name in PERSONAL_COOKIES)


def _is_the_same_for_all(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether nothing in the answer was made for this one reader."""
    has_token = request.META.get("CSRF_COOKIE_NEEDS_UPDATE", False)
    return response.status_code == 200 and not response.cookies and not has_token
