"""What an event's page says of it beside its fields: the same on the page and in the live stream."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email

from events.finding import is_online_only
from events.ics import google_url, outlook_url
from events.models import Event


def public_facts(event: Event, now: datetime) -> dict[str, Any]:
    """The context of events/_event_head.html and events/_event_calendars.html, `event` and `now` included.

    Nothing of it depends on who reads or on how full the event is.
    """
    return {
        "event": event,
        "now": now,
        "is_online": is_online_only(event),
        "contact_url": _contact_url(event.contact),
        "may_add": not (event.is_cancelled or event.has_ended(now)),
        "google_url": google_url(event),
        "outlook_url": outlook_url(event),
    }


def _contact_url(contact: str) -> str:
    """A link for a public contact that is an e-mail address or an address on the web, else nothing."""
    for validate, prefix in ((validate_email, "mailto:"), (URLValidator(["http", "https"]), "")):
        try:
            validate(contact)
        except ValidationError:
            continue
        return f"{prefix}{contact}"
    return ""
