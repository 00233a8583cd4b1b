"""What a site on the open internet should not keep from the embedded default: `check --deploy`."""

import ipaddress
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004

from evento.checks import Apps, in_production

DEFAULT_ORGANISER_CODE = "Dc5_G1gz"
SMTP_BACKEND = "notifications.backends.SmtpBackend"
# Names that only a house's own network knows (RFC 6761, RFC 6762, RFC 8375, and habit).
PRIVATE_SUFFIXES = (".localhost", ".local", ".test", ".internal", ".lan", ".home.arpa", ".home")


@register(Tags.security, deploy=True)
def check_production(app_configs: Apps, **kwargs: Any) -> Iterator[CheckMessage]:
    """W001, W003, W006, W009: who may come in, and by which way."""
    if not in_production():
        return
    if settings.ORGANISER_CODE == DEFAULT_ORGANISER_CODE:
        yield Warning(
            "ORGANISER_CODE is the default, which everybody can read in the documentation.",
            hint="Choose 8 characters of your own, or leave it empty to close organiser sign-up.",
            id="evento.W001",
        )
    if settings.TRUSTED_PROXY_COUNT == 0:
        yield Warning(
            "SITE_URL is https, and no proxy is trusted to say that a request came by https.",
            hint="Behind one, set TRUSTED_PROXY_COUNT=1: or each page redirects to itself for ever.",
            id="evento.W003",
        )
    if "*" in settings.ALLOWED_HOSTS:
        yield Warning(
            "ALLOWED_HOSTS lets requests ask for any host.",
            hint="Name the host of SITE_URL; what asks for another one is no visitor.",
            id="evento.W006",
        )
    if settings.NOTIFICATIONS_SEND == "on_commit":
        yield Warning(
            "NOTIFICATIONS_SEND is on_commit: pages wait for the mail server, and nobody tries again.",
            hint="Leave it empty, and run the worker: manage.py send_notifications",
            id="evento.W009",
        )


@register(Tags.security, deploy=True)
def check_mail(app_configs: Apps, **kwargs: Any) -> Iterator[CheckMessage]:
    """W002, W004, W008: whether mails leave the machine, with a sender, and with their password sealed."""
    if not in_production():
        return
    if settings.TRANSPORT_BACKEND != SMTP_BACKEND:
        yield Warning(
            "Mails are kept on this machine instead of being sent.",
            hint="Set EMAIL_URL to a mail server: smtp+tls://user:password@host:587",
            id="evento.W002",
        )
    if "@localhost" in settings.DEFAULT_FROM_EMAIL:
        yield Warning(
            f"Mails come from {settings.DEFAULT_FROM_EMAIL}.",
            hint="Set DEFAULT_FROM_EMAIL to an address of your domain.",
            id="evento.W004",
        )
    sealed = settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL
    if settings.EMAIL_HOST_PASSWORD and not sealed and not _is_private(settings.EMAIL_HOST):
        yield Warning(
            f"The mail server's password goes to {settings.EMAIL_HOST} in clear text.",
            hint="Begin EMAIL_URL with smtp+tls:// (port 587) or smtp+ssl:// (port 465).",
            id="evento.W008",
        )


@register(Tags.security, deploy=True)
def check_site_in_the_open(app_configs: Apps, **kwargs: Any) -> Iterator[CheckMessage]:
    """E016: passwords and tickets in clear text over the internet."""
    url = urlsplit(settings.SITE_URL)
    if url.scheme == "http" and url.hostname and not _is_private(url.hostname):
        yield Error(
            f"SITE_URL is http, and {url.hostname} looks like a host on the internet.",
            hint="Put a proxy with TLS in front, and write https: passwords would go in clear text.",
            id="evento.E016",
        )


@register(Tags.database, deploy=True)
def check_several_processes(app_configs: Apps, **kwargs: Any) -> Iterator[CheckMessage]:
    """W005: each machine would make a key of its own. W007: writers of SQLite wait for each other."""
    if not in_production():
        return
    database = settings.DATABASES["default"]
    if settings.SECRET_KEY_IS_IN_A_FILE and _is_elsewhere(database.get("HOST") or ""):
        yield Warning(
            "SECRET_KEY is not set, and the database is on another machine, as for several web servers.",
            hint="Each would make a key of its own, and sign out the others' visitors. Set SECRET_KEY.",
            id="evento.W005",
        )
    processes = os.environ.get("WEB_CONCURRENCY", "")
    if settings.IS_SQLITE and processes.isdecimal() and int(processes) > 1:
        yield Warning(
            f"WEB_CONCURRENCY asks for {processes} web processes on SQLite, which lets one write at a time.",
            hint="Use one process, or PostgreSQL.",
            id="evento.W007",
        )


@register(Tags.files, deploy=True)
def check_folders(app_configs: Apps, **kwargs: Any) -> Iterator[CheckMessage]:
    """E017: what people upload could not be kept."""
    folder = _nearest_that_exists(Path(settings.MEDIA_ROOT))
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        yield Error(
            f"{settings.MEDIA_ROOT}, where covers are kept, cannot be written to: see {folder}.",
            hint="Give it to the user that Evento runs as, and run this check as that user.",
            id="evento.E017",
        )


def _nearest_that_exists(path: Path) -> Path:
    # Not path.exists(), which raises where this user may not look into a folder on the way.
    while not os.path.exists(path) and path != path.parent:  # noqa: PTH110
        path = path.parent
    return path


def _is_private(host: str) -> bool:
    """Whether a host is this machine or, by its name or address, of a house's own network."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.lower().rstrip(".").endswith(PRIVATE_SUFFIXES)
    return address.is_private or address.is_loopback or address.is_link_local


def _is_elsewhere(host: str) -> bool:
    """Whether a database's host is another machine; a path is a socket of this one."""
    return bool(host) and not host.startswith("/") and host not in {"localhost", "127.0.0.1", "::1"}
