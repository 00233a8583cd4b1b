"""Settings that contradict each other or SPEC, found by `manage.py check` and at every start.

A site whose SITE_URL is https counts as in production.
"""

import zoneinfo
from collections.abc import Iterator, Sequence
from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register, run_checks  # noqa: A004
from django.http.request import validate_host

from evento.environment import redis_trouble, unknown_names
from evento.settings import ENV_FILE, env

# Checks that servers run too when they start, which do not run Django's.
AT_START = "evento"
ORGANISER_CODE_LENGTH = 8
MOST_PROXIES = 10  # nobody has more in a row: a larger number is another one, a port say
WAYS_TO_SEND = ("worker", "server", "on_commit")
POSITIVE = (
    "WEB_THREADS",
    "MAIL_CONNECTIONS",
    "LIVE_MAX_STREAMS",
    "API_READS_PER_MINUTE",
    "API_WRITES_PER_MINUTE",
)
SHORTEST_SECRET_KEY = 32  # characters, of a key that nobody can guess
SHORTEST_TOKEN = 16  # characters
SHORTEST_SIGNING_KEY = 32  # bytes: as long as the digest that HS256 makes (RFC 7518, section 3.2)
ENGINES = ("django.db.backends.sqlite3", "django.db.backends.postgresql")
# Each process would count limits for itself, so that they hold for none (SPEC 1).
PER_PROCESS_CACHES = ("locmem.LocMemCache", "dummy.DummyCache")

Apps = Sequence[AppConfig] | None


def errors_at_start() -> list[str]:
    """What a server must not start with, a sentence and its hint each; empty for a sound setup."""
    found = run_checks(tags=[AT_START])
    return [
        f"{message.id}: {message.msg} {message.hint}"
        for message in found
        if message.is_serious() and not message.is_silenced()
    ]


def in_production() -> bool:
    return urlsplit(settings.SITE_URL).scheme == "https"


@register(Tags.urls, AT_START)
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


@register(AT_START)
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
    if not 0 <= settings.TRUSTED_PROXY_COUNT <= MOST_PROXIES:
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


@register(Tags.security, AT_START)
def check_signing_key(app_configs: Apps, **kwargs: Any) -> Iterator[CheckMessage]:
    """E012: whoever guesses the key that signs access tokens is anybody."""
    length = len(settings.HEADLESS_JWT_PRIVATE_KEY.encode())
    if length < SHORTEST_SIGNING_KEY:
        yield Error(
            f"JWT_SIGNING_KEY has {length} bytes.",
            hint="Give it 32 or more, random; or none, to derive it from SECRET_KEY.",
            id="evento.E012",
        )


@register(Tags.security, AT_START)
def check_metrics_token(app_configs: Apps, **kwargs: Any) -> Iterator[CheckMessage]:
    """E018: `/metrics` has no limit on how often somebody may guess."""
    length = len(settings.METRICS_TOKEN)
    if 0 < length < SHORTEST_TOKEN:
        yield Error(
            f"METRICS_TOKEN has {length} characters.",
            hint="Give it 16 or more, random; or none, and there is no /metrics.",
            id="evento.E018",
        )


@register(Tags.security, AT_START)
def check_secret_key(app_configs: Apps, **kwargs: Any) -> Iterator[CheckMessage]:
    """E014: whoever guesses it makes sessions, links and tokens."""
    length = len(settings.SECRET_KEY)
    if in_production() and length < SHORTEST_SECRET_KEY:
        yield Error(
            f"SECRET_KEY has {length} characters, which can be guessed.",
            hint="Give it 50 random ones (openssl rand -base64 48), or leave it empty: Evento makes one.",
            id="evento.E014",
        )


@register(Tags.security, AT_START)
def check_debug(app_configs: Apps, **kwargs: Any) -> Iterator[CheckMessage]:
    """E007: DEBUG shows settings and source to everybody."""
    if settings.DEBUG and in_production():
        yield Error(
            "DEBUG is on, and SITE_URL is https.",
            hint="Switch DEBUG off, or use an http SITE_URL for development.",
            id="evento.E007",
        )


@register(AT_START)
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


@register(Tags.caches, AT_START)
def check_shared_cache(app_configs: Apps, **kwargs: Any) -> Iterator[CheckMessage]:
    """E010: limits against guessing hold over all processes only in a cache they share."""
    backend = str(settings.CACHES["default"]["BACKEND"])
    if in_production() and backend.endswith(PER_PROCESS_CACHES):
        yield Error(
            f"The default cache, {backend}, is not shared between processes.",
            hint="Set REDIS_URL, or leave it empty for the database cache.",
            id="evento.E010",
        )


@register(AT_START)
def check_addresses(app_configs: Apps, **kwargs: Any) -> Iterator[CheckMessage]:
    """E013: a cache that cannot be reached by such an address. E015: a sender nobody can answer."""
    why = redis_trouble(settings.REDIS_URL) if settings.REDIS_URL else ""
    if why:
        yield Error(f"REDIS_URL: {why}", hint="Or leave it empty.", id="evento.E013")
    _name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    before, at, host = address.rpartition("@")
    if not (before and at and host):
        yield Error(
            f"DEFAULT_FROM_EMAIL is {settings.DEFAULT_FROM_EMAIL!r}, which has no e-mail address.",
            hint='Give an address, or name and address: "Evento <tickets@example.org>".',
            id="evento.E015",
        )


@register()
def check_env_file(app_configs: Apps, **kwargs: Any) -> Iterator[CheckMessage]:
    """W010: a name in `.env` that was probably meant to be a setting."""
    for name, meant in unknown_names(ENV_FILE, env.declared):
        yield Warning(
            f".env sets {name}, which is no setting.",
            hint=f"Did you mean {meant}?",
            id="evento.W010",
        )
