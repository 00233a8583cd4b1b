"""An event for other calendars: the .ics file, and links to the calendars that people use on the web.

Nothing here is for holders or organisers alone: neither the online link nor how many places there are.
"""

from datetime import UTC, datetime
from email.utils import parseaddr
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from icalendar import Calendar, vCalAddress, vText
from icalendar import Event as CalendarEntry

from events import markdown
from events.models import Event

STATUS = {
    Event.Status.DRAFT: "TENTATIVE",
    Event.Status.PUBLISHED: "CONFIRMED",
    Event.Status.CANCELLED: "CANCELLED",
}
WORDS = 1000  # of the description; the address of the page leads to the rest


def event_url(event: Event) -> str:
    """The event's page, with the site's own address."""
    return f"{settings.SITE_URL}{event.get_absolute_url()}"


def _organiser(event: Event) -> vCalAddress:
    _name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    organiser = vCalAddress(f"MAILTO:{address}")
    organiser.params["CN"] = vText(event.organiser_name or settings.SITE_NAME)
    return organiser


def _details(event: Event) -> str:
    words = markdown.summary(event.description, WORDS)
    return "\n\n".join(part for part in (words, event_url(event)) if part)


def event_ics(event: Event) -> bytes:
    """The calendar file of `event`. The same event gives the same bytes until it is changed."""
    entry = CalendarEntry()
    entry.add("uid", f"{event.pk}@{urlsplit(settings.SITE_URL).hostname}")
    entry.add("dtstamp", event.updated_at.astimezone(UTC).replace(microsecond=0))
    entry.add("sequence", event.revision)
    entry.add("dtstart", event.starts_at.astimezone(UTC))
    entry.add("dtend", event.ends_at.astimezone(UTC))
    entry.add("summary", event.title)
    entry.add("description", _details(event))
    entry.add("location", event.location)
    entry.add("url", event_url(event))
    entry.add("status", STATUS[Event.Status(event.status)])
    entry["organizer"] = _organiser(event)
    if event.category:
        entry.add("categories", [event.category.name])
    calendar = Calendar()
    calendar.add("prodid", f"-//{settings.SITE_NAME}//{settings.SITE_NAME}//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(entry)
    return bytes(calendar.to_ical())


def _compact(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def google_url(event: Event) -> str:
    """Google Calendar's form for a new entry, filled in."""
    fields = {
        "action": "TEMPLATE",
        "text": event.title,
        "dates": f"{_compact(event.starts_at)}/{_compact(event.ends_at)}",
        "details": event_url(event),
        "location": event.location,
        "ctz": event.time_zone,
    }
    return f"https://calendar.google.com/calendar/render?{urlencode(fields)}"


def outlook_url(event: Event) -> str:
    """Outlook's form for a new entry, filled in."""
    fields = {
        "path": "/calendar/action/compose",
        "rru": "addevent",
        "subject": event.title,
        "startdt": event.starts_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "enddt": event.ends_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "body": event_url(event),
        "location": event.location,
    }
    return f"https://outlook.live.com/calendar/0/deeplink/compose?{urlencode(fields)}"
