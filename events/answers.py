"""Events as the API shows them: the public projection, and what the reader may see beyond it (SPEC 2)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from accounts.models import User
from events.availability import exact_availability, public_availability
from events.finding import is_online
from events.holdings import tickets_of
from events.ics import event_url
from events.models import Event, OrganiserOffer
from events.permissions import AnyUser
from events.schemas import MINUTE


@dataclass(frozen=True)
class Reader:
    """What one person has to do with some events: which they manage, and their valid tickets by event."""

    managed: Collection[UUID]
    tickets: Mapping[UUID, UUID]

    @classmethod
    def of(cls, user: AnyUser, events: Sequence[Event]) -> "Reader":
        """Two queries, however many events; none for a visitor."""
        if not isinstance(user, User) or not events:
            return cls((), {})
        ids = [event.pk for event in events]
        managed = Event.objects.managed_by(user).filter(pk__in=ids).values_list("pk", flat=True)
        return cls(set(managed), tickets_of(user, ids))

    def link(self, event: Event) -> str | None:
        """The online link, for holders of a valid ticket and organisers (SPEC 2)."""
        holds = event.pk in self.tickets and not event.is_cancelled
        return event.online_url or None if holds or event.pk in self.managed else None


def summary_of(event: Event, reader: Reader, now: datetime) -> dict[str, Any]:
    """An `EventSummary`. Of fullness it has the public projection, but for organisers."""
    public = public_availability(event, now)
    return {
        "slug": event.slug,
        "url": event_url(event),
        "title": event.title,
        "status": event.status,
        "cancellation_reason": event.cancellation_reason,
        **when(event),
        "location": event.location,
        "is_online": is_online(event),
        "link": reader.link(event),
        "category": event.category,
        "cover": _cover(event),
        "organiser_name": event.organiser_name,
        "contact": event.contact,
        "availability": public.text or None,
        "availability_state": public.state,
        "spaces_left": public.left,
        "my_ticket": reader.tickets.get(event.pk),
        "for_organisers": _organisers_part(event) if event.pk in reader.managed else None,
    }


def when(event: Event) -> dict[str, Any]:
    """When it is: the moments, and what clocks show where it takes place."""
    return {
        "starts_at": event.starts_at.astimezone(UTC),
        "ends_at": event.ends_at.astimezone(UTC),
        "time_zone": event.time_zone,
        "date": event.starts_on,
        "time": f"{event.local_start:%H:%M}",
        "duration_minutes": event.duration // MINUTE,
    }


def event_of(event: Event, user: AnyUser, now: datetime) -> dict[str, Any]:
    """An `EventOutput` for `user`."""
    summary = summary_of(event, Reader.of(user, [event]), now)
    return summary | {"description": event.description}


def summaries_of(events: Sequence[Event], user: AnyUser, now: datetime) -> list[dict[str, Any]]:
    """`EventSummary` of each event for `user`."""
    reader = Reader.of(user, events)
    return [summary_of(event, reader, now) for event in events]


def offer_of(offer: OrganiserOffer) -> dict[str, Any]:
    """A `MyOffer`, with its event and who made it loaded."""
    return {
        "id": offer.pk,
        "event": offer.event,
        "offered_by": offer.offered_by.name,
        "offered_at": offer.offered_at,
    }


def _cover(event: Event) -> dict[str, str] | None:
    if not event.cover:
        return None
    return {
        "url": settings.SITE_URL + event.cover.url,
        "small_url": settings.SITE_URL + event.cover.small_url,  # type: ignore[attr-defined]
    }


def _organisers_part(event: Event) -> dict[str, Any]:
    exact = exact_availability(event)
    return {
        "capacity": exact.capacity,
        "places_taken": exact.taken,
        "created_at": event.created_at,
        "updated_at": event.updated_at,
        "published_at": event.published_at,
        "archived_at": event.archived_at,
    }
