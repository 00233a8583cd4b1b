"""The words of a mail: rendered once for all who are told the same, with gaps for what is a person's own.

A frame is made from what its letters share and from nothing else; while it is rendered, stand-ins are in its
gaps. They can be shown, and asked whether they are there. Whatever else a template wants of them might differ
from reader to reader, and is refused, also where Django would go on without it
(docs/decisions/0036-mails-are-rendered-once.md).
"""

import functools
import re
import secrets
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

from django.conf import settings
from django.template import Context, Engine
from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.translation import get_language

from notifications import kinds

KEPT = 200  # some 10 KB each


class AskedTooMuch(Exception):
    """A template wants more of a person than its frame can have."""


class Words(NamedTuple):
    """A mail's subject, text and HTML."""

    subject: str
    text: str
    html: str


class StandIn:
    """Stands for something of a person's own, or for the person, whose `parts` are such things."""

    def __init__(
        self, refused: list[str], mark: str = "", parts: dict[str, "StandIn"] | None = None
    ) -> None:
        self._refused, self._mark, self.parts = refused, mark, parts or {}

    def __bool__(self) -> bool:
        return True

    def __str__(self) -> str:
        return self._mark or self._refuse()

    def __getitem__(self, name: str) -> "StandIn":
        return self.parts.get(name) or self._refuse(name)

    def _refuse(self, *asked: object) -> NoReturn:
        # Noted too, because Django takes an error inside a condition for False.
        self._refused.append(repr(asked))
        raise AskedTooMuch(*self._refused)

    __getattr__ = __len__ = __iter__ = __contains__ = __hash__ = __float__ = __format__ = _refuse
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __add__ = __radd__ = _refuse


class Gapped:
    """A text with gaps, by the names of what belongs there."""

    def __init__(self, marked: str, marks: Mapping[str, str]) -> None:
        """`marks` are those in `marked` that stand for a gap, by its name."""
        names = {mark: name for name, mark in marks.items()}
        self._pieces = re.split(f"({'|'.join(names)})", marked) if names else [marked]
        self._gaps = [(n, names[self._pieces[n]]) for n in range(1, len(self._pieces), 2)]

    def filled(self, own: Mapping[str, str]) -> str:
        """The text with these values in its gaps, as they stand."""
        pieces = self._pieces.copy()
        for place, name in self._gaps:
            pieces[place] = own[name]
        return "".join(pieces)


@dataclass(frozen=True)
class Frame:
    """What one kind of mail says to everybody about one thing."""

    subject: Gapped
    text: Gapped
    html: Gapped

    def filled(self, own: Mapping[str, str]) -> Words:
        """The words for the person whose `own` these values are."""
        return Words(
            _one_line(self.subject.filled(own)),
            self.text.filled(own).strip() + "\n",
            self.html.filled({name: escape(value) for name, value in own.items()}),
        )


def words(template: str, letter: kinds.Letter, own: Mapping[str, str]) -> Words:
    """What a letter says to the person whose `own` these values are, by the templates of that name.

    Empty values are as if they were not there. Raises AskedTooMuch.
    """
    there = {name: value for name, value in own.items() if value}
    site = (settings.SITE_NAME, settings.SITE_URL)
    frame = _frame(
        template, letter.variables, letter.shared, tuple(there), site, get_language() or ""
    )
    return frame.filled(there)


@functools.lru_cache(maxsize=KEPT)
def _frame(
    template: str,
    variables: kinds.Variables,
    shared: Hashable,
    names: tuple[str, ...],
    site: tuple[str, str],
    _language: str,
) -> Frame:
    refused: list[str] = []
    context = {"site_name": site[0], "site_url": site[1], **variables(shared)}
    # Drawn anew, so that no text can hold them.
    marks = {name: secrets.token_hex(16) for name in names}
    context |= _stand_ins(marks, refused)
    marked = (
        _text(f"{template}_subject.txt", context),
        _text(f"{template}_message.txt", context),
        render_to_string(f"{template}_message.html", context),
    )
    if refused:
        raise AskedTooMuch(*refused)
    return Frame(*(Gapped(it, marks) for it in marked))


def _stand_ins(marks: Mapping[str, str], refused: list[str]) -> dict[str, StandIn]:
    """The variables that show these marks by name: `ticket.code` is a part of `ticket`."""
    found: dict[str, StandIn] = {}
    for name, mark in marks.items():
        owner, _dot, part = name.partition(".")
        stand_in = StandIn(refused, mark)
        if part:
            found.setdefault(owner, StandIn(refused)).parts[part] = stand_in
        else:
            found[owner] = stand_in
    return found


def _text(template: str, context: dict[str, Any]) -> str:
    """A plain-text template: what it shows is data all the same, but no HTML to escape for."""
    found = Engine.get_default().get_template(template)
    return found.render(Context(context, autoescape=False))


def _one_line(text: str) -> str:
    """A subject: organisers' words may hold line breaks, a header may not."""
    printable = text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.split())
