"""What pages of other apps show of tickets: the panel on an event's page, my state on its card."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django import template
from django.http import HttpRequest
from django.utils import timezone

from events.models import Event
from tickets.models import Ticket
from tickets.states import card_context, panel_context, valid_ticket

register = template.Library()

_CACHE = "_valid_tickets_by_event"


@register.inclusion_tag("tickets/_panel.html", takes_context=True)
def booking_panel(context: dict[str, Any], event: Event) -> dict[str, Any]:
    """The panel on an event's page: request, your ticket, FULL, cancelled, started, sign in first."""
    user = context["request"].user
    return panel_context(user, event, valid_ticket(user, event), now=_now(context))


@register.inclusion_tag("tickets/_card.html", takes_context=True)
def my_state(context: dict[str, Any], event: Event) -> dict[str, Any]:
    """The `.event-actions` of an event's card: my state with its button, and the public badge.

    All cards of a page together cost one query.
    """
    request = context["request"]
    ticket = my_tickets(request).get(event.pk)
    return card_context(request.user, event, ticket, now=_now(context))


@register.simple_tag(takes_context=True)
def has_ticket(context: dict[str, Any], event: Event) -> bool:
    """Whether I hold a valid ticket for `event`; shares its one query with `my_state`."""
    return event.pk in my_tickets(context["request"])


def my_tickets(request: HttpRequest) -> dict[UUID, Ticket]:
    """The reader's valid tickets by event, read once for each request."""
    if not request.user.is_authenticated:
        return {}
    if not hasattr(request, _CACHE):
        tickets = Ticket.objects.valid().held_by(request.user).only("id", "event_id", "status")
        setattr(request, _CACHE, {ticket.event_id: ticket for ticket in tickets})
    return getattr(request, _CACHE)


def _now(context: dict[str, Any]) -> datetime:
    """The page's own reading of the clock, where its view took one."""
    return context.get("now") or timezone.now()
