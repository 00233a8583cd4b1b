"""A ticket for its holder's calendar: entries that mend themselves (SPEC 5).

One UID per ticket and a SEQUENCE that grows with each announced change let calendars replace the
entry they have. For the holder alone: it may hold the online link, but never the code, because
calendars are shared.
"""

import re
from datetime import UTC
from email.utils import parseaddr
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _
from icalendar import Calendar, vCalAddress, vText
from icalendar import Event as CalendarEntry

from tickets.models import Ticket

REQUEST = "REQUEST"
CANCEL = "CANCEL"
PUBLISH = "PUBLISH"


def ticket_ics(ticket: Ticket, *, method: str = PUBLISH) -> bytes:
    """The calendar data of `ticket` (with its event and holder), saying `method`.

    The same ticket gives the same bytes until it or its event is changed.
    """
    calendar = Calendar()
    calendar.add("prodid", f"-//{settings.SITE_NAME}//{settings.SITE_NAME}//EN")
    calendar.add("version", "2.0")
    calendar.add("method", method)
    calendar.add_component(_entry(ticket))
    return bytes(calendar.to_ical())


def _entry(ticket: Ticket) -> CalendarEntry:
    event = ticket.event
    entry = CalendarEntry()
    entry.add("uid", f"ticket-{ticket.pk}@{urlsplit(settings.SITE_URL).hostname}")
    changed = max(ticket.updated_at, event.updated_at)
    entry.add("dtstamp", changed.astimezone(UTC).replace(microsecond=0))
    entry.add("sequence", _sequence(ticket))
    entry.add("dtstart", event.starts_at.astimezone(UTC))
    entry.add("dtend", event.ends_at.astimezone(UTC))
    entry.add("summary", event.title)
    entry.add("description", _description(ticket))
    entry.add("location", event.location)
    entry.add("url", f"{settings.SITE_URL}{ticket.get_absolute_url()}")
    entry.add("status", "CONFIRMED" if ticket.admits else "CANCELLED")
    entry["organizer"] = _organiser(ticket)
    entry.add("attendee", _attendee(ticket), encode=False)
    return entry


def _sequence(ticket: Ticket) -> int:
    """The event's revision; giving the ticket back is one more change, of this entry alone."""
    return ticket.event.revision + (0 if ticket.is_valid else 1)


def _description(ticket: Ticket) -> str:
    lines = [_("Your ticket: %(url)s") % {"url": settings.SITE_URL + ticket.get_absolute_url()}]
    if ticket.admits and ticket.event.online_url:
        lines.append(_("Join online: %(url)s") % {"url": ticket.event.online_url})
    return "\n".join(lines)


def _organiser(ticket: Ticket) -> vCalAddress:
    _name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    organiser = vCalAddress(f"mailto:{address}")
    organiser.params["CN"] = _name_parameter(ticket.event.organiser_name or settings.SITE_NAME)
    return organiser


def _attendee(ticket: Ticket) -> vCalAddress:
    attendee = vCalAddress(f"mailto:{ticket.holder.email}")
    attendee.params["CN"] = _name_parameter(ticket.holder.name)
    attendee.params["ROLE"] = vText("REQ-PARTICIPANT")
    attendee.params["PARTSTAT"] = vText("ACCEPTED")
    attendee.params["RSVP"] = vText("FALSE")
    return attendee


def _name_parameter(name: str) -> vText:
    """A name as a parameter: it can hold neither quotes nor control characters (RFC 5545 3.2)."""
    return vText(re.sub(r"[\x00-\x1f\x7f]+", " ", name).replace('"', "'"))
