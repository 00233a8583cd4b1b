"""A booking that concerns nobody but the person who books (decision 0034)."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from evento.statements import Rows
from events.models import Event
from events.services import places
from tests.events.factories import EventFactory
from tests.tickets.factories import TicketFactory
from tickets.models import Ticket
from tickets.services import book_ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def large():
    return EventFactory(capacity=100)


def statements_of_booking(event, holder):
    with CaptureQueriesContext(connection) as captured:
        book_ticket(event, holder=holder)
    savepoints = ("SAVEPOINT", "RELEASE")  # of the test's own transaction
    return [it["sql"] for it in captured if not it["sql"].startswith(savepoints)]


def test_booking_that_concerns_nobody_else_is_one_statement_on_postgresql(large, attendee):
    expected = 1 if connection.vendor == "postgresql" else 4  # place, ticket, notice, mail

    assert len(statements_of_booking(large, attendee)) == expected


def test_booking_of_a_small_event_tries_no_statement_in_vain(event, attendee):
    expected = 1 if connection.vendor == "postgresql" else 4

    assert len(statements_of_booking(event, attendee)) == expected


@pytest.mark.parametrize(
    ("capacity", "taken", "quiet"),
    [
        *[(100, 0, True), (100, 94, True), (100, 95, False)],
        *[(21, 18, True), (21, 19, False)],
        *[(20, 0, False), (3, 0, False), (1, 0, False)],
    ],
)
def test_quiet_place_is_one_of_which_nobody_is_told(attendee, now, capacity, taken, quiet):
    event = EventFactory(capacity=capacity, places_taken=taken)
    expected = quiet and connection.vendor == "postgresql"

    assert places.take_quiet_place(event, now, holder_id=attendee.pk, rows=Rows()) is expected

    event.refresh_from_db()
    assert event.places_taken == taken + expected


LATCHES = ("near_capacity_at", "full_at", "capacity_rearmed_at")


@pytest.mark.parametrize("noted", [LATCHES[:1], LATCHES[:2], LATCHES, LATCHES[::2]])
def test_notices_that_were_given_before_do_not_show_in_how_one_books(large, attendee, now, noted):
    """With more than five per cent left nobody may learn that it was nearly full (SPEC 2)."""
    Event.objects.filter(pk=large.pk).update(places_taken=92, **dict.fromkeys(noted, now))
    large.refresh_from_db()

    expected = 1 if connection.vendor == "postgresql" else 4
    assert len(statements_of_booking(large, attendee)) == expected
    latches = Event.objects.values(*LATCHES).get(pk=large.pk)
    assert latches == {latch: now if latch in noted else None for latch in LATCHES}


@pytest.mark.parametrize(
    "values",
    [
        {"status": Event.Status.DRAFT},
        {"status": Event.Status.CANCELLED},
        {"archived_at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"waiting_count": 1},
        {"places_taken": 100},
        {"capacity": 99},  # what is quiet was reckoned by another
    ],
    ids=lambda values: next(iter(values)),
)
def test_quiet_place_is_judged_by_what_is_stored(large, attendee, now, values):
    Event.objects.filter(pk=large.pk).update(**values)
    ticket = TicketFactory.build(event=large, holder=attendee, booked_at=now)

    assert not places.take_quiet_place(large, now, holder_id=attendee.pk, rows=Rows(ticket))

    assert not Ticket.objects.exists()
    large.refresh_from_db()
    assert large.places_taken == values.get("places_taken", 0)


def test_quiet_place_itself_asks_the_clock(large, attendee):
    asked = partial(places.take_quiet_place, large, holder_id=attendee.pk, rows=Rows())

    assert not asked(large.starts_at)
    before = large.starts_at - timedelta(seconds=1)
    assert asked(before) is (connection.vendor == "postgresql")


def test_quiet_place_is_for_an_open_account(large, attendee, now):
    User.objects.filter(pk=attendee.pk).update(is_active=False)

    assert not places.take_quiet_place(large, now, holder_id=attendee.pk, rows=Rows())
