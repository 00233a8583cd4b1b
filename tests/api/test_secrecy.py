"""SPEC 2 "the secrecy rule" in the API: worlds that differ only in hidden popularity cannot be told apart.

Every operation is tried, by everybody who does not organise the event: the answer, its headers, its ETag and
the number of statements are the same.
"""

import re
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from evento.http.throttling import COUNTER
from events.models import Event
from tests.accounts.factories import UserFactory
from tests.api.conftest import Program
from tests.api.test_access import BODIES, call, operations, world  # noqa: F401 - a fixture
from tests.events.factories import EventFactory
from tests.tickets.factories import TicketFactory

# What a change draws at random or takes from the clock.
DRAWN = re.compile(
    rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b\d{20}\b|-[2-9a-z]{8}\b|\d\d:\d\d:\d\d(?:\.\d+)?Z"
)
DRAWN_ANEW = {"Set-Cookie", "X-Request-ID"}  # for each answer, whatever it says
READERS = ["visitor", "attendee", "other"]
LISTS = [
    "/events?limit=1",
    "/events?available=true",
    "/events?period=now",
    "/events?period=now&available=true",
    "/events?period=past",
    "/events?period=past&available=true",
    "/events?period=all",
    "/events?period=all&available=true&q=event",
    "/tickets?ahead=true",
    "/me/events?period=upcoming",
    "/me/events?status=published",
]


def popularity(*events, taken, capacity=100):
    ids = [event.pk for event in events]
    Event.objects.filter(pk__in=ids).update(places_taken=taken, capacity=capacity)


def observed(method, answer, queries):
    """All that a reader can see of an answer; what a change draws at random is left out."""
    headers = {name: value for name, value in answer.headers.items() if name not in DRAWN_ANEW}
    body = answer.content
    if method != "GET":
        body = DRAWN.sub(b"*", body)
        headers = {name: DRAWN.sub(b"*", value.encode()) for name, value in headers.items()}
    return answer.status_code, body, headers, len(queries)


def program_of(person):
    program = Program()
    if person is not None:
        program.force_login(person)
    return program


def look(program, name, method, path):
    """What the caller sees; the world stays as it was."""
    COUNTER.forget()  # every so many calls it tells the cache, which costs statements of its own
    before = transaction.savepoint()
    with CaptureQueriesContext(connection) as queries:
        answer = call(program, name, path, method)
    transaction.savepoint_rollback(before)
    return observed(method, answer, queries)


# Who accepts an offer is an organiser of the event, and sees its counts.
@pytest.mark.parametrize("name", sorted(operations().keys() - {"accept_offer"}))
def test_no_operation_tells_hidden_popularity(world, monkeypatch, name):  # noqa: F811
    monkeypatch.setitem(BODIES, "change_event", {"capacity": 1})
    event = world["events"][""]
    method, template = operations()[name]
    path = template.format(slug=event.slug, **world["parts"])
    programs = [program_of(world["people"][reader]) for reader in READERS]
    for program in programs:
        look(program, name, method, path)  # what a process remembers for good is read now
    worlds = []

    for taken, capacity in ((1, 100), (93, 100), (1, 40), (1, 7919)):
        popularity(event, taken=taken, capacity=capacity)
        worlds.append([look(program, name, method, path) for program in programs])

    for seen in worlds[1:]:
        assert seen == worlds[0]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("path", LISTS)
def test_no_list_tells_hidden_popularity(world, path, reader):  # noqa: F811
    program = program_of(world["people"][reader])
    later = EventFactory(starts_at=world["events"][""].starts_at + timedelta(days=1))
    worlds = []

    for counts in ((1, 93), (93, 1), (50, 50)):
        for event, taken in zip((world["events"][""], later), counts, strict=True):
            popularity(event, taken=taken)
        with CaptureQueriesContext(connection) as queries:
            answer = program.call("GET", path)
        worlds.append(observed("GET", answer, queries))

    assert worlds[0] == worlds[1] == worlds[2]


@pytest.mark.parametrize(
    "closed",
    [
        {"starts_at": timezone.now() - timedelta(hours=1)},
        {"starts_at": timezone.now() - timedelta(days=3)},
        {"status": Event.Status.CANCELLED},
    ],
    ids=["under way", "past", "cancelled"],
)
@pytest.mark.parametrize("reader", ["visitor", "attendee", "holder", "other organiser"])
def test_full_is_told_of_open_events_alone(closed, reader):
    event = EventFactory(**closed)
    person = None if reader == "visitor" else UserFactory(organiser=reader == "other organiser")
    if reader == "holder":
        TicketFactory(event=event, holder=person)
    program = program_of(person)
    path = f"/api/v1/events/{event.slug}"
    cases = [
        ("GET", path),
        ("POST", f"{path}/ticket"),
        *(("GET", f"/api/v1{path}") for path in LISTS if path.startswith("/events")),
    ]
    worlds = []

    for taken in (1, 97, 100):
        popularity(event, taken=taken)
        worlds.append([look(program, "any", method, path) for method, path in cases])

    assert worlds[0] == worlds[1] == worlds[2]
    assert b'"availability_state": "untold"' in worlds[2][0][1]


def test_own_booking_that_changes_nothing_public_looks_the_same_beside_the_last_place():
    """20 places never say "last 1 space": that the organisers are told now is theirs alone."""
    event = EventFactory(capacity=20)
    path = f"/api/v1/events/{event.slug}/ticket"
    program = program_of(UserFactory())
    worlds = []

    for taken in (1, 18):
        popularity(event, taken=taken, capacity=20)
        worlds.append(look(program, "book_ticket", "POST", path)[:3])

    assert worlds[0] == worlds[1]
    assert worlds[0][0] == 201


def test_order_does_not_follow_popularity(program):
    moment = timezone.now() + timedelta(days=5)
    events = [EventFactory(starts_at=moment) for _n in range(6)]
    orders = []

    for counts in ((0, 10, 20, 30, 40, 50), (50, 40, 30, 20, 10, 0)):
        for event, taken in zip(events, counts, strict=True):
            popularity(event, taken=taken)
        orders.append([item["slug"] for item in program.call("GET", "/events").json()["items"]])

    assert orders[0] == orders[1]


def test_organisers_of_the_event_are_told_and_nobody_else(world):  # noqa: F811
    event = world["events"][""]
    popularity(event, taken=7907, capacity=7919)

    told = {
        who: b"7907" in program_of(person).call("GET", f"/events/{event.slug}").content
        for who, person in world["people"].items()
    }

    assert told == {
        "visitor": False,
        "attendee": False,
        "organiser": True,
        "other": False,
        "promoted": True,
        "staff": True,
    }
