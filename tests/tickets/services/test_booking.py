"""Taking and giving back a place (SPEC 3)."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import OperationalError, transaction
from django.db.models.signals import pre_save

from accounts.models import User
from accounts.services import close_account
from evento.database import Busy
from evento.refusals import Refusal
from evento.statements import Rows
from events.models import Event
from events.services import cancel_event, change_event, places
from events.signals import event_full, event_near_capacity
from notifications.models import Notification, OutgoingEmail
from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory
from tests.signals import heard
from tests.tickets.factories import TicketFactory
from tickets.models import Ticket
from tickets.services import book_ticket, booking, cancel_ticket, change_note, give_back_tickets
from tickets.signals import booking_prepared, ticket_cancelled

pytestmark = pytest.mark.django_db


def refused_code(call, *args, **kwargs):
    with pytest.raises(Refusal) as refused:
        call(*args, **kwargs)
    return refused.value.code


def taken(event):
    return Event.objects.values_list("places_taken", flat=True).get(pk=event.pk)


def test_book_gives_a_ticket_and_counts_the_place(event, attendee, now):
    booked = book_ticket(event, holder=attendee, note=" Ramp, please ", now=now)

    assert booked.created
    assert (booked.ticket.note, booked.ticket.booked_at) == ("Ramp, please", now)
    assert Ticket.objects.values().get() == {
        field.attname: getattr(booked.ticket, field.attname) for field in Ticket._meta.fields
    }
    assert (len(booked.ticket.code), booked.ticket.code.isdigit()) == (20, True)
    assert taken(event) == 1


def test_book_moves_nothing_public_of_the_event(event, attendee):
    before = Event.objects.values("updated_at", "revision").get(pk=event.pk)

    book_ticket(event, holder=attendee)

    assert Event.objects.values("updated_at", "revision").get(pk=event.pk) == before


def test_book_twice_leads_to_the_same_ticket(event, attendee):
    first = book_ticket(event, holder=attendee)

    second = book_ticket(event, holder=attendee)

    assert (second.ticket, second.created) == (first.ticket, False)
    assert taken(event) == 1
    assert (Notification.objects.count(), OutgoingEmail.objects.count()) == (1, 1)


def test_book_twice_leads_to_the_same_ticket_when_full_or_started(attendee, now):
    event = EventFactory(capacity=1)
    first = book_ticket(event, holder=attendee).ticket
    event.refresh_from_db()

    assert book_ticket(event, holder=attendee).ticket == first
    assert book_ticket(event, holder=attendee, now=event.starts_at).ticket == first


@pytest.mark.parametrize("fresh", [True, False], ids=["fresh", "stale"])
@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"places_taken": 10}, "event_full"),
        ({"status": "cancelled"}, "event_cancelled"),
        ({"archived_at": "now"}, "not_found"),
    ],
)
def test_book_refuses_with_a_code_of_its_own(event, attendee, now, values, code, fresh):
    values = {name: now if value == "now" else value for name, value in values.items()}
    Event.objects.filter(pk=event.pk).update(**values)
    if fresh:
        event.refresh_from_db()

    assert refused_code(book_ticket, event, holder=attendee, now=now) == code
    assert not Ticket.objects.exists()


def test_book_refuses_drafts_as_not_found(organiser, attendee):
    draft = EventFactory(organiser=organiser, status=Event.Status.DRAFT)

    assert refused_code(book_ticket, draft, holder=attendee) == "not_found"


def test_book_closes_at_the_very_start(event, attendee):
    start = event.starts_at

    assert refused_code(book_ticket, event, holder=attendee, now=start) == "event_started"
    booked = book_ticket(event, holder=attendee, now=start - timedelta(microseconds=1))
    assert booked.created


def test_book_refuses_a_long_note(event, attendee):
    assert refused_code(book_ticket, event, holder=attendee, note="x" * 501) == "note_too_long"


def test_code_collision_draws_again(event, attendee, monkeypatch):
    theirs = TicketFactory(event=event)
    codes = iter([theirs.code, theirs.code, "12345678901234567890"])
    monkeypatch.setattr(booking, "random_code", lambda: next(codes))

    assert book_ticket(event, holder=attendee).ticket.code == "12345678901234567890"
    assert taken(event) == 2


def test_every_place_is_given_and_not_one_more(now):
    event = EventFactory(capacity=3)

    booked = [book_ticket(event, holder=person) for person in UserFactory.create_batch(3)]

    assert all(each.created for each in booked)
    assert refused_code(book_ticket, event, holder=UserFactory()) == "event_full"
    assert taken(event) == Ticket.objects.valid().count() == 3


def test_database_alone_holds_when_the_condition_is_broken(event, attendee, monkeypatch):
    broken = places.TAKE_PLACE.replace("AND places_taken < capacity", "")
    assert broken != places.TAKE_PLACE
    monkeypatch.setattr(places, "TAKE_PLACE", broken)
    Event.objects.filter(pk=event.pk).update(places_taken=10)

    with pytest.raises(Exception, match="events_event_places_within_capacity"):
        book_ticket(event, holder=attendee)

    assert not Ticket.objects.exists()


def test_ticket_that_was_given_back_is_no_way_into_a_full_event(attendee):
    event = EventFactory(capacity=3, places_taken=3)
    TicketFactory(event=event, holder=attendee, status=Ticket.Status.CANCELLED)

    assert refused_code(book_ticket, event, holder=attendee) == "event_full"


def test_organisers_are_told_once_when_places_go_and_once_when_full():
    event = EventFactory(capacity=4)

    with heard(event_near_capacity) as near, heard(event_full) as full:
        for person in UserFactory.create_batch(4):
            book_ticket(event, holder=person)

    assert [call["availability"].left for call in near] == [1]
    assert [call["availability"].left for call in full] == [0]


def test_jump_straight_to_full_is_one_notice(attendee):
    event = EventFactory(capacity=1)

    with heard(event_near_capacity) as near, heard(event_full) as full:
        book_ticket(event, holder=attendee)

    assert (len(near), len(full)) == (0, 1)


def test_place_freed_after_a_jump_to_full_tells_nobody(organiser):
    event = EventFactory(organiser=organiser, capacity=9)
    tickets = [book_ticket(event, holder=person).ticket for person in UserFactory.create_batch(5)]

    with heard(event_near_capacity) as near, heard(event_full) as full:
        change_event(event, changes={"capacity": 5}, by=organiser)
        cancel_ticket(tickets[0], by=tickets[0].holder)

    assert (len(near), len(full)) == (0, 1)


def test_take_place_itself_asks_the_clock(event, attendee):
    with transaction.atomic():
        assert (
            places.take_place(event.pk, event.starts_at, holder_id=attendee.pk, rows=Rows()) is None
        )
        before = event.starts_at - timedelta(seconds=1)
        assert places.take_place(event.pk, before, holder_id=attendee.pk, rows=Rows()).taken == 1


def test_archived_event_is_not_found_even_by_its_holder(event, attendee, now):
    book_ticket(event, holder=attendee)
    Event.objects.filter(pk=event.pk).update(archived_at=now)
    event.refresh_from_db()

    assert refused_code(book_ticket, event, holder=attendee) == "not_found"


def test_flapping_place_is_no_spam_and_notices_come_back_after_a_day(now):
    event = EventFactory(capacity=4, starts_at=now + timedelta(days=14))
    people = UserFactory.create_batch(4)

    def fill(at):
        return [book_ticket(event, holder=person, now=at).ticket for person in people]

    def empty(tickets, at):
        for ticket in tickets:
            cancel_ticket(ticket, by=ticket.holder, now=at)

    with heard(event_near_capacity) as near, heard(event_full) as full:
        tickets = fill(now)
        cancel_ticket(tickets[3], by=people[3], now=now)
        tickets[3] = book_ticket(event, holder=people[3], now=now).ticket
        assert (len(near), len(full)) == (1, 1)
        empty(tickets, now + timedelta(hours=1))
        tickets = fill(now + timedelta(hours=2))
        assert (len(near), len(full)) == (1, 1)
        empty(tickets, now + timedelta(hours=25))
        fill(now + timedelta(hours=26))

    assert (len(near), len(full)) == (2, 2)


def test_cancel_frees_the_place_at_once_and_again_is_quiet(event, attendee, now):
    ticket = book_ticket(event, holder=attendee).ticket

    with heard(ticket_cancelled) as calls:
        cancelled = cancel_ticket(ticket, by=attendee, now=now)
        cancel_ticket(ticket, by=attendee)

    assert (cancelled.status, cancelled.cancelled_at, taken(event)) == ("cancelled", now, 0)
    assert calls == [{"ticket": cancelled, "now": now}]


def test_booking_again_gives_a_new_ticket_with_a_new_code(event, attendee):
    old = book_ticket(event, holder=attendee).ticket
    cancel_ticket(old, by=attendee)

    new = book_ticket(event, holder=attendee)

    assert new.created
    assert (new.ticket.pk, new.ticket.code) != (old.pk, old.code)


def test_cancel_refuses_others_started_and_void(event, attendee, organiser):
    ticket = book_ticket(event, holder=attendee).ticket

    assert refused_code(cancel_ticket, ticket, by=organiser) == "not_found"
    assert refused_code(cancel_ticket, ticket, by=attendee, now=event.starts_at) == "event_started"
    cancel_event(event, by=organiser)
    assert refused_code(cancel_ticket, ticket, by=attendee) == "ticket_void"
    assert taken(event) == 1


def test_note_changes_until_the_start(event, attendee, organiser):
    ticket = book_ticket(event, holder=attendee).ticket

    assert change_note(ticket, note=" Front row ", by=attendee).note == "Front row"
    assert refused_code(change_note, ticket, note="x", by=organiser) == "not_found"
    at_start = {"by": attendee, "now": event.starts_at}
    assert refused_code(change_note, ticket, note="x", **at_start) == "event_started"
    assert refused_code(change_note, ticket, note="x" * 501, by=attendee) == "note_too_long"
    cancel_ticket(ticket, by=attendee)
    assert refused_code(change_note, ticket, note="x", by=attendee) == "ticket_cancelled"


def test_any_other_note_is_kept_and_the_same_one_writes_nothing(event, attendee):
    ticket = book_ticket(event, holder=attendee, note="Middle").ticket

    for note in ("After", "", "Zebra"):
        change_note(ticket, note=note, by=attendee)
        ticket.refresh_from_db()
        assert ticket.note == note
    changed_at = ticket.updated_at
    change_note(ticket, note=" Zebra ", by=attendee)
    ticket.refresh_from_db()
    assert ticket.updated_at == changed_at


def test_too_long_a_note_is_wrong_input(event, attendee):
    with pytest.raises(Refusal) as refused:
        book_ticket(event, holder=attendee, note="x" * 501)

    assert refused.value.status == 422


def test_draft_is_not_there(attendee):
    draft = EventFactory(status=Event.Status.DRAFT)

    with pytest.raises(Refusal) as refused:
        book_ticket(draft, holder=attendee)

    assert (refused.value.code, refused.value.status) == ("not_found", 404)


def test_somebody_elses_ticket_is_not_there(event, attendee, organiser):
    ticket = book_ticket(event, holder=attendee).ticket

    for service, asked in [(cancel_ticket, {}), (change_note, {"note": "x"})]:
        with pytest.raises(Refusal) as refused:
            service(ticket, by=organiser, **asked)
        assert (refused.value.code, refused.value.status) == ("not_found", 404)


@pytest.mark.django_db(transaction=True)
def test_services_say_busy_when_the_database_stays_locked(event, attendee):
    def lock(**kwargs):
        raise OperationalError("database is locked")

    ticket = book_ticket(event, holder=attendee).ticket
    for signal, service in [
        (booking_prepared, partial(book_ticket, event, holder=UserFactory())),
        (ticket_cancelled, partial(cancel_ticket, ticket, by=attendee)),
        (pre_save, partial(change_note, ticket, note="x", by=attendee)),
    ]:
        signal.connect(lock, sender=Ticket)
        try:
            with pytest.raises(Busy):
                service()
        finally:
            signal.disconnect(lock, sender=Ticket)
    assert (taken(event), Ticket.objects.valid().count()) == (1, 1)


def test_book_refuses_an_account_that_closed_since_the_request_began(event, attendee):
    close_account(User.objects.get(pk=attendee.pk))

    assert refused_code(book_ticket, event, holder=attendee) == "account_closed"
    assert not Ticket.objects.exists()
    assert taken(event) == 0


def test_closing_account_gives_back_future_places_only(attendee, now):
    ahead = TicketFactory(holder=attendee, note="Ramp")
    past = TicketFactory(
        holder=attendee, note="Ramp", event=EventFactory(starts_at=now - timedelta(days=1))
    )
    others = TicketFactory(event=ahead.event, note="Aisle")

    give_back_tickets(attendee, now=now)

    for ticket in (ahead, past, others):
        ticket.refresh_from_db()
    assert (ahead.status, past.status, others.status) == ("cancelled", "valid", "valid")
    assert (ahead.note, past.note, others.note) == ("", "", "Aisle")
    assert (taken(ahead.event), taken(past.event)) == (1, 1)


def test_refused_booking_leaves_no_notice(attendee):
    event = EventFactory(capacity=1, places_taken=1)
    stale = Event.objects.get(pk=event.pk)
    stale.places_taken = 0

    assert refused_code(book_ticket, stale, holder=attendee) == "event_full"

    assert not Notification.objects.exists()
    assert not OutgoingEmail.objects.exists()
