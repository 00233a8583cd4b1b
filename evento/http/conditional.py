"""Conditional GET and caching: an ETag of exactly the bytes that the reader is given.

Made of nothing else, it cannot tell more than they do (SPEC 2, the secrecy rule).
"""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers

READS = {"GET", "HEAD"}


def finish(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """The answer with its caching headers; 304 where the reader has these bytes already."""
    if request.method not in READS or response.status_code != 200:
        response.headers.setdefault("Cache-Control", "no-store")
        return response
    who = "private" if request.user.is_authenticated else "public"
    response.headers.setdefault("Cache-Control", f"{who}, no-cache")
    patch_vary_headers(response, ["Authorization", "Cookie"])
    if not isinstance(response, HttpResponse):
        return response
    etag = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    response.headers["ETag"] = etag
    return get_conditional_response(request, etag=etag, response=response) or response


def conditional(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """`view`, whose answers are finished."""

    @wraps(view)
    def finishing(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return finish(request, view(request, *args, **kwargs))

    return finishing
