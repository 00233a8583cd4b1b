"""What one person sees of their place at one event: the panel on its page, the actions on its card."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from accounts.models import User
from events.availability import public_availability
from events.holdings import Events
from events.models import Event
from events.permissions import AnyUser, may_manage_event
from tickets.forms import NoteForm
from tickets.models import HELD, Ticket

# As many as one takes in at a glance.
LATEST_SHOWN = 5


class PlaceState(StrEnum):
    """The one state that text, buttons and badges follow from."""

    DRAFT = "draft"
    CANCELLED = "cancelled"
    ENDED = "ended"
    STARTED = "started"
    MINE = "mine"
    FULL = "full"
    SIGN_IN = "sign_in"
    REQUEST = "request"


def place_state(event: Event, ticket: Ticket | None, user: AnyUser, now: datetime) -> PlaceState:
    """The state of `user` at `event`, whose own valid ticket is `ticket`.

    It says of fullness only what everybody may know (SPEC 2 "the secrecy rule").
    """
    if event.is_draft:
        return PlaceState.DRAFT
    if event.is_cancelled:
        return PlaceState.CANCELLED
    if event.starts_at <= now:
        return PlaceState.ENDED if event.has_ended(now) else PlaceState.STARTED
    if ticket is not None:
        return PlaceState.MINE
    if public_availability(event, now).is_full:
        return PlaceState.FULL
    return PlaceState.REQUEST if user.is_authenticated else PlaceState.SIGN_IN


def valid_ticket(user: AnyUser, event: Event) -> Ticket | None:
    """The ticket that `user` holds for `event` and has not given back."""
    if not isinstance(user, User):
        return None
    return HELD.find(event.pk, user.pk)


def valid_tickets_of(person: User, events: Events) -> Mapping[UUID, UUID]:
    """The ids of the valid tickets that `person` holds for these events, by event; one query."""
    tickets = Ticket.objects.valid().held_by(person).filter(event__in=events)
    return dict(tickets.values_list("event_id", "pk"))


def latest_bookings(event: Event) -> list[Ticket]:
    """The newest tickets of `event` with their holders, for its organisers alone; one query."""
    latest = Ticket.objects.filter(event=event).latest_first().select_related("holder")
    tickets = list(latest[:LATEST_SHOWN])
    for ticket in tickets:
        ticket.event = event
    return tickets


def online_url_for(user: AnyUser, event: Event, ticket: Ticket | None) -> str:
    """The online link, if `user` may have it: holders of a valid ticket and organisers (SPEC 2)."""
    if not event.online_url:
        return ""
    holds = ticket is not None and ticket.is_valid and not event.is_cancelled
    return event.online_url if holds or may_manage_event(user, event) else ""


def is_changeable(ticket: Ticket, now: datetime) -> bool:
    """Whether its holder may still cancel it or change its note (SPEC 3)."""
    return ticket.admits and now < ticket.event.starts_at


def card_context(
    user: AnyUser, event: Event, ticket: Ticket | None, *, now: datetime
) -> dict[str, Any]:
    """What tickets/_card.html needs; a view may add `refusal` and `announcement`."""
    state = place_state(event, ticket, user, now)
    told = public_availability(event, now)
    return {"event": event, "ticket": ticket, "state": state.value, "told": told}


def panel_context(
    user: AnyUser, event: Event, ticket: Ticket | None, *, now: datetime
) -> dict[str, Any]:
    """What tickets/_panel.html needs; a view may add `refusal`, `announcement` and `form`."""
    return {
        **card_context(user, event, ticket, now=now),
        "form": NoteForm(),
        "online_url": online_url_for(user, event, ticket),
    }
