"""The secrecy rule's arithmetic (SPEC 2 "How full it is")."""

from datetime import timedelta

import pytest

from events.availability import Availability, public_availability
from events.models import Event
from tests.events.factories import EventFactory


@pytest.mark.parametrize(
    ("capacity", "left", "text"),
    [
        (100, 100, ""),
        (100, 5, ""),
        (100, 4, "last 4 spaces"),
        (100, 1, "last 1 space"),
        (100, 0, "FULL"),
        (20, 1, ""),
        (20, 0, "FULL"),
        (21, 1, "last 1 space"),
        (1, 1, ""),
        (1, 0, "FULL"),
        (40, 2, ""),
        (41, 2, "last 2 spaces"),
    ],
)
def test_public_text_is_exact_at_the_boundaries(capacity, left, text):
    assert Availability(capacity, capacity - left).public().text == text


@pytest.mark.parametrize(
    ("capacity", "left", "near"),
    [(100, 5, False), (100, 4, True), (20, 1, True), (20, 2, False), (1, 1, True)],
)
def test_organisers_line_also_counts_one_place_left(capacity, left, near):
    assert Availability(capacity, capacity - left).is_near_capacity is near


@pytest.mark.parametrize(
    ("capacity", "left", "room"), [(20, 2, False), (20, 3, True), (100, 9, False), (100, 10, True)]
)
def test_room_again_is_ten_percent_and_three_places(capacity, left, room):
    assert Availability(capacity, capacity - left).has_room_again is room


@pytest.mark.django_db
@pytest.mark.parametrize("taken", [0, 97, 100])
def test_nothing_is_told_of_events_that_are_not_open(now, taken):
    closed = [
        EventFactory(status=Event.Status.CANCELLED, places_taken=taken),
        EventFactory(status=Event.Status.DRAFT, places_taken=taken),
        EventFactory(starts_at=now, places_taken=taken),
        EventFactory(starts_at=now - timedelta(days=1), places_taken=taken),
        EventFactory(archived_at=now, places_taken=taken),
    ]

    assert [public_availability(event, now).text for event in closed] == [""] * len(closed)
