"""A ticket for its holder's calendar: entries that mend themselves (SPEC 5).

One UID per ticket and a SEQUENCE that grows with each announced change let calendars replace the
entry they have. For the holder alone: it may hold the online link, but never the code, because
calendars are shared.
"""

import functools
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _
from icalendar import Event as CalendarEntry
from icalendar.parser import Contentline, Parameters
from icalendar.prop import vText

from notifications.mail import site_address
from tickets.models import Ticket

REQUEST = "REQUEST"
CANCEL = "CANCEL"
PUBLISH = "PUBLISH"

Line = Callable[..., bytes]

WIDTH = 74  # octets of a line before it is folded
ATTENDING = {"PARTSTAT": "ACCEPTED", "ROLE": "REQ-PARTICIPANT", "RSVP": "FALSE"}


def ticket_ics(ticket: Ticket, *, method: str = PUBLISH) -> bytes:
    """The calendar data of `ticket` (with its event and holder), saying `method`.

    The same ticket gives the same bytes until it or its event is changed.
    """
    # How fast one's own file comes must not tell that others had theirs: only the worker's mails are helped.
    common = _line if method == PUBLISH else _kept_line
    lines = [
        b"BEGIN:VCALENDAR",
        common("version", "2.0"),
        common("prodid", f"-//{settings.SITE_NAME}//{settings.SITE_NAME}//EN"),
        common("method", method),
        *_entry(ticket, common),
        b"END:VCALENDAR\r\n",
    ]
    return b"\r\n".join(lines)


def _entry(ticket: Ticket, common: Line) -> Iterator[bytes]:
    event, url = ticket.event, f"{settings.SITE_URL}{ticket.get_absolute_url()}"
    changed = max(ticket.updated_at, event.updated_at)
    yield b"BEGIN:VEVENT"
    yield common("summary", event.title)
    yield common("dtstart", event.starts_at.astimezone(UTC))
    yield common("dtend", event.ends_at.astimezone(UTC))
    yield common("dtstamp", changed.astimezone(UTC).replace(microsecond=0))
    yield _own_line("UID", f"ticket-{ticket.pk}@{urlsplit(settings.SITE_URL).hostname}")
    yield common("sequence", _sequence(ticket))
    yield _attendee(ticket)
    yield _own_line("DESCRIPTION", vText(_description(ticket, url)).to_ical().decode())
    yield common("location", event.location)
    yield _organiser(ticket, common)
    yield common("status", "CONFIRMED" if ticket.admits else "CANCELLED")
    yield _own_line("URL", url)
    yield b"END:VEVENT"


def _line(name: str, value: str | int | datetime, **parameters: str) -> bytes:
    """One property of a calendar, folded."""
    entry = CalendarEntry()
    entry.add(name, value, parameters=parameters)
    return bytes(entry.content_line(name.upper(), entry[name]).to_ical())


def _own_line(name: str, value: str) -> bytes:
    """The same of a property that each ticket has of its own, for a value as it is written.

    The library looks at each letter to fold a line, which most lines do not need.
    """
    line = f"{name}:{value}"
    if not line.isascii() or "\\" in line or "^" in line:
        return Contentline(line).to_ical()
    return "\r\n ".join(line[n : n + WIDTH] for n in range(0, len(line), WIDTH)).encode()


# What all tickets of an event say. Nothing of a person: this memory is not emptied with an account.
_kept_line = functools.lru_cache(maxsize=500)(_line)


def _sequence(ticket: Ticket) -> int:
    """The event's revision; giving the ticket back is one more change, of this entry alone."""
    return ticket.event.revision + (0 if ticket.is_valid else 1)


def _description(ticket: Ticket, url: str) -> str:
    lines = [_("Your ticket: %(url)s") % {"url": url}]
    if ticket.admits and ticket.event.online_url:
        lines.append(_("Join online: %(url)s") % {"url": ticket.event.online_url})
    return "\n".join(lines)


def _organiser(ticket: Ticket, common: Line) -> bytes:
    name = _name_parameter(ticket.event.organiser_name or settings.SITE_NAME)
    return common("organizer", f"mailto:{site_address()}", CN=name)


def _attendee(ticket: Ticket) -> bytes:
    parameters = Parameters(CN=_name_parameter(ticket.holder.name), **ATTENDING).to_ical()
    return _own_line(f"ATTENDEE;{parameters.decode()}", f"mailto:{ticket.holder.email}")


def _name_parameter(name: str) -> str:
    """A name as a parameter: it can hold neither quotes nor control characters (RFC 5545 3.2)."""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", name).replace('"', "'")
