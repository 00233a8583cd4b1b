"""What events tell their organisers, and what closing accounts leave behind. Receivers write rows only."""

from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.models import User
from events import notices
from events.availability import Availability
from events.models import Event, EventOrganiser, OrganiserOffer
from events.services import close_organiser
from notifications.live.changes import record_public_change
from notifications.services import announce, mail_address, tell


def tell_near_capacity(
    sender: Any, *, event_id: UUID, availability: Availability, now: datetime, **kwargs: Any
) -> None:
    _announce_fill_level(notices.NEAR_CAPACITY, event_id, availability, now)


def tell_full(
    sender: Any, *, event_id: UUID, availability: Availability, now: datetime, **kwargs: Any
) -> None:
    _announce_fill_level(notices.FULL, event_id, availability, now)


def tell_live_pages(sender: Any, *, event_id: UUID, **kwargs: Any) -> None:
    record_public_change(event_id)


def tell_added_organiser(sender: Any, *, event: Event, user: User, **kwargs: Any) -> None:
    row = EventOrganiser.objects.get(event=event, user=user)
    tell(
        user,
        kind=notices.ADDED,
        key=f"{notices.ADDED}:{row.pk}",
        context=notices.event_context(event),
        url=event.get_absolute_url(),
    )


def mail_offer(sender: Any, *, offer: OrganiserOffer, **kwargs: Any) -> None:
    mail_address(
        offer.email,
        kind=notices.OFFERED,
        key=f"{notices.OFFERED}:{offer.pk}",
        context={"offer": str(offer.pk), **notices.event_context(offer.event)},
    )


def leave_organised_events(sender: Any, *, user: User, now: datetime, **kwargs: Any) -> None:
    """Refuses while the account is the only organiser of an upcoming published event (SPEC 1)."""
    close_organiser(user, now=now)


def give_personal_data(sender: Any, *, user: User, **kwargs: Any) -> tuple[str, dict[str, Any]]:
    organised = EventOrganiser.objects.filter(user=user)
    offers = OrganiserOffer.objects.filter(email__iexact=user.email)
    return "events", {
        "organised": list(
            organised.values("event__title", "event__slug", "event__starts_at", "added_at")
        ),
        "offers_to_organise": list(offers.values("event__title", "offered_at")),
    }


def _announce_fill_level(
    kind: str, event_id: UUID, availability: Availability, now: datetime
) -> None:
    event = Event.objects.only("title").get(pk=event_id)
    announce(
        kind,
        about=event_id,
        context={
            **notices.event_context(event),
            "left": availability.left,
            "capacity": availability.capacity,
        },
        caused_at=now,
    )
