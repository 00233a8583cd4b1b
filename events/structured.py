"""What search engines read on an event's page (schema.org). Never how full it is (SPEC 2)."""

import json
from typing import Any

from django.conf import settings
from django.utils.safestring import SafeString, mark_safe

from events import markdown
from events.finding import is_online_only
from events.ics import event_url
from events.models import Event

# A data block must not be able to end itself.
ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def _attendance(event: Event) -> str:
    if is_online_only(event):
        return "OnlineEventAttendanceMode"
    return "MixedEventAttendanceMode" if event.online_url else "OfflineEventAttendanceMode"


def _place(event: Event) -> dict[str, str]:
    """Where it is. The link of an online event is for its holders: the page stands for it."""
    if is_online_only(event):
        return {"@type": "VirtualLocation", "url": event_url(event)}
    return {"@type": "Place", "name": event.location, "address": event.location}


def event_json_ld(event: Event) -> SafeString:
    """The event as JSON-LD, safe to stand in a `<script type="application/ld+json">`."""
    state = "EventCancelled" if event.is_cancelled else "EventScheduled"
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Event",
        "name": event.title,
        "url": event_url(event),
        "startDate": event.local_start.isoformat(),
        "endDate": event.local_end.isoformat(),
        "eventStatus": f"https://schema.org/{state}",
        "eventAttendanceMode": f"https://schema.org/{_attendance(event)}",
        "location": _place(event),
        "isAccessibleForFree": True,
    }
    if words := markdown.summary(event.description):
        data["description"] = words
    if event.organiser_name:
        data["organizer"] = {"@type": "Organization", "name": event.organiser_name}
    if event.cover:
        data["image"] = settings.SITE_URL + event.cover.url
    return mark_safe(json.dumps(data, ensure_ascii=False).translate(ESCAPES))
