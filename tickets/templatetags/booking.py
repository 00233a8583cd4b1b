"""What pages of other apps show of tickets: the panel on an event's page, my state on its card."""

import secrets
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django import template
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext

from accounts.models import User
from events.availability import PublicAvailability
from events.models import Event
from events.permissions import AnyUser
from tickets.models import Ticket
from tickets.states import (
    PlaceState,
    card_context,
    latest_bookings,
    panel_context,
    valid_ticket,
)

register = template.Library()

_CACHE = "_valid_tickets_by_event"
CARDS_KEPT = 2000  # about a kilobyte each
# Stands in a kept card for the form token of whoever gets it; no title can have it.
_TOKEN = secrets.token_hex(16)


@register.inclusion_tag("tickets/_panel.html", takes_context=True)
def booking_panel(context: dict[str, Any], event: Event) -> dict[str, Any]:
    """The panel on an event's page: request, your ticket, FULL, cancelled, started, sign in first."""
    user = _reader(context)
    return panel_context(user, event, valid_ticket(user, event), now=_now(context))


@register.simple_tag(takes_context=True)
def my_state(context: dict[str, Any], event: Event) -> SafeString:
    """The `.event-actions` of an event's card: my state with its button, and the public badge.

    All cards of a page together cost one query. Without a ticket a card says what it says to everybody
    else without one, so it is made once and kept.
    """
    ticket = _my_tickets(context).get(event.pk)
    facts = card_context(_reader(context), event, ticket, now=_now(context))
    if ticket is not None:
        token = context.get("csrf_token") or ""
        return render_to_string("tickets/_card.html", {**facts, "csrf_token": token})
    # A visitor has no form, and must get no token: its cookie would make the page theirs alone.
    has_token = facts["state"] == PlaceState.REQUEST and "csrf_token" in context
    language = get_language() or ""
    kept = _card_of_many(
        event.slug, event.title, facts["state"], facts["told"], language, has_token
    )
    return mark_safe(kept.replace(_TOKEN, str(context["csrf_token"])) if has_token else kept)


@lru_cache(maxsize=CARDS_KEPT)
def _card_of_many(
    slug: str, title: str, state: str, told: PublicAvailability, _language: str, has_token: bool
) -> str:
    """The card of whoever has no ticket: all that it depends on is given, and all of that is public."""
    token = _TOKEN if has_token else ""
    facts = {"event": Event(slug=slug, title=title), "state": state, "told": told}
    return render_to_string("tickets/_card.html", {**facts, "csrf_token": token})


@register.simple_tag(takes_context=True)
def has_ticket(context: dict[str, Any], event: Event) -> bool:
    """Whether I hold a valid ticket for `event`; shares its one query with `my_state`."""
    return event.pk in _my_tickets(context)


@register.inclusion_tag("tickets/_arrivals.html")
def arrivals(event: Event) -> dict[str, Any]:
    """The latest bookings of `event`. Only for pages that its organisers alone see."""
    return {"event": event, "tickets": latest_bookings(event)}


@register.simple_tag
def ticket_chip(ticket: Ticket) -> SafeString:
    """One word for how a ticket stands, in its colour; its event is loaded."""
    if not ticket.is_valid:
        kind, word = "", ticket.get_status_display()
    elif ticket.is_void:
        kind, word = "badge-stop", gettext("Void")
    else:
        kind, word = "badge-mine", ticket.get_status_display()
    return format_html('<span class="badge {}">{}</span>', kind, word)


@register.filter
def booked_clock(ticket: Ticket) -> str:
    """When it was booked, on the event's own clock: 21 Nov, 14:03, or without the hour of another year."""
    booked = ticket.booked_at.astimezone(ticket.event.zone)
    return date_format(booked, "j M, H:i" if booked.year == timezone.now().year else "j M Y")


def _reader(context: dict[str, Any]) -> AnyUser:
    """Who reads; without a request, whom the caller names, as the live stream does."""
    return context["request"].user if "request" in context else context["reader"]


def _my_tickets(context: dict[str, Any]) -> dict[UUID, Ticket]:
    """The reader's valid tickets by event, read once for each request."""
    if not isinstance(_reader(context), User):
        return {}
    request = context["request"]
    if not hasattr(request, _CACHE):
        tickets = Ticket.objects.valid().held_by(request.user).only("id", "event_id", "status")
        setattr(request, _CACHE, {ticket.event_id: ticket for ticket in tickets})
    return getattr(request, _CACHE)


def _now(context: dict[str, Any]) -> datetime:
    """The page's own reading of the clock, where its view took one."""
    return context.get("now") or timezone.now()
