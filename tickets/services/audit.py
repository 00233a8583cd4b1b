"""Proving the counters: an event's places taken are its valid tickets (DESIGN "Data model")."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count, F, Q
from django.utils import timezone

from evento.database import retry_conflicts
from evento.refusals import Refusal
from events.models import Event
from events.services import correct_places, lock_event
from tickets.models import Ticket


@dataclass(frozen=True)
class Difference:
    """An event whose counter says something else than its tickets."""

    event: Event
    tickets: int


def differing_places(slugs: Collection[str] = ()) -> list[Difference]:
    """The events, all or those in `slugs`, whose counter is wrong; read in one statement."""
    events = Event.objects.filter(slug__in=slugs) if slugs else Event.objects.all()
    valid = Count("tickets", filter=Q(tickets__status=Ticket.Status.VALID))
    wrong = events.annotate(valid_tickets=valid).exclude(places_taken=F("valid_tickets"))
    return [Difference(event, event.valid_tickets) for event in wrong.order_by("slug")]


@retry_conflicts
def fix_places(event: Event, *, now: datetime | None = None) -> None:
    """Set an event's counter to its valid tickets, counted anew under its lock.

    Raises Refusal `more_tickets_than_places`: then people have to decide, not a counter.
    """
    now = now or timezone.now()
    with transaction.atomic():
        stored = lock_event(event.pk)
        tickets = Ticket.objects.valid().filter(event=stored).count()
        if tickets > stored.capacity:
            raise Refusal(
                "more_tickets_than_places",
                f"{stored.slug} has {tickets} valid tickets and {stored.capacity} places. "
                "Raise its capacity first.",
            )
        correct_places(stored, tickets, now)
