"""An event's times on its own clock, whatever clock the site or the reader goes by."""

from datetime import datetime

from django import template
from django.utils import dateformat
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from events.models import Event

register = template.Library()


def _on_clock(moment: datetime, pattern: str) -> str:
    # Without its zone, so that Django does not move it to another.
    return dateformat.format(moment.replace(tzinfo=None), pattern)


@register.filter
def event_city(event: Event) -> str:
    """The city the zone is named after ("London"); for a zone without one, its name ("UTC")."""
    area, _slash, city = event.time_zone.rpartition("/")
    if not area or area == "Etc":
        return event.local_start.tzname() or event.time_zone
    return city.replace("_", " ")


@register.filter
def zone_phrase(event: Event) -> str:
    """The zone in words: "London time", or "UTC"."""
    if "/" not in event.time_zone or event.time_zone.startswith("Etc/"):
        return event_city(event)
    return _("%(city)s time") % {"city": event_city(event)}


@register.filter
def start_clock(event: Event) -> str:
    """When it starts: 18:30."""
    return _on_clock(event.local_start, "H:i")


@register.filter
def end_clock(event: Event) -> str:
    """When it ends: 20:30, or with its day where that is another one than the start's."""
    end = event.local_end
    if end.date() == event.starts_on:
        return _on_clock(end, "H:i")
    return _on_clock(end, _(r"l j F, H:i"))


@register.filter
def long_date(event: Event) -> str:
    """Its date: Tuesday, 24 November 2026."""
    return _on_clock(event.local_start, _("l, j F Y"))


@register.simple_tag
def start_time(event: Event) -> SafeString:
    """The start as `<time>`; script adds the reader's own time where that is another."""
    return format_html(
        '<time datetime="{}" data-local-time="{}" data-time-zone="{}">{}</time>',
        event.local_start.isoformat(),
        _("%s your time"),
        event.time_zone,
        start_clock(event),
    )
