"""Giving a place back (SPEC 3)."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from evento.database import retry_conflicts
from events.models import Event
from events.services import give_back_place, lock_event, lock_events
from tickets.models import Ticket
from tickets.permissions import is_holder
from tickets.services.booking import refuse_unless_changeable
from tickets.signals import ticket_cancelled


@retry_conflicts
def cancel_ticket(ticket: Ticket, *, by: User, now: datetime | None = None) -> Ticket:
    """Give the holder's place back, until the start; it is free again at once. Twice is quiet.

    Locks the event, then the ticket. Sends ticket_cancelled. Raises Refusal `not_found`,
    `ticket_void`, `event_started`.
    """
    now = now or timezone.now()
    with transaction.atomic():
        event = lock_event(ticket.event_id)
        stored = Ticket.objects.select_for_update().get(pk=ticket.pk)
        if not stored.is_valid and is_holder(by, stored):
            return stored
        refuse_unless_changeable(stored, event, by=by, now=now)
        stored.event = event
        _give_back(stored, now)
    return stored


def give_back_tickets(holder: User, *, now: datetime) -> None:
    """Give back all places of a closing account at events that have not started (SPEC 1).

    Also forgets the person's notes on every ticket. Call inside the transaction that closes it.
    """
    ahead = Ticket.objects.valid().held_by(holder).upcoming(now)
    open_events = ahead.filter(event__status=Event.Status.PUBLISHED)
    for event in lock_events(open_events.values_list("event_id", flat=True)):
        for ticket in Ticket.objects.select_for_update().valid().filter(event=event, holder=holder):
            ticket.event = event
            _give_back(ticket, now)
    Ticket.objects.held_by(holder).exclude(note="").update(note="")


def _give_back(ticket: Ticket, now: datetime) -> None:
    ticket.status = Ticket.Status.CANCELLED
    ticket.cancelled_at = now
    ticket.save(update_fields=["status", "cancelled_at", "updated_at"])
    give_back_place(ticket.event_id, now)
    ticket_cancelled.send(Ticket, ticket=ticket, now=now)
