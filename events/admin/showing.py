"""Who looks in the admin, and how an event's facts look there."""

from typing import cast

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from accounts.models import User
from events.availability import exact_availability
from events.models import Event
from events.templatetags.event_times import long_date, start_clock, zone_phrase


def person(request: HttpRequest) -> User:
    """Who is asking: behind the admin's door nobody is anonymous."""
    return cast("User", request.user)


def start_line(event: Event) -> str:
    """The start on the event's own clock, with its zone."""
    return gettext("%(date)s, %(clock)s, %(zone)s") % {
        "date": long_date(event),
        "clock": start_clock(event),
        "zone": zone_phrase(event),
    }


def start_cell(event: Event) -> SafeString:
    """The start in a list's cell: the day, and beneath it the time with its zone."""
    return format_html(
        '<span class="start-day">{}</span><span class="start-clock">{}, {}</span>',
        date_format(event.starts_on, "j M Y"),
        start_clock(event),
        zone_phrase(event),
    )


def status_chip(event: Event) -> SafeString:
    """One word for where the event stands, in its colour."""
    now = timezone.now()
    if event.archived_at is not None:
        kind, word = "", gettext("Archived")
    elif event.is_cancelled:
        kind, word = "badge-stop", gettext("Cancelled")
    elif event.is_draft:
        kind, word = "badge-few", gettext("Draft")
    elif event.has_ended(now):
        kind, word = "", gettext("Past")
    elif event.is_under_way(now):
        kind, word = "badge-mine", gettext("On now")
    else:
        kind, word = "badge-mine", gettext("Published")
    return format_html('<span class="badge {}">{}</span>', kind, word)


def places_bar(event: Event, *, is_live: bool = False) -> SafeString:
    """Places taken of capacity, as a bar with its figures; a live page finds the one that `is_live`."""
    context = {"exact": exact_availability(event), "is_live": is_live}
    return render_to_string("events/_places_bar.html", context)
