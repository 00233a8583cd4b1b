"""The secrecy rule's arithmetic (SPEC 2 "How full it is")."""

from datetime import timedelta

import pytest

from events.availability import (
    SCARCE_BELOW_ONE_IN,
    UNTOLD,
    Availability,
    public_availability,
    quiet_places,
)
from events.models import Event
from events.services.places import QUIET_TIME, FillLevel, note_fill_level
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
    public = Availability(capacity, capacity - left).public()

    assert public.text == text
    assert public.is_full is (text == "FULL")


@pytest.mark.parametrize(
    ("capacity", "left", "near"),
    [(100, 5, False), (100, 4, True), (20, 1, True), (20, 2, False), (1, 1, True)],
)
def test_organisers_line_also_counts_one_place_left(capacity, left, near):
    assert Availability(capacity, capacity - left).is_near_capacity is near


@pytest.mark.parametrize(
    ("capacity", "left", "room"),
    [
        *[(20, 2, False), (20, 3, True), (100, 9, False), (100, 10, True)],
        *[(101, 10, False), (109, 10, False), (110, 11, True)],
    ],
)
def test_room_again_is_ten_percent_and_three_places(capacity, left, room):
    assert Availability(capacity, capacity - left).has_room_again is room


def test_quiet_places_are_all_of_which_nobody_is_told():
    for capacity in range(1, 400):
        concerns_nobody = [
            not level.is_near_capacity and level.public() == UNTOLD
            for level in (Availability(capacity, taken) for taken in range(1, capacity + 1))
        ]
        quiet = quiet_places(capacity)
        if capacity > SCARCE_BELOW_ONE_IN:
            assert concerns_nobody == [True] * quiet + [False] * (capacity - quiet), capacity
        else:
            assert quiet == 0, capacity


def test_last_quiet_place_is_the_last_that_the_public_is_not_told_of():
    for capacity in range(1, 400):
        quiet = quiet_places(capacity)
        if quiet:
            assert Availability(capacity, quiet).public() == UNTOLD, capacity
            assert Availability(capacity, quiet + 1).public() != UNTOLD, capacity


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


NEVER = None


def level(now, *, near=NEVER, full=NEVER, rearmed=NEVER):
    """The latches, each so many hours before `now`."""
    times = [at if at is NEVER else now - timedelta(hours=at) for at in (near, full, rearmed)]
    return FillLevel(Availability(100, 50), *times)


def test_notices_are_quiet_for_a_day():
    assert timedelta(days=1) == QUIET_TIME


@pytest.mark.parametrize(
    ("told", "rearmed", "armed"),
    [
        (NEVER, NEVER, True),
        (NEVER, 3, True),
        (30, NEVER, False),
        (30, 20, True),
        (30, 30, False),  # room was seen in the instant of telling
        (30, 40, False),  # room was seen before, not since
        (24, 1, True),
        (23.99, 1, False),
    ],
)
def test_notice_is_told_again_after_room_and_a_day(now, told, rearmed, armed):
    told_at = told if told is NEVER else now - timedelta(hours=told)

    assert level(now, near=told, rearmed=rearmed).is_armed(told_at, now) is armed


@pytest.mark.parametrize(
    ("near", "full", "rearmed", "waits"),
    [
        (NEVER, NEVER, NEVER, False),
        (NEVER, NEVER, 5, False),
        (30, NEVER, NEVER, True),
        (NEVER, 30, NEVER, True),
        (30, NEVER, 40, True),
        (30, NEVER, 30, True),
        (30, NEVER, 20, False),
        (30, 10, 20, True),  # told of FULL after the room was seen
        (10, 30, 20, True),
        (30, 25, 20, False),
    ],
)
def test_room_is_waited_for_until_it_was_seen_after_the_last_notice(
    now, near, full, rearmed, waits
):
    assert level(now, near=near, full=full, rearmed=rearmed).waits_for_room is waits


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("taken", "told", "armed"),
    [(95, 30, False), (91, 30, False), (90, 30, True), (50, 30, True), (50, NEVER, False)],
)
def test_only_enough_room_after_a_notice_arms_it_again(now, taken, told, armed):
    event = EventFactory(capacity=100, places_taken=taken)
    told_at = told if told is NEVER else now - timedelta(hours=told)

    note_fill_level(event.pk, FillLevel(Availability(100, taken), told_at, NEVER, NEVER), now)

    event.refresh_from_db()
    assert (event.capacity_rearmed_at == now) is armed
