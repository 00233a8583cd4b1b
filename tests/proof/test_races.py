"""Races between real processes (SPEC 3, 5), each lost first with its guard taken out, then held.

`racers.py` has the processes and the gate, `jobs.py` what they do, the guards and where they are held.
"""

import contextlib

import pytest
from django.db import connection

from events.models import Event
from events.services import cancel_event
from notifications.models import Notification, OutgoingEmail
from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory
from tests.notifications.smtp import smtp_server
from tests.proof import figures
from tests.proof.racers import Racers
from tests.tickets.factories import TicketFactory
from tickets.models import Ticket
from tickets.services import differing_places

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.server,
    pytest.mark.django_db(transaction=True),
]

ROUNDS = 100 if figures.FULL else 3
TRIED = {}

PLACES = ("events_event", "events_event_places_within_capacity")
ONE_EACH = ("tickets_ticket", "tickets_one_valid_each")
NOTICE_KEY = ("notifications_notification", "notifications_notification_key_key")
MAIL_KEY = ("notifications_outgoingemail", "notifications_outgoingemail_key_key")


@contextlib.contextmanager
def dropped(*constraints):
    """Without these constraints and unique indexes of the test's own database."""
    restore = []
    with connection.cursor() as cursor:
        for table, name in constraints:
            cursor.execute(
                "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [name]
            )
            if (row := cursor.fetchone()) is not None:
                cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
                restore.append(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {row[0]}')
                continue
            cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [name])
            restore.append(cursor.fetchone()[0])
            cursor.execute(f'DROP INDEX "{name}"')
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            # What broke the rule goes first: the rows are undone after the test in any case.
            tables = "tickets_ticket, notifications_notification, notifications_outgoingemail"
            cursor.execute(f"TRUNCATE {tables} CASCADE")
            cursor.execute("UPDATE events_event SET places_taken = 0")
            for statement in restore:
                cursor.execute(statement)


@pytest.fixture(scope="module")
def mail_server():
    with smtp_server() as (mailbox, port):
        yield mailbox, port


@pytest.fixture
def racers(mail_server, transactional_db):
    with Racers(4, mail_port=mail_server[1]) as processes:
        yield processes


def wrong_counts():
    """What must never be: a counter that is not its tickets, or more taken than there is."""
    wrong = [f"{it.event.places_taken} taken, {it.tickets} tickets" for it in differing_places()]
    wrong += [
        f"{event.places_taken} of {event.capacity}"
        for event in Event.objects.all()
        if event.places_taken > event.capacity
    ]
    return wrong


def lose_then_hold(name, race, wrong, *, guards=(), constraints=()):
    """`race(guards)` must go wrong without its guards, and never with them; outcomes of the last one."""
    with dropped(*constraints):
        lost = race(guards)
        found = wrong()
        assert found, (
            f"{name}: without its guards nothing goes wrong, so it proves nothing ({lost})."
        )
    for _n in range(ROUNDS):
        outcomes = race(())
        assert not wrong(), f"{name}: {outcomes}"
        assert not any("Error" in word for word in outcomes), outcomes
    TRIED[name] = {
        "lost to": [guard.replace("_", " ") for guard in guards],
        "dropped": [constraint for _table, constraint in constraints],
        "rounds": ROUNDS,
    }
    figures.record("races", TRIED)
    return outcomes


def test_last_place(racers):
    people = UserFactory.create_batch(4)

    def race(guards):
        event = EventFactory(capacity=1)
        return racers.race(
            *(("book", {"event": event.pk, "person": person.pk}) for person in people),
            without=guards,
            hold="before taking a place",
        )

    outcomes = lose_then_hold(
        "last place", race, wrong_counts, guards=["take_any_place"], constraints=[PLACES]
    )

    assert sorted(outcomes) == ["booked", *["event_full"] * 3]


def test_double_booking_by_one_person(racers):
    person = UserFactory()

    def race(guards):
        event = EventFactory(capacity=10)
        hold = "" if guards else "before taking a place"
        work = [("book", {"event": event.pk, "person": person.pk})] * 4
        return racers.race(*work, without=guards, hold=hold)

    def several():
        found = Ticket.objects.valid().filter(holder=person)
        return found.count() - found.values("event").distinct().count()

    outcomes = lose_then_hold(
        "double booking by one person",
        race,
        several,
        guards=["look_before_booking"],
        constraints=[ONE_EACH],
    )

    assert sorted(outcomes) == [*["again"] * 3, "booked"]


def test_booking_against_the_cancelling_of_its_event(racers):
    person = UserFactory()

    def race(guards):
        event = EventFactory(capacity=10)
        return racers.race(
            ("book", {"event": event.pk, "person": person.pk}),
            ("cancel", {"event": event.pk}),
            without=guards,
            hold="before taking a place",
        )

    def taken_afterwards():
        return list(Ticket.objects.filter(event__status="cancelled"))

    outcomes = lose_then_hold(
        "booking against cancelling the event", race, taken_afterwards, guards=["take_any_place"]
    )

    assert outcomes == ["event_cancelled", "cancelled"]


@pytest.mark.parametrize(
    ("first", "hold", "outcomes"),
    [
        ("book", "before taking a place", ["event_full", "resized"]),
        ("resize", "after reading the event", ["resized", "event_full"]),
        ("book", "after taking a place", ["booked", "capacity_below_taken"]),
    ],
)
def test_booking_against_a_change_of_capacity(racers, first, hold, outcomes):
    person, another = UserFactory.create_batch(2)

    def race(guards):
        event = TicketFactory(event__capacity=2, holder=another).event
        work = [
            ("book", {"event": event.pk, "person": person.pk}),
            ("resize", {"event": event.pk, "capacity": 1}),
        ]
        order = work if first == "book" else work[::-1]
        return racers.race(*order, without=guards, hold=hold)

    assert outcomes == lose_then_hold(
        f"booking against a change of capacity, held {hold}",
        race,
        wrong_counts,
        guards=["take_any_place", "lock_no_rows"],
        constraints=[PLACES],
    )


def test_cancelling_a_ticket_twice(racers):
    def race(guards):
        event = EventFactory(capacity=10)
        ticket, *_others = TicketFactory.create_batch(6, event=event)
        return racers.race(
            *[("cancel_booking", {"ticket": ticket.pk})] * 4,
            without=guards,
            hold="after reading the ticket",
        )

    outcomes = lose_then_hold(
        "cancelling a ticket twice", race, wrong_counts, guards=["lock_no_rows"]
    )

    assert outcomes == ["cancelled"] * 4


@pytest.mark.parametrize("capacity", [10, 100])  # by the transaction, by one statement
@pytest.mark.parametrize(
    ("first", "hold", "outcomes"),
    [
        ("book", "before taking a place", ["account_closed", "closed"]),
        ("leave", "after finding whose tickets", ["closed", "account_closed"]),
        ("book", "after taking a place", ["booked", "closed"]),
    ],
)
def test_booking_against_the_deleting_of_its_account(racers, first, hold, outcomes, capacity):
    def race(guards):
        event, person = EventFactory(capacity=capacity), UserFactory()
        work = [
            ("book", {"event": event.pk, "person": person.pk}),
            ("leave", {"person": person.pk}),
        ]
        order = work if first == "book" else work[::-1]
        return racers.race(*order, without=guards, hold=hold)

    def held_by_nobody():
        return list(Ticket.objects.valid().filter(holder__is_active=False))

    assert outcomes == lose_then_hold(
        f"booking against deleting the account, of {capacity} places, held {hold}",
        race,
        held_by_nobody,
        guards=["take_any_place", "lock_no_rows"],
    )


def test_two_workers_send_one_outbox(racers, mail_server):
    mailbox, _port = mail_server

    def race(guards):
        OutgoingEmail.objects.all().delete()
        mailbox.deliveries.clear()
        for n in range(10):
            OutgoingEmail.objects.create(
                address=f"{n}@example.org",
                kind="accounts.mail",
                key=f"mail {n}",
                message=f"Subject: Hello\nMessage-ID: <{n}@example.org>\n\nHello\n".encode(),
            )
        hold = "" if guards else "after finding due mail"
        return racers.race(("send", {}), ("send", {}), without=guards, hold=hold)

    def not_once():
        unsent = OutgoingEmail.objects.exclude(state="sent").count()
        return unsent or len(mailbox.deliveries) - 10

    lose_then_hold("two workers on one outbox", race, not_once, guards=["claim_what_was_read"])


def test_two_workers_expand_one_announcement(racers):
    def race(guards):
        event = EventFactory(capacity=10)
        TicketFactory.create_batch(5, event=event)
        cancel_event(event, by=None)
        return racers.race(
            ("send", {}), ("send", {}), without=guards, hold="after finding an audience"
        )

    def told_twice():
        told = Notification.objects.filter(kind="tickets.event_cancelled")
        mails = OutgoingEmail.objects.filter(kind="tickets.event_cancelled")
        holders = Ticket.objects.filter(event__status="cancelled").count()
        return (told.count() - holders) or (mails.count() - holders)

    lose_then_hold(
        "two workers on one announcement",
        race,
        told_twice,
        guards=["lock_no_rows"],
        constraints=[NOTICE_KEY, MAIL_KEY],
    )


def deadlocked(racers):
    """Whether one was, of the two that raced. Both end well even then: `retry_conflicts`."""
    return racers.race(*[("deadlocks_seen", {})] * 2) != ["0", "0"]


def test_cancelling_a_ticket_against_the_deleting_of_its_account(racers):
    def race(guards):
        ticket = TicketFactory()
        return racers.race(
            ("cancel_booking", {"ticket": ticket.pk}),
            ("leave", {"person": ticket.holder_id}),
            without=guards,
            hold="after reading the ticket",
        )

    outcomes = lose_then_hold(
        "cancelling a ticket against deleting its account",
        race,
        lambda: deadlocked(racers),
        guards=["lock_the_accounts_key"],
    )

    assert outcomes == ["cancelled", "closed"]
    assert not wrong_counts()


def test_two_accounts_with_the_same_two_events_are_deleted_at_once(racers):
    """Locks taken in another order each time end in a deadlock: the services' order is what prevents it."""

    def race(guards):
        events, people = EventFactory.create_batch(2), UserFactory.create_batch(2)
        for person in people:
            for event in events:
                TicketFactory(event=event, holder=person)
        hold = "" if guards else "after finding whose tickets"
        return racers.race(
            ("leave", {"person": people[0].pk}),
            ("leave", {"person": people[1].pk, "backwards": True}),
            without=guards,
            hold=hold,
        )

    lose_then_hold(
        "deleting two accounts with the same events",
        race,
        lambda: deadlocked(racers),
        guards=["lock_in_any_order"],
    )
    assert not wrong_counts()
