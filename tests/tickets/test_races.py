"""People who act at the same instant (SPEC 3, DESIGN "The hot path"), on PostgreSQL with real threads."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from accounts.services import close_account
from evento.refusals import Refusal
from events.models import Event
from events.services import cancel_event, change_event
from notifications.expanding import expand_next
from notifications.models import Notification, OutgoingEmail
from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory
from tests.patience import PATIENCE
from tests.tickets.factories import TicketFactory
from tickets.models import HolderMessage, Ticket
from tickets.services import book_ticket, cancel_ticket, send_message

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

ROUNDS = 10


def outcome(call):
    """What `call` gives in a thread with a connection of its own: its result, or a refusal's code."""
    try:
        return call()
    except Refusal as refusal:
        return refusal.code
    finally:
        connections.close_all()


def together(*calls):
    """Run all `calls` at the same instant; their outcomes in order."""
    gate = threading.Barrier(len(calls))

    def run(call):
        gate.wait(PATIENCE)
        return outcome(call)

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def while_held(first, second):
    """The outcome of `second`, begun while `first` has done its work but not committed yet."""
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first()
            later = pool.submit(outcome, second)
            wait_until_somebody_waits()
        return later.result(PATIENCE)


def wait_until_somebody_waits():
    """Until another connection is stopped by a lock of ours, which is what the database says of it."""
    question = """SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted
                                 AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"""
    deadline = time.monotonic() + PATIENCE
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute(question)
            if cursor.fetchone()[0]:
                return
    raise AssertionError("Nobody waited.")


def booking(event, person):
    return lambda: book_ticket(Event.objects.get(pk=event.pk), holder=person)


def assert_counted(event):
    """The counter, the tickets and the capacity agree."""
    event.refresh_from_db()
    assert event.places_taken == Ticket.objects.valid().filter(event=event).count()
    assert event.places_taken <= event.capacity


@pytest.mark.parametrize("places", [1, 3])
def test_eight_people_for_the_last_places_get_exactly_those(places):
    people = UserFactory.create_batch(8)
    for _n in range(ROUNDS):
        event = EventFactory(capacity=places)

        outcomes = together(*(booking(event, person) for person in people))

        assert outcomes.count("event_full") == 8 - places
        assert_counted(event)
        assert event.places_taken == places


def test_one_person_asking_six_times_at_once_gets_one_ticket(attendee):
    for _n in range(ROUNDS):
        event = EventFactory(capacity=10)

        outcomes = together(*[booking(event, attendee)] * 6)

        assert len({it.ticket.pk for it in outcomes}) == 1
        assert sorted(it.created for it in outcomes) == [False] * 5 + [True]
        assert_counted(event)
        assert event.places_taken == 1


def test_one_person_asking_twice_for_the_last_place_is_never_told_full(attendee):
    for _n in range(ROUNDS):
        event = EventFactory(capacity=1)

        outcomes = together(*[booking(event, attendee)] * 4)

        assert len({it.ticket.pk for it in outcomes}) == 1
        assert_counted(event)


def test_cancelling_and_booking_the_only_place_loses_no_place(attendee):
    other = UserFactory()
    for _n in range(ROUNDS):
        event = EventFactory(capacity=1)
        ticket = TicketFactory(event=event, holder=attendee)

        outcomes = together(partial(cancel_ticket, ticket, by=attendee), booking(event, other))

        assert_counted(event)
        assert event.places_taken == (0 if outcomes[1] == "event_full" else 1)


def test_cancelling_one_ticket_twice_at_once_frees_one_place(attendee):
    for _n in range(ROUNDS):
        event = EventFactory(capacity=5)
        TicketFactory.create_batch(2, event=event)
        ticket = TicketFactory(event=event, holder=attendee)

        together(*[partial(cancel_ticket, ticket, by=attendee)] * 4)

        assert_counted(event)
        assert event.places_taken == 2


def test_booking_that_meets_the_cancelling_of_its_event_is_refused(event, attendee):
    refused = while_held(lambda: cancel_event(event, by=None), booking(event, attendee))

    assert refused == "event_cancelled"
    assert not Ticket.objects.exists()
    assert_counted(event)


def test_booking_that_meets_the_closing_of_its_account_is_refused(event, attendee):
    assert while_held(lambda: close_account(attendee), booking(event, attendee)) == "account_closed"

    assert not Ticket.objects.exists()
    assert_counted(event)


def test_closing_an_account_that_is_booking_gives_the_ticket_back(event, attendee):
    while_held(booking(event, attendee), lambda: close_account(attendee))

    attendee.refresh_from_db()
    assert not attendee.is_active
    assert not Ticket.objects.valid().exists()
    assert_counted(event)


def test_cancelling_an_event_that_people_book_voids_every_ticket_they_got(organiser):
    people = UserFactory.create_batch(6)
    for _n in range(ROUNDS):
        event = EventFactory(capacity=10)

        outcomes = together(
            partial(cancel_event, event, by=organiser), *(booking(event, it) for it in people)
        )

        booked = [it for it in outcomes[1:] if it != "event_cancelled"]
        assert_counted(event)
        assert (event.is_cancelled, event.places_taken) == (True, len(booked))
        assert not any(it.admits for it in Ticket.objects.filter(event=event))


def test_booking_that_meets_a_lowered_capacity_is_refused(event, organiser, attendee):
    TicketFactory(event=event)

    def lower():
        change_event(event, changes={"capacity": 1}, by=organiser)

    assert while_held(lower, booking(event, attendee)) == "event_full"
    assert_counted(event)


def test_lowering_capacity_that_meets_a_booking_is_refused(event, organiser, attendee):
    TicketFactory(event=event)

    def lower():
        return change_event(event, changes={"capacity": 1}, by=organiser)

    assert while_held(booking(event, attendee), lower) == "capacity_below_taken"
    assert_counted(event)
    assert (event.capacity, event.places_taken) == (10, 2)


def test_event_that_is_edited_while_20_people_book_keeps_every_place(organiser):
    event = EventFactory(organiser=organiser, capacity=30)
    people = UserFactory.create_batch(20)
    stale = Event.objects.get(pk=event.pk)

    def edit(n):
        return lambda: change_event(stale, changes={"location": f"Room {n}"}, by=organiser)

    outcomes = together(
        *(booking(event, person) for person in people),
        *(edit(n) for n in range(4)),
        stale.save,
    )

    assert [it.created for it in outcomes[:20]] == [True] * 20
    assert_counted(event)
    assert event.places_taken == 20


def test_organisers_who_write_at_once_send_no_more_than_a_days_messages(event, organiser):
    TicketFactory(event=event)

    def writing(text):
        return lambda: send_message(event, subject="Torch", text=text, by=organiser).created

    outcomes = together(*(writing(f"Words {n}") for n in range(8)))

    assert sorted(outcomes, key=str) == [True] * 5 + ["too_many_messages"] * 3
    assert HolderMessage.objects.count() == 5


def test_second_click_at_the_same_instant_sends_one_message(event, organiser):
    TicketFactory(event=event)

    def click():
        return send_message(event, subject="Torch", text="Dark at six", by=organiser).created

    assert sorted(together(click, click)) == [False, True]
    assert HolderMessage.objects.count() == 1


def test_account_that_closes_while_people_are_told_keeps_no_notice(event):
    ticket, other = TicketFactory.create_batch(2, event=event)
    cancel_event(event, by=None)

    while_held(partial(close_account, ticket.holder), expand)

    assert told() - {event.organisers.get().pk} == {other.holder_id}
    assert not OutgoingEmail.objects.filter(address=ticket.holder.email).exists()


def test_account_that_closes_just_after_people_were_told_keeps_no_notice(event):
    ticket, other = TicketFactory.create_batch(2, event=event)
    cancel_event(event, by=None)

    while_held(expand, partial(close_account, ticket.holder))

    assert told() - {event.organisers.get().pk} == {other.holder_id}


def told():
    return set(Notification.objects.values_list("recipient", flat=True))


def expand():
    while expand_next(timezone.now()):
        pass
