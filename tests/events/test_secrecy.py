"""SPEC 2 "the secrecy rule": worlds that differ only in hidden popularity cannot be told apart."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from events.models import Event
from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory
from tests.tickets.factories import TicketFactory

pytestmark = pytest.mark.django_db

FORM_TOKEN = re.compile(rb'(csrfmiddlewaretoken" value="|X-CSRFToken": ")\w{64}')
DRAWN_ANEW = {"Set-Cookie", "X-Request-ID"}  # for each answer, whatever it says
BADGES = re.compile(r"FULL|last \d+ spaces?|last 1 space")


def popularity(event, *, taken, capacity=100):
    Event.objects.filter(pk=event.pk).update(places_taken=taken, capacity=capacity)


def answer(client, url):
    """What a reader gets: bytes without the random form token, and headers without cookies."""
    got = client.get(url)
    body = FORM_TOKEN.sub(rb"\1", got.content)
    headers = {name: value for name, value in got.headers.items() if name not in DRAWN_ANEW}
    return got.status_code, body, headers


def pages(*events):
    own = [url for event in events for url in (event.get_absolute_url(), ics(event))]
    first = events[0].starts_on
    return [
        "/",
        "/?q=event",
        "/?available=1",
        "/past/",
        "/past/?available=1",
        f"/calendar/{first.year}/{first.month}/",
        *own,
    ]


def ics(event):
    return f"/events/{event.slug}.ics"


@pytest.fixture
def upcoming():
    return EventFactory()


@pytest.fixture
def events(upcoming):
    """One of each kind; the first is upcoming."""
    now = timezone.now()
    return [
        upcoming,
        EventFactory(starts_at=now - timedelta(hours=1)),
        EventFactory(starts_at=now - timedelta(days=3)),
        EventFactory(status=Event.Status.CANCELLED),
    ]


@pytest.fixture(params=["visitor", "attendee", "holder", "other organiser"])
def reader(request, client, upcoming):
    """Everybody who is no organiser of the events."""
    if request.param == "visitor":
        return client
    person = UserFactory(organiser=request.param == "other organiser")
    if request.param == "holder":
        TicketFactory(event=upcoming, holder=person)
    client.force_login(person)
    return client


def test_pages_hidden_popularity_same_bytes_and_headers(reader, events):
    urls = pages(*events)
    worlds = []

    for taken in (1, 95):
        for event in events:
            popularity(event, taken=taken)
        worlds.append([answer(reader, url) for url in urls])

    assert worlds[0] == worlds[1]
    assert [status for status, _body, _headers in worlds[0]] == [200] * len(urls)


def test_pages_capacity_same_bytes_and_headers(reader, events):
    """Capacity itself is for organisers alone."""
    urls = pages(*events)
    worlds = []

    for capacity in (40, 7919):
        for event in events:
            popularity(event, taken=1, capacity=capacity)
        worlds.append([answer(reader, url) for url in urls])

    assert worlds[0] == worlds[1]


def test_month_of_a_day_of_very_many_same_whichever_of_its_events_are_popular(
    reader, upcoming, monkeypatch
):
    monkeypatch.setattr("events.calendar.MOST_A_DAY", 5)
    events = [upcoming, *EventFactory.create_batch(7, starts_at=upcoming.starts_at)]
    url = f"/calendar/{upcoming.starts_on.year}/{upcoming.starts_on.month}/"
    worlds = []

    for counts in ([1] * 8, [95] * 8, [1, 95] * 4, [95, 1] * 4):
        for event, taken in zip(events, counts, strict=True):
            popularity(event, taken=taken)
        worlds.append(answer(reader, url))

    assert b"The list of this day" in worlds[0][1]
    assert worlds == [worlds[0]] * 4


def test_pages_past_under_way_and_cancelled_full_same_as_empty(reader, events):
    _upcoming, *closed = events
    urls = pages(*closed)
    worlds = []

    for taken in (1, 97, 100):
        for event in closed:
            popularity(event, taken=taken)
        worlds.append([answer(reader, url) for url in urls])

    assert worlds[0] == worlds[1] == worlds[2]
    assert not BADGES.search(worlds[2][0][1].decode())


@pytest.mark.parametrize(
    ("taken", "capacity", "badges"),
    [
        (95, 100, []),
        (96, 100, ["last 4 spaces"]),
        (99, 100, ["last 1 space"]),
        (100, 100, ["FULL"]),
        (19, 20, []),
        (20, 20, ["FULL"]),
        (20, 21, ["last 1 space"]),
        (0, 1, []),
        (1, 1, ["FULL"]),
        (9500, 10_000, []),
        (9501, 10_000, ["last 499 spaces"]),
    ],
)
def test_badge_follows_the_exact_five_per_cent(client, upcoming, taken, capacity, badges):
    popularity(upcoming, taken=taken, capacity=capacity)

    card = client.get("/").content.decode()
    page = client.get(upcoming.get_absolute_url()).content.decode()

    assert BADGES.findall(card) == badges
    assert BADGES.findall(page) == badges


def test_badge_is_one_plain_text_node(client, upcoming):
    popularity(upcoming, taken=97)

    assert '<span class="badge badge-few">last 3 spaces</span>' in client.get("/").content.decode()


def test_order_does_not_follow_popularity(client):
    moment = timezone.now() + timedelta(days=5)
    events = [EventFactory(starts_at=moment) for _n in range(6)]
    orders = []

    for counts in ((0, 10, 20, 30, 40, 50), (50, 40, 30, 20, 10, 0)):
        for event, taken in zip(events, counts, strict=True):
            popularity(event, taken=taken)
        orders.append(re.findall(r"/events/([^/]+)/", client.get("/").content.decode()))

    assert orders[0] == orders[1]


def test_available_filter_drops_full_events_and_no_other(client):
    full, scarce, plenty = EventFactory(), EventFactory(), EventFactory()
    popularity(full, taken=100)
    popularity(scarce, taken=99)

    page = client.get("/?available=1").content.decode()

    assert full.title not in page
    assert scarce.title in page
    assert plenty.title in page


def test_structured_data_never_tells_places(client, upcoming):
    popularity(upcoming, taken=7907, capacity=7919)

    page = client.get(upcoming.get_absolute_url()).content.decode()

    assert "7919" not in page
    assert "7907" not in page
    assert "remainingAttendeeCapacity" not in page
    assert "availability" not in page.lower()


def test_organiser_of_the_event_sees_the_counts(client, organiser):
    event = EventFactory(organiser=organiser)
    popularity(event, taken=38, capacity=40)
    client.force_login(organiser)

    page = client.get(event.get_absolute_url()).content.decode()

    assert "<strong>38 of 40</strong>" in page


@pytest.mark.parametrize("place", ["Online", "Central Library"])
def test_online_link_is_in_no_public_page(reader, place):
    event = EventFactory(location=place, online_url="https://secret.example/room")

    bodies = [answer(reader, url)[1] for url in pages(event)]

    assert not any(b"secret.example" in body for body in bodies)
