"""Taking a place (SPEC 3; DESIGN "The hot path"): the database alone decides who gets one."""

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from evento.database import retry_conflicts, violates
from evento.refusals import Refusal
from evento.statements import Rows
from events.availability import public_availability
from events.models import Event
from events.services import lock_event, take_place, take_quiet_place
from tickets.models import HELD, NOTE_LENGTH, Ticket, random_code
from tickets.permissions import is_holder
from tickets.signals import booking_prepared

# Two equal codes of 20 random digits are next to impossible; three draws make it certain enough.
CODE_DRAWS = 3


@dataclass(frozen=True)
class Booking:
    """The person's ticket, and whether this request made it."""

    ticket: Ticket
    created: bool


class _NoPlace(Exception):
    """The UPDATE found no place to take; why is looked up after the transaction."""


def booking_refusal(event: Event, now: datetime) -> Refusal | None:
    """Why nobody can book `event` as it is loaded, or None; the page and the service ask alike.

    None promises nothing: only `take_place` decides.
    """
    if event.is_draft or event.archived_at is not None:
        return Refusal("not_found", _("There is no such event."), status=404)
    if event.is_cancelled:
        return Refusal("event_cancelled", _("This event was cancelled."))
    if event.starts_at <= now:
        return Refusal("event_started", _("This event has started, so tickets are closed."))
    if public_availability(event, now).is_full:
        return Refusal("event_full", _("This event is full. Look again later: places may free up."))
    return None


@retry_conflicts
def book_ticket(
    event: Event, *, holder: User, note: str = "", now: datetime | None = None
) -> Booking:
    """Give `holder` their one ticket for `event`. Asking twice leads to the same ticket.

    Sends booking_prepared. Raises Refusal `event_full`, `event_cancelled`, `event_started`,
    `not_found` (draft or archived), `note_too_long`, `account_closed` (in this very moment, say). One
    clock reading decides (SPEC 3).
    """
    now = now or timezone.now()
    note = cleaned_note(note)
    refusal = booking_refusal(event, now)
    if refusal is not None:
        return _existing(event, holder, otherwise=refusal)
    for _draw in range(CODE_DRAWS):
        try:
            return Booking(_take(event, holder, note, now), created=True)
        except _NoPlace:
            return _existing(event, holder, otherwise=_why_no_place(event, holder, now))
        except IntegrityError as error:
            if violates(
                error,
                constraint="tickets_one_valid_each",
                columns=("tickets_ticket.event_id", "tickets_ticket.holder_id"),
            ):
                return _existing(event, holder, otherwise=_full())
            if not violates(
                error, constraint="tickets_ticket_code_key", columns=("tickets_ticket.code",)
            ):
                raise
    raise AssertionError("the random source repeats itself")


@retry_conflicts
def change_note(ticket: Ticket, *, note: str, by: User, now: datetime | None = None) -> Ticket:
    """Change the note to the organisers, until the start; only the holder may.

    Raises Refusal `not_found`, `note_too_long`, `ticket_cancelled`, `ticket_void`, `event_started`.
    """
    now = now or timezone.now()
    note = cleaned_note(note)
    with transaction.atomic():
        event = lock_event(ticket.event_id)
        stored = Ticket.objects.select_for_update().get(pk=ticket.pk)
        refuse_unless_changeable(stored, event, by=by, now=now)
        if stored.note != note:
            stored.note = note
            stored.save(update_fields=["note", "updated_at"])
    return stored


def cleaned_note(note: str) -> str:
    note = note.strip()
    if len(note) > NOTE_LENGTH:
        raise Refusal(
            "note_too_long",
            _("A note can have up to %(length)d characters.") % {"length": NOTE_LENGTH},
            status=422,
        )
    return note


def refuse_unless_changeable(ticket: Ticket, event: Event, *, by: User, now: datetime) -> None:
    """What the holder may still do with a ticket, judged on stored rows. Raises Refusal."""
    if not is_holder(by, ticket):
        raise Refusal("not_found", _("There is no such ticket."), status=404)
    if not ticket.is_valid:
        raise Refusal("ticket_cancelled", _("This ticket was cancelled."))
    if event.is_cancelled:
        raise Refusal("ticket_void", _("This event was cancelled, so the ticket is void already."))
    if event.starts_at <= now:
        raise Refusal("event_started", _("This event has started, so the ticket stays as it is."))


def _take(event: Event, holder: User, note: str, now: datetime) -> Ticket:
    ticket = Ticket(event=event, holder=holder, code=random_code(), note=note, booked_at=now)
    rows = Rows(ticket)
    booking_prepared.send(Ticket, ticket=ticket, rows=rows, now=now)
    if not take_quiet_place(event, now, holder_id=holder.pk, rows=rows):
        with transaction.atomic():
            if take_place(event.pk, now, holder_id=holder.pk, rows=rows) is None:
                raise _NoPlace
    return ticket


def _existing(event: Event, holder: User, *, otherwise: Refusal) -> Booking:
    ticket = HELD.find(event.pk, holder.pk)
    if ticket is None or otherwise.code == "not_found":
        raise otherwise
    return Booking(ticket, created=False)


def _why_no_place(event: Event, holder: User, now: datetime) -> Refusal:
    if not User.objects.filter(pk=holder.pk, is_active=True).exists():
        return Refusal("account_closed", _("This account is closed."))
    return booking_refusal(Event.objects.get(pk=event.pk), now) or _full()


def _full() -> Refusal:
    return Refusal("event_full", _("This event is full. Look again later: places may free up."))
