"""Lines for the log, as text or JSON, without anything personal (docs/decisions/0024-what-is-logged.md)."""

import logging
import re
import traceback
from collections.abc import Iterator
from smtplib import SMTPRecipientsRefused, SMTPResponseException
from types import TracebackType
from typing import Any

from django.conf import settings
from django.core.exceptions import AppRegistryNotReady, FieldError, ImproperlyConfigured
from django.db import Error as DatabaseFailure
from django.http import HttpRequest
from pythonjsonlogger.json import JsonFormatter

from evento.request_ids import current

# Whose words speak of programs and machines. All others may quote what somebody wrote.
OF_PROGRAMS: tuple[type[BaseException], ...] = (
    AppRegistryNotReady,
    AttributeError,
    DatabaseFailure,
    FieldError,
    ImportError,
    ImproperlyConfigured,
    NameError,
    OSError,
    TypeError,
)
OF_DRIVERS = ("psycopg", "sqlite3")
# The mail server's words may hold an address in any form.
NOT_EVEN_SO = (SMTPRecipientsRefused, SMTPResponseException)
PERSONAL = (
    # What follows a colon in quotes is a value: invalid input syntax for type uuid: "..."
    (re.compile(r""":\s*(["']).*\1"""), ": [value]"),
    (re.compile(r"[^\s@<>\"'(]+@[^\s@<>\"')]+"), "[address]"),
    (re.compile(r"\b[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\b", re.IGNORECASE), "[id]"),
    (re.compile(r"\b(?:\d{4}[ -]?){5}\b"), "[code]"),
    (re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b"), "[IP address]"),
    (re.compile(r"\b(?:[0-9a-f]{1,4}:){2,7}[0-9a-f:]*[0-9a-f]\b", re.IGNORECASE), "[IP address]"),
)
EMAIL = PERSONAL[1]

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def words_of(error: BaseException) -> str:
    """What an exception says, if it speaks of programs or machines, and without values; else nothing."""
    of_driver = type(error).__module__.split(".")[0] in OF_DRIVERS
    if not (of_driver or isinstance(error, OF_PROGRAMS)) or isinstance(error, NOT_EVEN_SO):
        return ""
    # PostgreSQL's further lines (DETAIL, CONTEXT) show whole rows.
    first, *_rows = str(error).splitlines() or [""]
    for pattern, name in PERSONAL:
        first = pattern.sub(name, first)
    return first


def discreet_traceback(error: BaseException) -> str:
    """The exception with all that led to it, as Python shows them, with the words of `words_of`."""
    return "\n".join(_told(each) for each in chain(error))


def _told(error: BaseException) -> str:
    frames = "".join(traceback.format_tb(error.__traceback__))
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    words = words_of(error)
    return f"Traceback (most recent call last):\n{frames}{name}{f': {words}' if words else ''}"


def chain(error: BaseException) -> Iterator[BaseException]:
    """Causes first. Those of a group follow it; an exception that caused itself comes once."""
    found: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in found:
        found.append(following)
        context = None if following.__suppress_context__ else following.__context__
        following = following.__cause__ or context
    yield from reversed(found)
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from chain(each)


def route_of(request: HttpRequest) -> str:
    """The name of what answers a request, in place of its path, which holds ids."""
    match = request.resolver_match
    return (match.view_name if match else "") or "no route"


def discreet(record: logging.LogRecord) -> logging.LogRecord:
    """A record with what may be logged of another one, and the ids of the request behind it.

    Nothing that was handed over beside the message is taken along: Django hands over whole requests.
    """
    request = getattr(record, "request", None)
    fields: dict[str, Any] = {
        "request_id": getattr(request, "request_id", "") or current.get(),
        "route": "",
        "status": getattr(record, "status_code", None),
    }
    message = record.getMessage()
    if isinstance(request, HttpRequest):
        fields["route"] = route_of(request)
        for path in (request.get_full_path(), request.path):
            message = message.replace(path, fields["route"]) if len(path) > 1 else message
    if not settings.DEBUG:
        message = EMAIL[0].sub(EMAIL[1], message)
    kept: tuple[str, ...] = (
        "name",
        "levelno",
        "levelname",
        "pathname",
        "lineno",
        "funcName",
        "created",
        "msecs",
    )
    kept += ("exc_info", "stack_info", "process", "thread")
    fields |= {name: getattr(record, name) for name in kept}
    return logging.makeLogRecord(fields | {"msg": message, "args": None})


class _Discreet(logging.Formatter):
    """What both formats have in common."""

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - the library's name
        if settings.DEBUG or ei[1] is None:
            return super().formatException(ei)
        return discreet_traceback(ei[1])


class LineFormatter(_Discreet):
    """One line for people, and the traceback below it."""

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {name} [{request_id}] {message}", style="{")

    def format(self, record: logging.LogRecord) -> str:
        fresh = discreet(record)
        fresh.request_id = getattr(fresh, "request_id", "") or "-"
        return super().format(fresh)


class JsonLineFormatter(_Discreet, JsonFormatter):
    """One JSON object for each line: time (UTC), level, logger, message; where there is one, the rest."""

    def __init__(self) -> None:
        JsonFormatter.__init__(
            self,
            ["levelname", "name", "message", "request_id", "route", "status", "exc_info"],
            rename_fields={"levelname": "level", "name": "logger", "exc_info": "exception"},
            timestamp="time",
        )

    def format(self, record: logging.LogRecord) -> str:
        return JsonFormatter.format(self, discreet(record))

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in log_data.items() if value not in (None, "")}
