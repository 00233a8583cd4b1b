"""What racers do, the guards that can be taken out of them, and where they can be held."""

import contextlib
import uuid
from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.db.models import F
from django.db.models.query import QuerySet

from accounts.models import User
from accounts.services import close_account
from evento import database
from evento.refusals import Refusal
from events.models import Event
from events.services import cancel_event, change_event, places, publishing
from notifications import expanding, sender
from notifications.models import OutgoingEmail
from notifications.sender import Sender
from tests.proof.mixing import mix
from tickets import receivers
from tickets.models import Ticket
from tickets.services import book_ticket, booking, cancel_ticket, cancelling

State = OutgoingEmail.State
GATE = 7_266_461  # the advisory lock that racers wait for


def book(event, person):
    result = book_ticket(Event.objects.get(pk=event), holder=User.objects.get(pk=person))
    return "booked" if result.created else "again"


def cancel_booking(ticket):
    stored = Ticket.objects.select_related("holder").get(pk=ticket)
    cancel_ticket(stored, by=stored.holder)
    return "cancelled"


def cancel(event):
    cancel_event(Event.objects.get(pk=event), by=None)
    return "cancelled"


def resize(event, capacity):
    change_event(Event.objects.get(pk=event), changes={"capacity": capacity}, by=None)
    return "resized"


def leave(person):
    close_account(User.objects.get(pk=person))
    return "closed"


def send():
    """What the worker does, until there is nothing left."""
    at_work = Sender()
    while at_work.step():
        pass
    at_work.close()
    return f"{at_work.tally.sent} sent"


def deadlocks_seen():
    """How many times the database chose this process to end a deadlock since this was asked last."""
    seen, HOLDING["deadlocks"] = HOLDING["deadlocks"], 0
    return str(seen)


JOBS = {
    job.__name__: job
    for job in (book, cancel_booking, cancel, resize, leave, send, deadlocks_seen, mix)
}


# --- Guards, and how each is taken out ---


def take_any_place(patch):
    """Booking believes what it read: no condition in its UPDATE."""
    for name in ("TAKE_PLACE", "TAKE_QUIET_PLACE"):
        real = getattr(places, name)
        change, rest = real.split("WHERE", maxsplit=1)
        conditions, returned = rest.split("RETURNING")
        others = " AND %s IS NOT NULL" * (conditions.count("%s") - 1)  # its parameters stay
        patch.setattr(places, name, f"{change} WHERE id = %s {others} RETURNING {returned}")


def lock_no_rows(patch):
    """Services read as usual, but SELECT ... FOR UPDATE locks nothing."""

    def all_rows(rows, *, no_key=False, skip_locked=False):
        return rows.all()

    patch.setattr(QuerySet, "select_for_update", all_rows)


def look_before_booking(patch):
    """What the constraint does, done by looking first."""
    take = booking._take

    def looking(event, holder, note, now):
        if (held := Ticket.objects.valid().filter(event=event, holder=holder).first()) is not None:
            return held
        HOLDING["gate"]()
        return take(event, holder, note, now)

    patch.setattr(booking, "_take", looking)


def claim_what_was_read(patch):
    """Workers mark as theirs what they found due, whoever has it by then."""

    def claim(now):
        lease = uuid.uuid4()
        due = OutgoingEmail.objects.filter(state=State.QUEUED, next_attempt_at__lte=now)
        keys = list(due.values_list("pk", flat=True)[: sender.BATCH])
        HOLDING["gate"]()
        mine = OutgoingEmail.objects.filter(pk__in=keys)
        mine.update(
            state=State.SENDING,
            attempts=F("attempts") + 1,
            leased_by=lease,
            leased_until=now + timedelta(hours=1),
        )
        found = list(mine.select_related("recipient"))
        for mail in found:
            mail.leased_by = lease
        return found

    patch.setattr(sender, "claim", claim)


def lock_the_accounts_key(patch):
    """A closing account is locked so that nobody can write a row that is about its person."""
    lock = QuerySet.select_for_update

    def select_for_update(rows, *, no_key=False, **how):
        return lock(rows, no_key=no_key and rows.model is not User, **how)

    patch.setattr(QuerySet, "select_for_update", select_for_update)


def lock_in_any_order(patch):
    """Several events are locked as they come: here, one person's the other way round."""

    def lock_events(keys):
        found = sorted(keys, reverse=HOLDING["backwards"])
        locked = [places.lock_event(found[0])]
        HOLDING["gate"]()
        return [*locked, *(places.lock_event(key) for key in found[1:])]

    patch.setattr(cancelling, "lock_events", lock_events)


GUARDS = {
    guard.__name__: guard
    for guard in (
        *(take_any_place, lock_no_rows, look_before_booking, claim_what_was_read),
        *(lock_the_accounts_key, lock_in_any_order),
    )
}
# A place in the code, and whether the gate is before or behind it.
HOLDS = {
    "before taking a place": (booking, "_take", "before"),
    "after reading the ticket": (cancelling, "refuse_unless_changeable", "after"),
    "after reading the event": (publishing, "_refuse_changes", "after"),
    "after finding whose tickets": (receivers, "give_back_tickets", "after"),
    "after finding due mail": (sender, "_lease_end", "before"),
    "after finding an audience": (expanding, "_opted_out", "before"),
}
# Within the statement: the place is counted, and nothing else is written yet.
IN_STATEMENT = "after taking a place"
HOLDING = {"gate": lambda: None, "backwards": False, "deadlocks": 0}


def count_deadlocks():
    """From now on, in this process (`deadlocks_seen`)."""
    is_conflict = database.is_conflict

    def counting(error):
        HOLDING["deadlocks"] += getattr(error.__cause__, "sqlstate", None) == "40P01"
        return is_conflict(error)

    database.is_conflict = counting


def held_at(patch, hold, at_gate):
    """Let whoever comes to `hold` wait at the gate there."""
    if hold == IN_STATEMENT:
        wait = f"RETURNING (SELECT 0 FROM pg_advisory_xact_lock_shared({GATE})) +"
        for name in ("TAKE_PLACE", "TAKE_QUIET_PLACE"):
            patch.setattr(places, name, getattr(places, name).replace("RETURNING", wait))
        return
    module, name, when = HOLDS[hold]
    original = getattr(module, name)

    def held(*args, **kwargs):
        if when == "before":
            at_gate()
            return original(*args, **kwargs)
        result = original(*args, **kwargs)
        at_gate()
        return result

    patch.setattr(module, name, held)


def outcome_of(job, arguments, without, hold, *, at_gate):
    """Do a job; what came of it in a word: a refusal's code, a database's error, or what it returns."""
    HOLDING["gate"] = at_gate
    HOLDING["backwards"] = arguments.pop("backwards", False)
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as stack:
        stack.callback(HOLDING.update, gate=lambda: None, backwards=False)
        for guard in without:
            GUARDS[guard](patch)
        if hold:
            held_at(patch, hold, at_gate)
        try:
            return JOBS[job](**arguments)
        except Refusal as refusal:
            return refusal.code
        except DatabaseError as error:
            return f"{type(error).__name__}: {error}"
