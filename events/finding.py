"""Finding events: the filters that addresses carry, and events grouped by their own day (SPEC 7)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from evento.statements import Columns, JoinedLookup, Lookup
from events.models import Category, Event
from events.querysets import EventQuerySet

# SPEC 2: the place of an event that has only a link.
ONLINE = "Online"
MAX_WORDS = 8  # each word is one more condition on four columns

SEARCHED = ("title", "description", "location", "category__name")
# A list goes by the event's own date, then by the moment.
LIST_ORDER = ("starts_on", "starts_at", "id")
# What lists show. The description is searched in the database and not fetched.
LISTED = Event.objects.select_related("category").defer("description")
PUBLIC = Lookup(Event.objects.public, "slug")
_EVENT, _CATEGORY = Columns(Event, "event"), Columns(Category, "category")
_WITH_CATEGORY = JoinedLookup(
    """
    SELECT {columns} FROM events_event event
    LEFT JOIN events_category category ON category.id = event.category_id
    WHERE event.slug = %s AND event.status <> 'draft' AND event.archived_at IS NULL
    """,
    *(_EVENT, _CATEGORY),
)


class Period(StrEnum):
    """Which events, by the clock. ALL is what the calendar shows."""

    UPCOMING = "upcoming"
    NOW = "now"
    PAST = "past"
    ALL = "all"


def public_event_or_404(slug: str) -> Event:
    """The event with a public page at that address. Raises Http404."""
    event = PUBLIC.find(slug)
    if event is None:
        raise Http404
    return event


def visible_event_or_404(user: User | AnonymousUser, slug: str) -> Event:
    """The event, with its category, if `user` may open its page. Raises Http404.

    Nearly always it is a public one, which is found by a statement that is built once.
    """
    found = _WITH_CATEGORY.find(slug)
    event = found and found.row(_EVENT)
    if found is None or event is None:
        events = Event.objects.visible_to(user).select_related("category")
        return get_object_or_404(events, slug=slug)
    event.category = found.row(_CATEGORY)
    return event


def site_today(now: datetime) -> date:
    """Today on the site's own clock, so that everybody gets the same page."""
    return timezone.localdate(now, timezone.get_default_timezone())


def weekend(today: date) -> tuple[date, date]:
    """Saturday and Sunday of the week of `today`."""
    saturday = today + timedelta(days=5 - today.weekday())
    return saturday, saturday + timedelta(days=1)


def _spellings(word: str) -> set[str]:
    # SQLite folds the case of ASCII letters alone.
    if word.isascii():
        return {word}
    return {word, word.lower(), word.upper(), word.capitalize()}


def matching(text: str) -> Q:
    """Events that have every word of `text` somewhere in their public words, in any case."""
    found = Q()
    for word in text.split()[:MAX_WORDS]:
        anywhere = Q()
        for field in SEARCHED:
            for spelling in _spellings(word):
                anywhere |= Q(**{f"{field}__icontains": spelling})
        found &= anywhere
    return found


class FindForm(forms.Form):
    """The filters of the past list. Every field is optional; the form's data is the address."""

    q = forms.CharField(label=_("Search events"), required=False, max_length=100)
    where = forms.MultipleChoiceField(
        label=_("Place"),
        required=False,
        choices=[("in-person", _("In person")), ("online", _("Online"))],
    )
    category = forms.ChoiceField(label=_("Category"), required=False)

    def __init__(self, data: Any, *, today: date) -> None:
        super().__init__(data)
        self._today = today
        for name, label in (("from", _("From")), ("to", _("To"))):
            self.fields[name] = forms.DateField(
                label=label,
                required=False,
                input_formats=["%Y-%m-%d"],
                error_messages={"invalid": _("Write the date as year-month-day: 2026-11-24.")},
            )
        names = Category.objects.order_by("name").values_list("slug", "name")
        category = self.fields["category"]
        assert isinstance(category, forms.ChoiceField)  # noqa: S101 - tells the type checker
        category.choices = [("", _("Any category")), *names]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        first, last = cleaned.get("from"), cleaned.get("to")
        if first and last and last < first:
            self.add_error("to", _("The last day is before the first."))
        return cleaned

    def narrow(self, events: EventQuerySet) -> EventQuerySet:
        """Those of `events` that the filters ask for. Only for a valid form.

        Dates go by the event's own date in its own zone. That an event is online is public; its link
        is not.
        """
        wanted = self.cleaned_data
        events = events.filter(matching(wanted["q"]))
        if wanted["category"]:
            events = events.filter(category__slug=wanted["category"])
        if wanted["from"]:
            events = events.filter(starts_on__gte=wanted["from"])
        if wanted["to"]:
            events = events.filter(starts_on__lte=wanted["to"])
        if wanted["where"] == ["online"]:
            events = events.filter(Q(location__iexact=ONLINE) | ~Q(online_url=""))
        if wanted["where"] == ["in-person"]:
            events = events.exclude(location__iexact=ONLINE)
        return events

    @property
    def first_day_given(self) -> str:
        return str(self.data.get("from", ""))

    @property
    def last_day_given(self) -> str:
        return str(self.data.get("to", ""))

    @property
    def asks_more(self) -> bool:
        """Whether a filter that is folded away is in use (or is wrong)."""
        names = ("category", "from", "to")
        return any(self.data.get(name) for name in names)

    def address(self, **more: str) -> str:
        """The filters as the query of an address, without the empty ones; `?` when there is nothing."""
        pairs = [
            (name, str(value))
            for name, given in self.cleaned_data.items()
            for value in (given if isinstance(given, list) else [given])
            if value
        ]
        pairs = [(name, "1" if value == "True" else value) for name, value in pairs]
        pairs += [(name, value) for name, value in more.items() if value]
        return f"?{urlencode(pairs)}"


class UpcomingFindForm(FindForm):
    """The filters of the upcoming list."""

    when = forms.ChoiceField(
        label=_("Day"), required=False, choices=[("", _("Any day")), ("weekend", _("This weekend"))]
    )
    available = forms.BooleanField(label=_("Available"), required=False)

    def narrow(self, events: EventQuerySet) -> EventQuerySet:
        events = super().narrow(events)
        if self.cleaned_data["when"] == "weekend":
            events = events.filter(starts_on__range=weekend(self._today))
        return events

    def upcoming(self, events: EventQuerySet, now: datetime) -> EventQuerySet:
        """The upcoming ones. "Available" drops those that are FULL and nothing else (SPEC 2)."""
        events = self.narrow(events).upcoming(now)
        return events.available() if self.cleaned_data["available"] else events

    def on_now(self, events: EventQuerySet, now: datetime) -> EventQuerySet:
        """Those under way: none where a free place is asked for, because they give out no more tickets.

        Never by how full they are: nothing tells that once an event has started (SPEC 2).
        """
        if self.cleaned_data["available"]:
            return events.none()
        return self.narrow(events).under_way(now)

    def in_period(self, period: Period, now: datetime) -> EventQuerySet:
        """What everybody may find in `period`; "Available" leaves only what can still be booked."""
        published = LISTED.published()
        if period is Period.NOW:
            return self.on_now(published, now)
        if period is Period.UPCOMING or self.cleaned_data["available"]:
            upcoming = self.upcoming(published, now)
            return upcoming.none() if period is Period.PAST else upcoming
        if period is Period.PAST:
            return self.narrow(published.past(now))
        return self.narrow(LISTED.public())


def is_online_only(event: Event) -> bool:
    """Whether it has no place to go to."""
    return event.location.casefold() == ONLINE.casefold()


def is_online(event: Event) -> bool:
    """Whether one can take part from elsewhere: that there is a link is public, the link is not."""
    return is_online_only(event) or bool(event.online_url)


@dataclass(frozen=True)
class Day:
    """The events of one day of their own. A continued day began on the page before."""

    date: date
    events: list[Event]
    is_continued: bool


def by_day(events: Iterable[Event], *, continues: date | None = None) -> list[Day]:
    """`events`, already in the order of their days, as days."""
    groups = groupby(events, key=lambda event: event.starts_on)
    return [Day(day, list(group), is_continued=day == continues) for day, group in groups]
