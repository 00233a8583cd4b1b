"""Settings that contradict each other or SPEC, found by `manage.py check` and at every start.

A site whose SITE_URL is https counts as in production.
"""

import zoneinfo
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004
from django.http.request import validate_host

DEFAULT_ORGANISER_CODE = "Dc5_G1gz"
ORGANISER_CODE_LENGTH = 8
WAYS_TO_SEND = ("worker", "on_commit")
POSITIVE = (
    "WEB_THREADS",
    "LIVE_MAX_STREAMS",
    "API_READS_PER_MINUTE",
    "API_WRITES_PER_MINUTE",
)
SHORTEST_SIGNING_KEY = 32  # bytes: as long as the digest that HS256 makes (RFC 7518, section 3.2)
ENGINES = ("django.db.backends.sqlite3", "django.db.backends.postgresql")
# Each process would count limits for itself, so that they hold for none (SPEC 1).
PER_PROCESS_CACHES = ("locmem.LocMemCache", "dummy.DummyCache")

Apps = Sequence[AppConfig] | None


def in_production() -> bool:
    return urlsplit(settings.SITE_URL).scheme == "https"


@register(Tags.urls)
def check_site_url(app_configs: Apps, **kwargs: Any) -> Iterator[CheckMessage]:
    """E001: links in mails are built from SITE_URL; E002: and must lead to a host we answer for."""
    url = urlsplit(settings.SITE_URL)
    beyond_host = url.path or url.query or url.fragment or url.username
    if url.scheme not in ("http", "https") or not url.hostname or beyond_host:
        yield Error(
            f"SITE_URL is {settings.SITE_URL!r}.",
            hint="Give scheme and host, and nothing behind them: https://tickets.example.org",
            id="evento.E001",
        )
    elif not settings.DEBUG and not validate_host(url.hostname, settings.ALLOWED_HOSTS):
        yield Error(
            f"ALLOWED_HOSTS does not name {url.hostname}, the host of SITE_URL.",
            hint="Links in mails would lead to an error. Add it to ALLOWED_HOSTS.",
            id="evento.E002",
        )


@register()
def check_values(app_configs: Apps, **kwargs: Any) -> Iterator[CheckMessage]:
    """E003 to E006, E011: single settings with a value that means nothing."""
    if settings.NOTIFICATIONS_SEND not in WAYS_TO_SEND:
        yield Error(
            f"NOTIFICATIONS_SEND is {settings.NOTIFICATIONS_SEND!r}.",
            hint=f"Choose one of: {', '.join(WAYS_TO_SEND)}.",
            id="evento.E003",
        )
    if len(settings.ORGANISER_CODE) not in (0, ORGANISER_CODE_LENGTH):
        yield Error(
            f"ORGANISER_CODE has {len(settings.ORGANISER_CODE)} characters.",
            hint="Give it 8, or none to close organiser sign-up.",
            id="evento.E004",
        )
    if settings.TIME_ZONE not in zoneinfo.available_timezones():
        yield Error(
            f"TIME_ZONE is {settings.TIME_ZONE!r}, which is no time zone.",
            hint="Give an IANA name such as Europe/London.",
            id="evento.E005",
        )
    if settings.TRUSTED_PROXY_COUNT < 0:
        yield Error(
            f"TRUSTED_PROXY_COUNT is {settings.TRUSTED_PROXY_COUNT}.",
            hint="Give the number of proxies in front of Evento; 0 without one.",
            id="evento.E006",
        )
    for name in POSITIVE:
        if getattr(settings, name) < 1:
            yield Error(
                f"{name} is {getattr(settings, name)}.",
                hint="Give a number from 1 upwards.",
                id="evento.E011",
            )


@register(Tags.security)
def check_signing_key(app_configs: Apps, **kwargs: Any) -> Iterator[CheckMessage]:
    """E012: whoever guesses the key that signs access tokens is anybody."""
    length = len(settings.HEADLESS_JWT_PRIVATE_KEY.encode())
    if length < SHORTEST_SIGNING_KEY:
        yield Error(
            f"JWT_SIGNING_KEY has {length} bytes.",
            hint="Give it 32 or more, random; or none, to derive it from SECRET_KEY.",
            id="evento.E012",
        )


@register(Tags.security)
def check_debug(app_configs: Apps, **kwargs: Any) -> Iterator[CheckMessage]:
    """E007: DEBUG shows settings and source to everybody."""
    if settings.DEBUG and in_production():
        yield Error(
            "DEBUG is on, and SITE_URL is https.",
            hint="Switch DEBUG off, or use an http SITE_URL for development.",
            id="evento.E007",
        )


@register()
def check_engine(app_configs: Apps, **kwargs: Any) -> Iterator[CheckMessage]:
    """E008: the rules that live in the database are written for two engines. E009: SQLite's mode."""
    database = settings.DATABASES["default"]
    if database["ENGINE"] not in ENGINES:
        yield Error(
            f"DATABASE_URL asks for {database['ENGINE']}.",
            hint="Use postgres:// or sqlite:///.",
            id="evento.E008",
        )
    elif database["ENGINE"] == ENGINES[0]:
        mode = database.get("OPTIONS", {}).get("transaction_mode")
        if mode != "IMMEDIATE":
            yield Error(
                "SQLite's transactions are not IMMEDIATE.",
                hint="Writers would fail half-way. Set OPTIONS['transaction_mode'].",
                id="evento.E009",
            )


@register(Tags.caches)
def check_shared_cache(app_configs: Apps, **kwargs: Any) -> Iterator[CheckMessage]:
    """E010: limits against guessing hold over all processes only in a cache they share."""
    backend = str(settings.CACHES["default"]["BACKEND"])
    if in_production() and backend.endswith(PER_PROCESS_CACHES):
        yield Error(
            f"The default cache, {backend}, is not shared between processes.",
            hint="Set REDIS_URL, or leave it empty for the database cache.",
            id="evento.E010",
        )


@register(Tags.security, deploy=True)
def check_production(app_configs: Apps, **kwargs: Any) -> Iterator[CheckMessage]:
    """W001 to W004: what a site on the open internet should not keep from the embedded default."""
    if not in_production():
        return
    if settings.ORGANISER_CODE == DEFAULT_ORGANISER_CODE:
        yield Warning(
            "ORGANISER_CODE is the default, which everybody can read in the documentation.",
            hint="Choose 8 characters of your own, or leave it empty to close organiser sign-up.",
            id="evento.W001",
        )
    if settings.TRANSPORT_BACKEND == "notifications.backends.EmlFileBackend":
        yield Warning(
            "Mails are written to files instead of being sent.",
            hint="Set EMAIL_URL.",
            id="evento.W002",
        )
    if settings.TRUSTED_PROXY_COUNT == 0:
        yield Warning(
            "SITE_URL is https, and no proxy is trusted to say that a request came by https.",
            hint="Behind one, set TRUSTED_PROXY_COUNT=1: or each page redirects to itself for ever.",
            id="evento.W003",
        )
    if "@localhost" in settings.DEFAULT_FROM_EMAIL:
        yield Warning(
            f"Mails come from {settings.DEFAULT_FROM_EMAIL}.",
            hint="Set DEFAULT_FROM_EMAIL to an address of your domain.",
            id="evento.W004",
        )
