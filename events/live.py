"""What the live stream says of events to everybody, made by the templates of the pages (SPEC 6).

Every frame says all that is public of one event, to nobody in particular: two events that differ only in
what the public may not know make the same bytes (SPEC 2 "the secrecy rule").
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.template.loader import render_to_string
from django.utils import timezone

from events.calendar import Entry
from events.facts import public_facts
from events.finding import LISTED, by_day
from events.models import Event
from events.permissions import Anybody
from events.querysets import MAX_DURATION
from notifications.live.topics import Payload, PublicTopic, register

# A page that missed more than this is better fetched anew.
SNAPSHOT_EVENTS = 100
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
SLUG = re.compile(r"[-\w]{1,80}", re.ASCII)


@dataclass(frozen=True)
class Days:
    """Days on the events' own calendars, the first and the last included."""

    first: date = date.min
    last: date = date.max

    @classmethod
    def parse(cls, words: str) -> "Days":
        """The days of `<first>:<last>`, dates as 2026-11-24; without one, open there. Raises ValueError."""
        first, colon, last = words.partition(":")
        if not colon:
            raise ValueError(words)
        days = cls(_day(first, date.min), _day(last, date.max))
        if days.last < days.first:
            raise ValueError(words)
        return days

    def cover(self, event: Event) -> bool:
        return self.first <= event.starts_on <= self.last


def _day(words: str, otherwise: date) -> date:
    if words and not DAY.fullmatch(words):  # Python reads more than one spelling
        raise ValueError(words)
    return date.fromisoformat(words) if words else otherwise


def _slug(words: str) -> str:
    if not SLUG.fullmatch(words):
        raise ValueError(words)
    return words


def load(event_ids: Collection[UUID]) -> Mapping[UUID, Event]:
    """Those of the events that are or were public, as they are now. One query."""
    return LISTED.exclude(status=Event.Status.DRAFT).in_bulk(list(event_ids))


def _listed_now(days: Days) -> list[Event] | None:
    """What the upcoming list shows of these days, those under way included; None for too many."""
    now = timezone.now()
    listed = LISTED.published().with_end().filter(starts_at__gt=now - MAX_DURATION, ends__gt=now)
    return _few(listed, days)


def _in_months_now(days: Days) -> list[Event] | None:
    """What the calendar shows of these days; None for too many."""
    return _few(LISTED.public(), days)


def _few(events: Any, days: Days) -> list[Event] | None:
    found = events.filter(starts_on__range=(days.first, days.last))
    soonest = list(found.order_by("starts_on", "starts_at", "id")[: SNAPSHOT_EVENTS + 1])
    return soonest if len(soonest) <= SNAPSHOT_EVENTS else None


def _of_slug_now(slug: str) -> list[Event]:
    return list(LISTED.public().filter(slug=slug))


def _status(event: Event) -> str:
    return "cancelled" if event.is_cancelled else "listed"


def list_frame(event: Event, signed_in: bool) -> Payload:
    """An event for the list: its day with its card alone. Gone when the list shows it no more."""
    now = timezone.now()
    if event.archived_at is not None or event.has_ended(now):
        return {"slug": event.slug, "status": "gone", "html": ""}
    html = _rendered("events/_days.html", signed_in, {"days": by_day([event]), "now": now})
    return {"slug": event.slug, "status": _status(event), "html": html}


def month_frame(event: Event, signed_in: bool) -> Payload:
    """An event for the calendar, which shows past and cancelled ones too."""
    said = {"slug": event.slug, "day": event.starts_on.isoformat()}
    if event.archived_at is not None:
        return said | {"status": "gone", "html": ""}
    now = timezone.now()
    entry = Entry(event, is_past=event.has_ended(now))
    html = _rendered("events/_calendar_entry.html", signed_in, {"entry": entry, "now": now})
    return said | {"status": _status(event), "html": html}


def event_frame(event: Event, signed_in: bool) -> Payload:
    """An event for its own page: the parts that may change while somebody looks."""
    if event.archived_at is not None:
        return {"slug": event.slug, "status": "gone", "parts": {}}
    facts = public_facts(event, timezone.now())
    parts = {
        "event-head": "events/_event_head.html",
        "panel": "events/_event_panel.html",
        "event-calendars": "events/_event_calendars.html",
    }
    rendered = {name: _rendered(template, signed_in, facts) for name, template in parts.items()}
    return {"slug": event.slug, "status": _status(event), "parts": rendered}


def _rendered(template: str, signed_in: bool, context: dict[str, Any]) -> str:
    """A part of a page as nobody in particular sees it. Its forms have no token: a page puts in its own."""
    return render_to_string(template, {**context, "reader": Anybody(signed_in)}).strip()


def _has_slug(slug: str, event: Event) -> bool:
    return event.slug == slug


LIST = PublicTopic("list", Days.parse, load, Days.cover, list_frame, _listed_now)
MONTH = PublicTopic("month", Days.parse, load, Days.cover, month_frame, _in_months_now)
EVENT = PublicTopic("event", _slug, load, _has_slug, event_frame, _of_slug_now)


def register_topics() -> None:
    for topic in (LIST, MONTH, EVENT):
        register(topic)
