"""The topic `organised`: how an event fills, live for its organisers alone (SPEC 6)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Subquery
from django.template.loader import render_to_string

from accounts.models import User
from events.availability import exact_availability
from events.models import Event
from notifications.live.reading import CountOf
from notifications.live.topics import Payload, PrivateTopic, register
from tickets.models import Ticket
from tickets.states import LATEST_SHOWN, latest_bookings


@dataclass(frozen=True)
class Filling:
    """What is said of an event when any of it is another than before.

    Tickets are never given back twice, so the newest one and how many of the latest were given back tell
    whether the latest bookings look another way.
    """

    taken: int
    capacity: int
    status: str
    newest: UUID | None
    given_back: int


def permit(user: User, words: str) -> UUID | None:
    """The event, if `user` manages it (one query: this is asked again while they follow)."""
    try:
        event_id = UUID(words)
    except ValueError:
        return None
    managed = user.is_active and Event.objects.managed_by(user).filter(pk=event_id).exists()
    return event_id if managed else None


def read(event_ids: Collection[UUID]) -> Mapping[UUID, Filling]:
    """How each event fills. One query that reads a few rows of each, however many tickets it has."""
    latest = Ticket.objects.filter(event=OuterRef("pk")).latest_first()
    rows = Event.objects.filter(pk__in=list(event_ids)).values_list(
        "pk",
        "places_taken",
        "capacity",
        "status",
        Subquery(latest.values("pk")[:1]),
        CountOf(latest.values("cancelled_at")[:LATEST_SHOWN], column="cancelled_at"),
    )
    return {pk: Filling(*rest) for pk, *rest in rows.order_by()}


def frame(event_id: UUID, filling: Filling) -> Payload:
    """The counts and the latest bookings as they are by now, which may be after `filling` was read."""
    said: Payload = {"event": str(event_id), "taken": filling.taken, "capacity": filling.capacity}
    event = Event.objects.filter(pk=event_id).first()
    if event is None:  # a draft, deleted meanwhile
        return said | {"parts": {}}
    exact = exact_availability(event)
    context = {"event": event, "exact": exact, "is_live": True, "tickets": latest_bookings(event)}
    parts = {
        "organiser-bar": "events/_organiser_bar.html",
        "places-live": "events/_places_bar.html",
        "arrivals": "tickets/_arrivals.html",
    }
    return said | {
        "taken": exact.taken,
        "capacity": exact.capacity,
        "parts": {name: _rendered(template, context) for name, template in parts.items()},
    }


def _rendered(template: str, context: dict[str, Any]) -> str:
    return render_to_string(template, context).strip()


ORGANISED = PrivateTopic("organised", permit, read, frame)


def register_topics() -> None:
    register(ORGANISED)
