"""Errors reported to Sentry, without anything personal (docs/decisions/0024-what-is-logged.md)."""

import logging
from typing import Any

import sentry_sdk
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import LoggingIntegration

import evento
from evento.logs import chain, discreet, words_of

KEPT = ("event_id", "timestamp", "level", "logger", "platform", "release", "environment", "sdk")
KEPT_OF_EXCEPTION = ("type", "module", "mechanism")
KEPT_OF_FRAME = (
    *("filename", "module", "function", "lineno", "in_app"),
    *("pre_context", "context_line", "post_context"),
)


def start(dsn: str) -> None:
    """Report to the project of `dsn` what is logged as an error, from now on in this process."""
    sentry_sdk.init(
        dsn,
        release=f"evento@{evento.__version__}",
        before_send=only_what_may_go,
        # Django logs each failed request with its exception, so nothing has to be hooked into it.
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[
            LoggingIntegration(level=None, event_level=logging.ERROR),
            ExcepthookIntegration(),
            DedupeIntegration(),
            AtexitIntegration(callback=lambda _pending, _timeout: None),
        ],
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        # Sessions and reports of the client count requests, and each booking is one.
        auto_session_tracking=False,
        send_client_reports=False,
    )


def only_what_may_go(event: Any, hint: dict[str, Any]) -> Any:
    """An event made anew from what is known to be harmless: a list of what may go, not of what may not."""
    sent = {name: event[name] for name in KEPT if name in event}
    record = hint.get("log_record")
    if record is not None:
        told = discreet(record)
        sent["logentry"] = {"message": told.getMessage()}
        tags = {name: getattr(told, name) for name in ("request_id", "route")}
        sent["tags"] = {name: value for name, value in tags.items() if value}
        sent["transaction"] = tags["route"]
    _type, error, _traceback = hint.get("exc_info") or (None, None, None)
    if error is not None:
        words = {str(each): words_of(each) for each in chain(error)}
        values = event.get("exception", {}).get("values", [])
        sent["exception"] = {"values": [_exception(each, words) for each in values]}
    return sent


def _exception(told: Any, words: dict[str, str]) -> dict[str, Any]:
    frames = (told.get("stacktrace") or {}).get("frames", [])
    kept = {name: told[name] for name in KEPT_OF_EXCEPTION if name in told}
    return kept | {
        "value": words.get(told.get("value") or "", ""),
        "stacktrace": {
            "frames": [
                {name: each[name] for name in KEPT_OF_FRAME if name in each} for each in frames
            ]
        },
    }
