"""What makes a public change, and what does not (SPEC 2 "the secrecy rule", SPEC 6)."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from accounts.services import close_account
from evento.refusals import Refusal
from events.models import Event
from events.services import (
    archive_event,
    cancel_event,
    change_event,
    copy_event,
    create_event,
    delete_draft,
    publish_event,
)
from notifications.models import PublicChange
from tests.accounts.factories import UserFactory
from tests.events.factories import CategoryFactory, EventFactory
from tests.patience import PATIENCE
from tests.tickets.factories import TicketFactory
from tickets.services import book_ticket, cancel_ticket, change_note

pytestmark = pytest.mark.django_db


@contextmanager
def changes():
    """The subjects of the public changes that the block makes."""
    told = []
    last = max(PublicChange.objects.values_list("pk", flat=True), default=0)
    yield told
    told += PublicChange.objects.filter(pk__gt=last).values_list("about", flat=True)


def taken(event, places):
    Event.objects.filter(pk=event.pk).update(places_taken=places)
    event.refresh_from_db()


@pytest.fixture
def event(organiser):
    """100 places: the public is told from 4 left on."""
    return EventFactory(organiser=organiser, capacity=100)


@pytest.fixture
def draft(organiser):
    return EventFactory(organiser=organiser, status=Event.Status.DRAFT)


# --- Places ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "is_told"),
    [(0, False), (50, False), (94, False), (95, True), (96, True), (98, True), (99, True)],
)
def test_booking_is_public_only_when_it_changes_the_public_word(event, attendee, before, is_told):
    taken(event, before)

    with changes() as told:
        book_ticket(event, holder=attendee)

    assert told == [event.pk] * is_told


@pytest.mark.parametrize(
    ("before", "is_told"),
    [(100, True), (99, True), (97, True), (96, True), (95, False), (50, False), (1, False)],
)
def test_cancelling_is_public_only_when_it_changes_the_public_word(event, before, is_told):
    ticket = TicketFactory(event=event)
    taken(event, before)

    with changes() as told:
        cancel_ticket(ticket, by=ticket.holder)

    assert told == [event.pk] * is_told


def test_small_event_tells_when_it_is_full_and_when_it_is_not_any_longer(organiser, attendee):
    event = EventFactory(capacity=2)

    with changes() as first:
        book_ticket(event, holder=UserFactory())
    with changes() as last:
        ticket = book_ticket(event, holder=attendee).ticket
    with changes() as given_back:
        cancel_ticket(ticket, by=attendee)

    assert (first, last, given_back) == ([], [event.pk], [event.pk])


def test_refused_and_repeated_bookings_tell_nothing(event, attendee):
    taken(event, 99)
    book_ticket(event, holder=attendee)

    with changes() as told:
        book_ticket(event, holder=attendee)
        with pytest.raises(Refusal):
            book_ticket(event, holder=UserFactory())

    assert told == []


def test_note_tells_nothing(event, attendee):
    ticket = book_ticket(event, holder=attendee).ticket

    with changes() as told:
        change_note(ticket, note="Step-free, please", by=attendee)

    assert told == []


def test_closing_an_account_tells_of_the_events_whose_public_word_changes(event, now):
    holder = UserFactory()
    quiet = EventFactory()
    TicketFactory(event=event, holder=holder)
    TicketFactory(event=quiet, holder=holder)
    taken(event, 100)

    with changes() as told:
        close_account(holder, now=now)

    assert told == [event.pk]


@pytest.mark.parametrize(
    ("places", "capacity", "is_told"),
    [
        (50, 200, False),
        (50, 51, True),
        (50, 50, True),
        (50, 53, False),
        (100, 101, True),
        (100, 200, True),
        (97, 98, True),
        (0, 1, False),
    ],
)
def test_capacity_is_public_only_when_it_changes_the_public_word(
    event, organiser, places, capacity, is_told
):
    taken(event, places)

    with changes() as told:
        change_event(event, changes={"capacity": capacity}, by=organiser)

    assert told == [event.pk] * is_told


# --- The event itself -----------------------------------------------------------------------------


def test_publishing_is_public_and_drafts_are_not(draft, organiser):
    with changes() as unpublished:
        copy = copy_event(draft, by=organiser)
        change_event(copy, changes={"title": "New", "capacity": 3}, by=organiser)
        delete_draft(copy)
    with changes() as published:
        publish_event(draft, by=organiser)

    assert (unpublished, published) == ([], [draft.pk])


def test_new_event_is_public_at_once_by_one_change(organiser):
    event = EventFactory.build()

    with changes() as told:
        create_event(event, creator=organiser)

    assert told == [event.pk]


def test_draft_changed_and_published_in_one_go_is_one_change(draft, organiser):
    with changes() as told:
        change_event(draft, changes={"title": "New"}, by=organiser, publish=True)

    assert told == [draft.pk]


def test_cancelling_an_event_is_public_once(event, organiser):
    with changes() as told:
        cancel_event(event, by=organiser)
        cancel_event(event, by=organiser)

    assert told == [event.pk]


def test_archiving_is_public_once(event, organiser):
    cancel_event(event, by=organiser)

    with changes() as told:
        archive_event(event)
        archive_event(event)

    assert told == [event.pk]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "Another"),
        ("description", "Words"),
        ("location", "Pier 4"),
        ("duration", timedelta(hours=3)),
        ("organiser_name", "Bat group"),
        ("contact", "bats@example.org"),
    ],
)
def test_public_field_is_public(event, organiser, field, value):
    with changes() as told:
        change_event(event, changes={field: value}, by=organiser)
    with changes() as same_again:
        change_event(event, changes={field: value}, by=organiser)

    assert (told, same_again) == ([event.pk], [])


def test_many_changes_in_one_save_are_one_public_change(event, organiser):
    taken(event, 50)
    edits = {
        "title": "New",
        "capacity": 50,
        "category": CategoryFactory(),
        "online_url": "https://a.example/",
    }

    with changes() as told:
        change_event(event, changes=edits, by=organiser)

    assert told == [event.pk]


def test_that_there_is_an_online_link_is_public_and_the_link_is_not(event, organiser):
    with changes() as appeared:
        change_event(event, changes={"online_url": "https://a.example/"}, by=organiser)
    with changes() as changed:
        change_event(event, changes={"online_url": "https://b.example/"}, by=organiser)
    with changes() as gone:
        change_event(event, changes={"online_url": ""}, by=organiser)

    assert (appeared, changed, gone) == ([event.pk], [], [event.pk])


def test_refused_change_tells_nothing(event, organiser):
    taken(event, 50)

    with changes() as told, pytest.raises(Refusal):
        change_event(event, changes={"title": "New", "capacity": 3}, by=organiser)

    assert told == []


def test_edit_of_an_archived_event_tells_nothing(organiser):
    start = timezone.now() - timedelta(days=3)
    event = EventFactory(organiser=organiser, starts_at=start, archived_at=timezone.now())

    with changes() as told, pytest.raises(Refusal):
        change_event(event, changes={"title": "New"}, by=organiser)

    assert told == []


@pytest.mark.parametrize("cause", ["booking", "cancelling", "edit"])
def test_cause_that_is_rolled_back_leaves_no_change_and_no_gap(event, organiser, attendee, cause):
    taken(event, 96)
    causes = {
        "booking": lambda: book_ticket(event, holder=attendee),
        "cancelling": lambda: cancel_event(event, by=organiser),
        "edit": lambda: change_event(event, changes={"title": "New"}, by=organiser),
    }
    publish_event(EventFactory(status=Event.Status.DRAFT), by=None)
    last = PublicChange.objects.latest("pk").pk

    with transaction.atomic():
        causes[cause]()
        transaction.set_rollback(True)
    publish_event(EventFactory(status=Event.Status.DRAFT), by=None)

    assert list(PublicChange.objects.filter(pk__gt=last).values_list("pk", flat=True)) == [last + 1]


# --- Several writers ------------------------------------------------------------------------------


def in_transaction(event, *, wrote, may_end, undo=False):
    """Change `event` in a transaction of this thread's own that stays open until `may_end`."""
    try:
        with transaction.atomic():
            change_event(event, changes={"title": "New"}, by=None)
            wrote.set()
            assert may_end.wait(PATIENCE)
            transaction.set_rollback(undo)
    finally:
        connections.close_all()


def wait_until_somebody_waits():
    """Until another connection is stopped by a lock, which is what the database says of it."""
    deadline = time.monotonic() + PATIENCE
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute(
                "SELECT EXISTS (SELECT FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock')"
            )
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waits")


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("undo", [False, True], ids=["committed", "rolled back"])
def test_overlapping_changes_are_numbered_in_the_order_of_their_commits(undo):
    first, second = EventFactory(), EventFactory()
    wrote, may_end, at_once = threading.Event(), threading.Event(), threading.Event()
    at_once.set()

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(in_transaction, first, wrote=wrote, may_end=may_end, undo=undo)
        assert wrote.wait(PATIENCE)
        other = pool.submit(in_transaction, second, wrote=threading.Event(), may_end=at_once)
        wait_until_somebody_waits()
        seen_meanwhile = PublicChange.objects.count()
        may_end.set()
        one.result(PATIENCE)
        other.result(PATIENCE)

    ids = dict(PublicChange.objects.values_list("about", "pk"))
    assert seen_meanwhile == 0
    assert ids == ({second.pk: 1} if undo else {first.pk: 1, second.pk: 2})


@pytest.mark.postgresql
def test_trigger_that_numbers_changes_is_there_after_all_migrations():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger"
            " WHERE tgrelid = 'notifications_publicchange'::regclass AND NOT tgisinternal"
        )
        names = [name for (name,) in cursor.fetchall()]

    assert names == ["notifications_number_public_change"]
