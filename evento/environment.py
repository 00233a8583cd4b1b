"""Settings from the environment: each is declared once, where it is read, with what it means.

The table in docs/operations.md and `.env.example` are written from these declarations
(`make settings`). A value that means nothing is noted and refused in a sentence, all of them at once.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")

TRUE = {"true", "on", "yes", "y", "1"}
FALSE = {"false", "off", "no", "n", "0"}
DATABASE_SCHEMES = ("postgres", "postgresql", "psql", "pgsql", "sqlite")
EMAIL_SCHEMES = ("smtp", "smtp+tls", "smtp+ssl", "smtps")
# Django's own ways to send no mail: for development.
EMAIL_SCHEMES_FOR_TRIALS = ("consolemail", "dummymail", "filemail", "memorymail")
# What `make run` reads beside the settings (deploy/embedded.py).
OF_MAKE_RUN = ("PORT", "HOST", "PYTHON")


@dataclass(frozen=True)
class Setting:
    """One declaration: what the table and the example say of a setting."""

    name: str
    kind: str
    default: str
    meaning: str
    example: str = ""
    # Whether the example sets it; otherwise it stands there as a comment.
    ask: bool = False


@dataclass
class Environment:
    """Reads and declares settings. Values come from `variables`, by default the process environment.

    An empty value is the default. A `$` is a `$`: django-environ would take what follows it for the
    name of another variable, find none, and quietly fall back to the default.
    """

    variables: Mapping[str, str] = field(default_factory=lambda: os.environ)
    declared: dict[str, Setting] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def text(self, name: str, default: str, meaning: str, **more: Any) -> str:
        return self._read(name, default, meaning, str, kind=more.pop("kind", "text"), **more)

    def number(self, name: str, default: int, meaning: str, **more: Any) -> int:
        """A whole number; checks look at whether it is a sensible one."""
        more.setdefault("default_text", f"{default:,}")
        return self._read(name, default, meaning, _whole_number, kind="number", **more)

    def switch(self, name: str, default: bool, meaning: str, **more: Any) -> bool:
        more.setdefault("default_text", "on" if default else "off")
        return self._read(name, default, meaning, _on_or_off, kind="on or off", **more)

    def names(self, name: str, default: Iterable[str], meaning: str, **more: Any) -> list[str]:
        """A list, separated by commas."""
        return self._read(name, list(default), meaning, _list, kind="list", **more)

    def set_to_empty(self, name: str) -> bool:
        """Whether the variable is there and empty, for the setting where that has a meaning."""
        return self.variables.get(name) == ""

    def refuse(self, name: str, why: str) -> None:
        """Note that the value of `name` means nothing. `why` never holds the value of a secret."""
        self.problems.append(f"{name}: {why}")

    def raise_problems(self) -> None:
        """Raise ImproperlyConfigured with all that was noted, a line each."""
        if self.problems:
            raise ImproperlyConfigured("\n".join(self.problems))

    def _read(  # noqa: PLR0913
        self,
        name: str,
        default: T,
        meaning: str,
        convert: Callable[[str], T],
        *,
        kind: str,
        default_text: str | None = None,
        example: str = "",
        ask: bool = False,
    ) -> T:
        said = str(default) if default_text is None else default_text
        self.declared[name] = Setting(name, kind, said, meaning, example, ask)
        value = self.variables.get(name, "").strip()
        if not value:
            return default
        try:
            return convert(value)
        except ValueError as error:
            self.refuse(name, str(error))
            return default


def read_env_file(path: Path) -> None:
    """Take what `.env` says into the process environment, which wins where both say something."""
    environ.Env.read_env(path)


def unknown_names(path: Path, declared: Iterable[str]) -> list[tuple[str, str]]:
    """Names in an `.env` file that are no setting and look like one, each with the one it looks like."""
    if not path.is_file():
        return []
    known = {*declared, *OF_MAKE_RUN}
    named = re.findall(
        r"^(?:export )?([A-Za-z_0-9]+) *=", path.read_text(encoding="utf-8"), re.MULTILINE
    )
    likely = (
        (name, get_close_matches(name.upper(), known, n=1, cutoff=0.8))
        for name in named
        if name not in known
    )
    return [(name, matches[0]) for name, matches in likely if matches]


def database_config(url: str, default: str, env: Environment) -> dict[str, Any]:
    """Django's settings for the database at `url`; a URL that names none is noted in `env`."""
    why = _scheme_trouble(url, DATABASE_SCHEMES, "postgres://user:password@host:5432/name")
    parts = urlsplit(url)
    if not why and parts.scheme != "sqlite" and not parts.path.strip("/"):
        why = "Names no database. Give postgres://user:password@host:5432/name."
    if not why and parts.scheme == "sqlite" and (parts.netloc or not parts.path.strip("/")):
        why = "Give a file with three slashes before it: sqlite:////srv/evento/var/evento.sqlite3."
    if why:
        env.refuse("DATABASE_URL", why)
        url = default
    return dict(environ.Env.db_url_config(url))


def email_config(url: str, env: Environment) -> dict[str, Any]:
    """Django's settings for mail by `url`; a URL that names no server is noted in `env`."""
    why = _scheme_trouble(
        url, (*EMAIL_SCHEMES, *EMAIL_SCHEMES_FOR_TRIALS), "smtp+tls://user:password@host:587"
    )
    parts = urlsplit(url)
    if not why and parts.scheme in EMAIL_SCHEMES and not parts.hostname:
        why = "Names no mail server. Give smtp+tls://user:password@host:587."
    if why:
        env.refuse("EMAIL_URL", why)
        url = "consolemail://"
    return dict(environ.Env.email_url_config(url))


def _scheme_trouble(url: str, schemes: tuple[str, ...], example: str) -> str:
    """What is wrong with the beginning or the port of a URL, or nothing. Never quotes a password."""
    parts = urlsplit(url)
    if parts.scheme not in schemes:
        begins = f"Begins with {parts.scheme}:" if parts.scheme else "Is no URL"
        return f"{begins}, which Evento cannot use. Give {example}."
    # “postgres:/user@host/name” would be a database on this machine with a strange name.
    if not url.startswith(f"{parts.scheme}://"):
        return f"Two slashes are missing after {parts.scheme}:. Give {example}."
    try:
        _port = parts.port
    except ValueError:
        return (
            f"The port is no number. Give {example}; special characters in the password in per cent "
            "encoding (/ is %2F, # is %23)."
        )
    return ""


def redis_trouble(url: str) -> str:
    """What is wrong with the address of a Redis server, or nothing."""
    return _scheme_trouble(url, ("redis", "rediss", "unix"), "redis://host:6379/0")


def sentry_trouble(dsn: str) -> str:
    """What is wrong with the address of a Sentry project, or nothing. Never quotes its key."""
    parts = urlsplit(dsn)
    sound = parts.scheme in {"http", "https"} and parts.username and parts.hostname
    if sound and parts.path.rpartition("/")[2].isdecimal():
        return ""
    return "Is no DSN. Give https://key@host/number, as Sentry shows it."


def _whole_number(value: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", value):
        raise ValueError(f"{value!r} is no whole number.")
    return int(value)


def _on_or_off(value: str) -> bool:
    lower = value.lower()
    if lower not in TRUE | FALSE:
        raise ValueError(f"{value!r} is neither on nor off. Give true or false.")
    return lower in TRUE


def _list(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]
