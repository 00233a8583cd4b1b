"""The kinds of notice. Each app registers its own in `AppConfig.ready` (DESIGN port 2).

A kind knows its words on the site, what its mail says, whether its mail can be switched off and, for
announcements, whom it concerns. Three mail templates go with it by convention:
`<app>/email/<name>_{subject.txt,message.txt,message.html}`.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from notifications.models import KIND_LENGTH, Announcement, Notification, OutgoingEmail

Text = str | Promise
Context = dict[str, Any]
# Templates' variables out of what a letter shares.
Variables = Callable[[Any], Context]


@dataclass(frozen=True)
class Bell:
    """What the site shows of a notice: one line, and maybe words of the organisers below it."""

    text: str
    words: str = ""


@dataclass(frozen=True)
class InlineImage:
    """A PNG that the HTML shows as `cid:<name>`."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Calendar:
    """Calendar data beside the mail's text; calendars act on its method by themselves."""

    method: str
    content: bytes


@dataclass(frozen=True)
class Letter:
    """What a mail says, and what goes with it.

    `shared` is what it says to all its readers; `variables` makes what the templates show out of that and of
    nothing else, because what they make of it is kept (notifications/frames.py). `own` is what is a person's
    own, by its name in the templates, where nothing but showing it can be done: `ticket.code`.
    """

    shared: Hashable
    variables: Variables
    own: Mapping[str, str] = field(default_factory=dict)
    images: Sequence[InlineImage] = ()
    calendar: Calendar | None = None


@dataclass(frozen=True)
class Recipient:
    """One person an announcement concerns. `cursor` is where the next chunk starts after.

    `kind` is the kind of that person's own notice: the same cause can mean one thing to a holder and
    another to an organiser.
    """

    user_id: UUID
    address: str
    cursor: str
    kind: str
    context: Context = field(default_factory=dict)
    url: str = ""


Source = Callable[[Announcement, str, int], list[Recipient]]
Letters = Callable[[Sequence[OutgoingEmail]], list[Letter | None]]


@dataclass(frozen=True)
class Kind:
    """One kind of notice.

    `bell` makes the site's words from the context alone, so that a list of notices costs no query;
    None for kinds that are only mailed. `letters` loads what some mails are about, a moment before they
    are sent, and answers None for those whose cause is gone: they are dropped. `audience` gives, for an
    announcement, at most `limit` recipients after a cursor, in an order that does not change.
    """

    name: str
    label: Text
    letters: Letters
    bell: Callable[[Context], Bell] | None = None
    icon: str = "bell"
    optional: bool = False
    audience: Source | None = None

    @property
    def template(self) -> str:
        """The common beginning of its mail templates' names."""
        app, _dot, name = self.name.partition(".")
        return f"{app}/email/{name}"


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Make `kind` known. Registering another one under the same name is a programming error."""
    if not kind.name.partition(".")[2] or len(kind.name) > KIND_LENGTH:
        raise ValueError(f"A kind is named <app>.<name>, not {kind.name!r}.")
    if _kinds.setdefault(kind.name, kind) != kind:
        raise ValueError(f"There is another kind named {kind.name!r}.")
    return kind


def get(name: str) -> Kind:
    """The kind of that name. Raises KeyError."""
    return _kinds[name]


def find(name: str) -> Kind | None:
    """The kind of that name, or None when the code no longer knows it."""
    return _kinds.get(name)


def optional_kinds() -> list[Kind]:
    """The kinds whose mail can be switched off (SPEC 5), in the order they were registered."""
    return [kind for kind in _kinds.values() if kind.optional]


def mandatory_kinds() -> list[Kind]:
    """The kinds of notice that are always mailed too."""
    return [kind for kind in _kinds.values() if not kind.optional and kind.bell is not None]


def bell_of(notice: Notification) -> Bell:
    """What the site says of a notice, also of one whose kind the code no longer knows."""
    kind = find(notice.kind)
    if kind is None or kind.bell is None:
        return Bell(_("A notice of an earlier version of this site"))
    return kind.bell(notice.context)


def in_turn(*sources: Source) -> Source:
    """One audience out of several, one after the other.

    Who is in two of them is told once, by the first: notices are unique by announcement and person.
    """

    def audience(announcement: Announcement, after: str, limit: int) -> list[Recipient]:
        first, _colon, cursor = after.partition(":")
        found: list[Recipient] = []
        for n, source in enumerate(sources):
            if n < int(first or 0):
                continue
            chunk = source(announcement, cursor, limit - len(found))
            found += _numbered(n, chunk)
            cursor = ""
            if len(found) == limit:
                break
        return found

    return audience


def each(letter: Callable[[OutgoingEmail], Letter | None]) -> Letters:
    """Letters of which each is loaded by itself."""

    def letters(mails: Sequence[OutgoingEmail]) -> list[Letter | None]:
        return [letter(mail) for mail in mails]

    return letters


def _numbered(n: int, recipients: Iterable[Recipient]) -> list[Recipient]:
    return [replace(person, cursor=f"{n}:{person.cursor}") for person in recipients]
