"""Errors of the API: one shape, RFC 9457, with a code for programs and a sentence for people.

Raise where it happens: a Refusal (evento.refusals), Invalid for fields, Http404. Nothing else builds an
error answer.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, cast

from django.core import exceptions
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, RequestDataTooBig
from django.db import OperationalError
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, Throttled, ValidationError
from pydantic import Field

from evento.database import Busy, is_conflict
from evento.http.pagination import BadCursor
from evento.refusals import Refusal

CONTENT_TYPE = "application/problem+json"
API_PREFIX = "/api/"


class FieldError(Schema):
    """What is wrong with one field."""

    location: str = Field(alias="in", description="`body`, `query` or `path`.", examples=["body"])
    field: str = Field(
        description="The field's name; dots lead into it. Empty: the whole.", examples=["title"]
    )
    code: str = Field(description="Stable, for programs.", examples=["missing"])
    message: str = Field(description="For people.", examples=["Field required"])


class Problem(Schema):
    """Every error of this API (RFC 9457)."""

    type: str = Field(
        description="Always `about:blank`: `code` says more.", examples=["about:blank"]
    )
    title: str = Field(description="The status in words.", examples=["Conflict"])
    status: int = Field(description="The HTTP status.", examples=[409])
    code: str = Field(description="What it is. Stable, for programs.", examples=["event_full"])
    detail: str = Field(
        description="What happened and what to do, for people.",
        examples=["The event is full."],
    )
    errors: list[FieldError] = Field(
        default=[], description="With status 422: what is wrong with which field."
    )


class Invalid(Exception):
    """Input that a rule refuses, field by field: 422."""

    def __init__(self, errors: Iterable[dict[str, str]]) -> None:
        super().__init__("invalid")
        self.errors = list(errors)

    @classmethod
    def field(
        cls, name: str, message: str, *, code: str = "invalid", within: str = "body"
    ) -> "Invalid":
        """One wrong field."""
        return cls([_field_error(within, name, code, message)])

    @classmethod
    def form(cls, form: BaseForm, *, within: str = "body") -> "Invalid":
        """What a form of the site says; its fields must have the names that the API uses."""
        return cls(_failures(form.errors.as_data(), {}, within))

    @classmethod
    def model(
        cls, error: exceptions.ValidationError, *, names: Mapping[str, str] | None = None
    ) -> "Invalid":
        """What a service says of fields; `names` has the API's name of a field where it is another one.

        An error of no field in particular is that of the field which `names` has for `__all__`.
        """
        has_fields = hasattr(error, "error_dict")
        failures: dict[str, list[exceptions.ValidationError]] = (
            error.error_dict if has_fields else {NON_FIELD_ERRORS: error.error_list}
        )
        return cls(_failures(failures, names or {}, "body"))


# Statuses without a refusal behind them: code and sentence.
STATUSES: dict[int, tuple[str, Any]] = {
    400: ("bad_request", gettext_lazy("The request could not be read.")),
    401: ("not_signed_in", gettext_lazy("Sign in first: give a valid access token.")),
    403: ("forbidden", gettext_lazy("You may not do this.")),
    404: ("not_found", gettext_lazy("There is nothing here, or it is not for you.")),
    405: ("method_not_allowed", gettext_lazy("This address does not answer that method.")),
    413: ("too_large", gettext_lazy("The request is too large.")),
    415: (
        "unsupported_media_type",
        gettext_lazy("Send JSON, with Content-Type: application/json."),
    ),
    422: ("invalid", gettext_lazy("Something in the request is not right. See errors.")),
    429: ("too_many_requests", gettext_lazy("Too many requests. Wait a moment, then go on.")),
    500: ("server_error", gettext_lazy("Something went wrong here. Staff can see it in the log.")),
    503: ("busy", gettext_lazy("Very many people are here right now. Try again in a few seconds.")),
}


DJANGOS_OWN: dict[type[Exception], int] = {
    Http404: 404,
    PermissionDenied: 403,
    RequestDataTooBig: 413,
}


def is_api(request: HttpRequest) -> bool:
    """Whether programs read the answer to this request."""
    return request.path.startswith(API_PREFIX)


def answer(
    status: int,
    *,
    code: str = "",
    detail: str = "",
    errors: Iterable[dict[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """An error answer; without `code` and `detail` the words of its status."""
    usual_code, usual_detail = STATUSES.get(status, STATUSES[400 if status < 500 else 500])
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code or usual_code,
        "detail": detail or str(usual_detail),
        "errors": list(errors),
    }
    response = HttpResponse(json.dumps(body), status=status, content_type=CONTENT_TYPE)
    response["Cache-Control"] = "no-store"
    for name, value in (headers or {}).items():
        response[name] = value
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = "Bearer"
    return response


def of_refusal(refusal: Refusal) -> HttpResponse:
    """A rule said no. What one may not know exists is said in the words of every 404."""
    if refusal.status == HTTPStatus.NOT_FOUND:
        return answer(404)
    headers = {}
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(math.ceil(refusal.retry_after.total_seconds()))
    return answer(refusal.status, code=refusal.code, detail=str(refusal.message), headers=headers)


def of_exception(error: Exception) -> HttpResponse | None:
    """The answer to an exception that anybody may raise on purpose; None for all others."""
    if isinstance(error, Refusal):
        return of_refusal(error)
    if isinstance(error, Invalid):
        return answer(422, errors=error.errors)
    if isinstance(error, BadCursor):
        message = _("This list has no such page. Begin again without a cursor.")
        return answer(404, code="bad_cursor", detail=message)
    if isinstance(error, Busy) or (isinstance(error, OperationalError) and is_conflict(error)):
        return answer(503, headers={"Retry-After": str(Busy.retry_after_seconds)})
    statuses = (status for kind, status in DJANGOS_OWN.items() if isinstance(error, kind))
    status = next(statuses, None)
    return None if status is None else answer(status)


def in_place_of(response: HttpResponseBase) -> HttpResponse:
    """A page meant for browsers, as a problem with the same status and the headers that matter."""
    kept = ("Allow", "Retry-After", "WWW-Authenticate")
    headers = {name: response.headers[name] for name in kept if name in response.headers}
    return answer(response.status_code, headers=headers)


def install(api: NinjaAPI) -> None:
    """Let `api` answer every error in this shape."""

    def handle(request: HttpRequest, error: Any) -> HttpResponse:
        answered = _of_ninja(error) or of_exception(error)
        if answered is None:
            raise error  # Django logs it and answers 500; ApiMiddleware gives it this shape
        return answered

    for kind in (Exception, Http404, HttpError, ValidationError):
        api.add_exception_handler(kind, handle)


def _of_ninja(error: Exception) -> HttpResponse | None:
    if isinstance(error, ValidationError):
        return answer(422, errors=[_of_pydantic(each) for each in error.errors])
    if isinstance(error, Throttled):
        return answer(429)  # ninja adds Retry-After
    if isinstance(error, AuthenticationError):
        return answer(401)
    if isinstance(error, HttpError):
        # ninja hides why a body could not be read behind a 400 of its own.
        cause = error.__cause__
        return (isinstance(cause, Exception) and of_exception(cause)) or answer(error.status_code)
    return None


def _of_pydantic(error: dict[str, Any]) -> dict[str, str]:
    within, *path = (str(part) for part in error["loc"])
    # ninja names the argument that receives the body, or a list in the query; who sends it does not know it.
    if within == "body" or (within == "query" and len(path) > 2):
        path = path[1:]
    return _field_error(within, ".".join(path), error["type"], error["msg"])


def _failures(
    failures: Mapping[str, Iterable[exceptions.ValidationError]],
    names: Mapping[str, str],
    within: str,
) -> Iterator[dict[str, str]]:
    names = {NON_FIELD_ERRORS: ""} | dict(names)
    for name, errors in failures.items():
        for error in errors:
            for message in error.messages:
                yield _field_error(within, names.get(name, name), error.code or "invalid", message)


def _field_error(within: str, field: str, code: str, message: str) -> dict[str, str]:
    return {"in": within, "field": field, "code": code, "message": str(message)}


def has_shape(response: HttpResponseBase) -> bool:
    """Whether an answer is JSON already, ours or allauth's."""
    return "json" in cast("str", response.headers.get("Content-Type", ""))
