"""SPEC 2 "the secrecy rule" in the live stream: worlds that differ only in hidden popularity say the same."""

from datetime import timedelta

import pytest
from django.utils import timezone

from events import live
from events.models import Event
from events.services import change_event
from notifications.live import frames
from notifications.live.changes import changes_after, last_change, record_public_change
from notifications.live.topics import public_topics
from tests.accounts.factories import UserFactory
from tests.events.factories import CategoryFactory, EventFactory
from tests.tickets.factories import TicketFactory
from tickets.services import book_ticket, cancel_ticket

pytestmark = pytest.mark.django_db

READERS = (False, True)  # signed in or not: a public frame knows no more of who reads


def popularity(events, *, taken, capacity=100):
    pks = [event.pk for event in events]
    Event.objects.filter(pk__in=pks).update(places_taken=taken, capacity=capacity)


def frames_of(events):
    """Every frame there is about `events`, for every kind of reader, as bytes."""
    said = []
    for topic in public_topics():
        known = topic.load([event.pk for event in events])
        for event in events:
            for signed_in in READERS:
                payload = {"topic": topic.name, **topic.frame(known[event.pk], signed_in)}
                said.append(frames.frame("public", payload, frame_id=1))
    return said


def snapshots(events):
    """What who was away for long gets, as bytes, in its order."""
    arguments = {
        live.LIST: [live.Days()],
        live.MONTH: [live.Days()],
        live.EVENT: [event.slug for event in events],
    }
    assert set(arguments) == set(public_topics())
    return [
        frames.frame("snapshot", {"frames": [topic.frame(it, signed_in) for it in known]})
        for topic, asked in arguments.items()
        for argument in asked
        for signed_in in READERS
        if (known := topic.current(argument)) is not None
    ]


@pytest.fixture
def events():
    """One of each kind; the first two are upcoming, at the same moment."""
    now = timezone.now()
    details = {"category": CategoryFactory(), "online_url": "https://secret.example/room"}
    return [
        EventFactory(**details),
        EventFactory(),
        EventFactory(starts_at=now - timedelta(hours=1), **details),
        EventFactory(starts_at=now - timedelta(days=3), **details),
        EventFactory(status=Event.Status.CANCELLED, **details),
        EventFactory(status=Event.Status.CANCELLED, archived_at=now),
    ]


@pytest.mark.parametrize("say", [frames_of, snapshots])
def test_frames_hidden_popularity_same_bytes(events, say):
    worlds = []

    for taken in (1, 95):
        popularity(events, taken=taken)
        worlds.append(say(events))

    assert worlds[0] == worlds[1]


@pytest.mark.parametrize("say", [frames_of, snapshots])
def test_frames_capacity_same_bytes(events, say):
    worlds = []

    for capacity in (40, 7919):
        popularity(events, taken=1, capacity=capacity)
        worlds.append(say(events))

    assert worlds[0] == worlds[1]


@pytest.mark.parametrize("say", [frames_of, snapshots])
def test_frames_of_what_is_closed_full_same_as_empty(events, say):
    closed = events[2:]
    worlds = []

    for taken in (1, 97, 100):
        popularity(closed, taken=taken)
        worlds.append(say(closed))

    assert worlds[0] == worlds[1] == worlds[2]


def test_frames_order_does_not_follow_popularity(events):
    worlds = []

    for first, second in ((0, 90), (90, 0)):
        popularity(events[:1], taken=first)
        popularity(events[1:2], taken=second)
        worlds.append(snapshots(events))

    assert worlds[0] == worlds[1]


def test_frames_hold_no_capacity_no_key_and_no_online_link(events):
    popularity(events, taken=4177, capacity=7919)

    said = b"".join(frames_of(events) + snapshots(events))

    assert b"4177" not in said
    assert b"7919" not in said
    assert b"secret.example" not in said
    assert not [event for event in events if str(event.pk).encode() in said]


def test_frames_are_the_same_however_often_they_are_made(events):
    assert frames_of(events) == frames_of(events)


@pytest.mark.parametrize(
    ("taken", "word"), [(95, None), (96, b"last 4 spaces"), (99, b"last 1 space"), (100, b"FULL")]
)
def test_frames_say_of_fullness_what_everybody_may_know(events, taken, word):
    popularity(events[:1], taken=taken)
    known = live.load([events[0].pk])[events[0].pk]

    for topic in (live.LIST, live.EVENT):
        for signed_in in READERS:
            said = frames.frame("public", topic.frame(known, signed_in))
            assert (b"badge" in said) == (word is not None)
            assert word is None or b">" + word + b"<" in said


def told_of(event, quiet_bookings):
    """What the stream says of a world with so many quiet bookings, after one public edit."""
    last = last_change()
    for _n in range(quiet_bookings):
        ticket = book_ticket(event, holder=UserFactory()).ticket
    cancel_ticket(ticket, by=ticket.holder)
    change_event(event, changes={"title": f"{event.title}!"}, by=None)
    change_event(event, changes={"title": event.title}, by=None)
    return [change.pk - last for change in changes_after(last, limit=100)], frames_of([event])


def test_quiet_bookings_leave_no_trace_in_the_stream(events):
    """No frame, no gap between ids, no other byte."""
    event = events[0]
    TicketFactory(event=event)
    record_public_change(event.pk)  # an empty table says nothing of the number that comes next

    few = told_of(event, quiet_bookings=1)
    many = told_of(event, quiet_bookings=30)

    assert few[0] == [1, 2]
    assert few == many
