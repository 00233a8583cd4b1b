"""Finding events through the API, and what of one event whom is shown."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from events.models import Event
from events.services import add_organiser, cancel_event, offer_organiser
from tests.accounts.factories import UserFactory
from tests.api.test_problem import assert_problem
from tests.events.factories import CategoryFactory, EventFactory
from tests.tickets.factories import TicketFactory
from tickets.models import Ticket


def titles(answer):
    assert answer.status_code == 200, answer.content
    return [item["title"] for item in answer.json()["items"]]


def field_errors(answer):
    assert answer.status_code == 422, answer.content
    return {(error["in"], error["field"]): error["code"] for error in answer.json()["errors"]}


def in_days(days, title, **fields):
    return EventFactory(starts_at=timezone.now() + timedelta(days=days), title=title, **fields)


def moment(value):
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


@pytest.fixture
def caller(attendee, program_of):
    return program_of(attendee)


@pytest.fixture
def walk():
    return EventFactory(
        title="Evening walk",
        slug="evening-walk-22334455",
        description="Bring **boots**.",
        starts_at=datetime(2099, 3, 5, 23, 30, tzinfo=UTC),
        time_zone="Europe/Berlin",
        duration=timedelta(minutes=90),
        location="North gate",
        online_url="https://secret.example/room",
        category=CategoryFactory(name="Outdoors", slug="outdoors"),
        organiser_name="Walkers",
        contact="walkers@example.org",
    )


# --- One event ----------------------------------------------------------------------------------------


def test_visitor_is_shown_everything_public_and_nothing_else(program, walk, settings):
    answer = program.call("GET", f"/events/{walk.slug}")

    assert answer.status_code == 200
    assert answer.json() == {
        "slug": "evening-walk-22334455",
        "url": f"{settings.SITE_URL}/events/evening-walk-22334455/",
        "title": "Evening walk",
        "description": "Bring **boots**.",
        "status": "published",
        "cancellation_reason": "",
        "starts_at": "2099-03-05T23:30:00Z",
        "ends_at": "2099-03-06T01:00:00Z",
        "time_zone": "Europe/Berlin",
        "date": "2099-03-06",
        "time": "00:30",
        "duration_minutes": 90,
        "location": "North gate",
        "is_online": True,
        "link": None,
        "category": {"slug": "outdoors", "name": "Outdoors"},
        "cover": None,
        "organiser_name": "Walkers",
        "contact": "walkers@example.org",
        "availability": None,
        "availability_state": "untold",
        "spaces_left": None,
        "my_ticket": None,
        "for_organisers": None,
    }


def test_end_is_start_and_duration_in_real_time(program):
    night = EventFactory(
        starts_at=datetime(2027, 3, 27, 23, 0, tzinfo=UTC),
        time_zone="Europe/Berlin",
        duration=timedelta(hours=4),
    )

    shown = program.call("GET", f"/events/{night.slug}").json()

    assert (shown["date"], shown["time"]) == ("2027-03-28", "00:00")
    assert shown["ends_at"] == "2027-03-28T03:00:00Z"


def test_link_is_shown_to_holders_and_organisers_alone(program, program_of, walk, staff):
    holder, former, promoted = UserFactory(), UserFactory(), UserFactory()
    TicketFactory(event=walk, holder=holder)
    TicketFactory(event=walk, holder=former, status=Ticket.Status.CANCELLED)
    add_organiser(walk, user=promoted, by=None)
    callers = {
        "visitor": program,
        "attendee": program_of(UserFactory()),
        "former holder": program_of(former),
        "another organiser": program_of(UserFactory(organiser=True)),
        "holder": program_of(holder),
        "organiser": program_of(promoted),
        "staff": program_of(staff),
    }

    shown = {
        who: {
            caller.call("GET", f"/events/{walk.slug}").json()["link"],
            caller.call("GET", "/events").json()["items"][0]["link"],
        }
        for who, caller in callers.items()
    }

    secret = {"https://secret.example/room"}
    assert shown == {
        "visitor": {None},
        "attendee": {None},
        "former holder": {None},
        "another organiser": {None},
        "holder": secret,
        "organiser": secret,
        "staff": secret,
    }


def test_link_of_a_cancelled_event_is_for_its_organisers(caller, attendee, walk):
    TicketFactory(event=walk, holder=attendee)
    cancel_event(walk, by=None, reason="Storm")

    shown = caller.call("GET", f"/events/{walk.slug}").json()

    assert (shown["status"], shown["cancellation_reason"]) == ("cancelled", "Storm")
    assert shown["link"] is None


def test_event_names_my_own_valid_ticket_and_nobody_elses(caller, attendee, walk):
    TicketFactory(event=walk)
    TicketFactory(event=walk, holder=attendee, status=Ticket.Status.CANCELLED)
    assert caller.call("GET", f"/events/{walk.slug}").json()["my_ticket"] is None

    mine = TicketFactory(event=walk, holder=attendee)

    assert caller.call("GET", f"/events/{walk.slug}").json()["my_ticket"] == str(mine.pk)
    assert caller.call("GET", "/events").json()["items"][0]["my_ticket"] == str(mine.pk)


def test_organisers_are_shown_the_counts_beside_what_is_public(program_of, organiser, now):
    event = EventFactory(organiser=organiser, capacity=40)
    Event.objects.filter(pk=event.pk).update(places_taken=38)
    event.refresh_from_db()

    shown = program_of(organiser).call("GET", f"/events/{event.slug}").json()

    assert shown["for_organisers"] == {
        "capacity": 40,
        "places_taken": 38,
        "created_at": milliseconds(event.created_at),
        "updated_at": milliseconds(event.updated_at),
        "published_at": milliseconds(event.published_at),
        "archived_at": None,
    }
    assert shown["availability"] is None


def milliseconds(value):
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("taken", "capacity", "told"),
    [
        (95, 100, (None, "untold", None)),
        (96, 100, ("last 4 spaces", "last", 4)),
        (99, 100, ("last 1 space", "last", 1)),
        (100, 100, ("FULL", "full", None)),
        (19, 20, (None, "untold", None)),
    ],
)
def test_availability_is_the_public_one(program, taken, capacity, told):
    event = EventFactory(capacity=capacity)
    Event.objects.filter(pk=event.pk).update(places_taken=taken)

    for shown in (
        program.call("GET", f"/events/{event.slug}").json(),
        program.call("GET", "/events").json()["items"][0],
    ):
        assert (
            shown["availability"],
            shown["availability_state"],
            shown["spaces_left"],
        ) == told


@pytest.mark.parametrize(
    "hidden",
    [{"status": Event.Status.DRAFT}, {"archived_at": timezone.now()}],
    ids=["draft", "archived"],
)
def test_hidden_event_is_404_in_the_words_of_an_unknown_one(
    program_of, organiser, attendee, hidden
):
    event = EventFactory(organiser=organiser, **hidden)
    caller = program_of(attendee)

    answer = caller.call("GET", f"/events/{event.slug}")

    assert_problem(answer, 404, "not_found")
    assert answer.content == caller.call("GET", "/events/no-such-event").content
    assert program_of(organiser).call("GET", f"/events/{event.slug}").status_code == 200


def test_etag_holds_while_nothing_public_changes(program, program_of, walk):
    first = program.call("GET", f"/events/{walk.slug}")
    program_of(UserFactory()).call("POST", f"/events/{walk.slug}/ticket")

    again = program.call("GET", f"/events/{walk.slug}", headers={"If-None-Match": first["ETag"]})
    Event.objects.filter(pk=walk.pk).update(places_taken=97)
    scarce = program.call("GET", f"/events/{walk.slug}", headers={"If-None-Match": first["ETag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert scarce.status_code == 200
    assert "Last-Modified" not in first


# --- Lists --------------------------------------------------------------------------------------------


@pytest.fixture
def programme():
    """One event of each kind that the clock and its state make."""
    hour = timedelta(hours=1)
    in_days(3, "Later")
    in_days(1, "Soon")
    EventFactory(title="Under way", starts_at=timezone.now() - hour)
    in_days(-3, "Last week")
    in_days(-9, "Long ago")
    in_days(2, "Cancelled", status=Event.Status.CANCELLED)
    in_days(2, "Draft", status=Event.Status.DRAFT)
    in_days(-5, "Archived", archived_at=timezone.now())


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Soon", "Later"]),
        ("?period=upcoming", ["Soon", "Later"]),
        ("?period=now", ["Under way"]),
        ("?period=past", ["Last week", "Long ago"]),
        (
            "?period=all",
            ["Long ago", "Last week", "Under way", "Soon", "Cancelled", "Later"],
        ),
        ("?period=now&available=true", []),
        ("?period=past&available=true", []),
        ("?period=all&available=true", ["Soon", "Later"]),
    ],
)
def test_period_says_which_events(program_of, staff, programme, query, expected):
    """Asked by staff, who see every draft elsewhere: lists are the same for everybody."""
    assert titles(program_of(staff).call("GET", f"/events{query}")) == expected


def test_list_leaves_the_description_to_the_event_itself(program, walk):
    [listed] = program.call("GET", "/events").json()["items"]
    shown = program.call("GET", f"/events/{walk.slug}").json()

    assert listed == {name: value for name, value in shown.items() if name != "description"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?q=boots+gate", ["Evening walk"]),
        ("?q=boots+nowhere", []),
        ("?category=outdoors", ["Evening walk"]),
        ("?where=online", ["Evening walk", "Radio"]),
        ("?where=in-person", ["Evening walk", "Choir"]),
        ("?where=in-person&where=online", ["Evening walk", "Choir", "Radio"]),
        ("?from=2099-03-06", ["Evening walk", "Choir", "Radio"]),
        ("?from=2099-03-07", ["Choir", "Radio"]),
        ("?to=2099-03-06", ["Evening walk"]),
        ("?from=2099-03-06&to=2099-03-06", ["Evening walk"]),
        ("?when=weekend", []),
    ],
)
def test_filters_are_those_of_the_pages(program, walk, query, expected):
    EventFactory(title="Choir", starts_at=datetime(2099, 3, 8, 12, tzinfo=UTC))
    EventFactory(title="Radio", starts_at=datetime(2099, 3, 9, 12, tzinfo=UTC), location="Online")

    assert titles(program.call("GET", f"/events{query}")) == expected


def test_available_drops_full_events_and_no_other(program):
    full, scarce = in_days(1, "Full"), in_days(2, "Scarce")
    Event.objects.filter(pk=full.pk).update(places_taken=100)
    Event.objects.filter(pk=scarce.pk).update(places_taken=99)
    in_days(3, "Plenty")

    assert titles(program.call("GET", "/events?available=true")) == ["Scarce", "Plenty"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?category=nothing-we-have", "category"),
        ("?from=2099-03-07&to=2099-03-06", "to"),
        ("?from=1700000000", "from"),
        ("?from=2099-3-7", "from"),
        ("?to=tomorrow", "to"),
        ("?where=there", "where.0"),
        ("?when=today", "when"),
        ("?period=soon", "period"),
        ("?available=perhaps", "available"),
        ("?q=" + "x" * 101, "q"),
        ("?order=popularity", "order"),
        ("?places_taken=1", "places_taken"),
    ],
)
def test_filter_that_makes_no_sense_is_refused(program, query, field):
    assert list(field_errors(program.call("GET", f"/events{query}"))) == [("query", field)]


@pytest.mark.parametrize(("period", "newest_first"), [("upcoming", False), ("past", True)])
def test_pages_follow_each_other_through_equal_starts(program, period, newest_first):
    moment = timezone.now() + timedelta(days=-5 if newest_first else 5)
    events = [EventFactory(starts_at=moment) for _n in range(5)]
    seen, cursor = [], ""

    while cursor is not None:
        page = program.call("GET", f"/events?period={period}&limit=2&cursor={cursor}").json()
        seen += [item["slug"] for item in page["items"]]
        cursor = page["next_cursor"]

    ids = sorted((event.pk for event in events), reverse=newest_first)
    by_id = {event.pk: event.slug for event in events}
    assert seen == [by_id[pk] for pk in ids]


def test_categories_are_listed_by_name(program):
    for name in ("Walks", "Concerts"):
        CategoryFactory(name=name, slug=name.lower())

    assert program.call("GET", "/categories").json() == {
        "items": [
            {"slug": "concerts", "name": "Concerts"},
            {"slug": "walks", "name": "Walks"},
        ]
    }


# --- Mine ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Draft", "Later", "Under way", "Over"]),
        ("?period=upcoming", ["Later", "Draft"]),
        ("?period=now", ["Under way"]),
        ("?period=past", ["Over"]),
        ("?status=draft", ["Draft"]),
        ("?status=published", ["Later", "Under way", "Over"]),
        ("?status=cancelled", []),
        ("?status=archived", ["Archived"]),
    ],
)
def test_my_events_are_those_i_manage(program_of, organiser, other_organiser, query, expected):
    in_days(4, "Draft", organiser=organiser, status=Event.Status.DRAFT)
    in_days(2, "Later", organiser=organiser)
    in_days(-0.01, "Under way", organiser=organiser)
    in_days(-4, "Over", organiser=organiser)
    in_days(-6, "Archived", organiser=organiser, archived_at=timezone.now())
    in_days(3, "Somebody else's", organiser=other_organiser)
    TicketFactory(event=in_days(3, "With my ticket"), holder=organiser)

    answer = program_of(organiser).call("GET", f"/me/events{query}")

    assert titles(answer) == expected
    assert all(item["for_organisers"] for item in answer.json()["items"])


def test_staff_manage_every_event(program_of, staff, event):
    assert titles(program_of(staff).call("GET", "/me/events")) == [event.title]


def test_offer_made_to_my_address_is_listed_and_accepted(caller, attendee, event, organiser):
    offer = offer_organiser(event, email=attendee.email, by=organiser)
    offer_organiser(event, email="someone@example.org", by=organiser)

    [listed] = caller.call("GET", "/me/offers").json()["items"]
    accepted = caller.call("POST", f"/me/offers/{offer.pk}/accept")

    assert listed == {
        "id": str(offer.pk),
        "event": {
            "title": event.title,
            "starts_at": moment(event.starts_at),
            "time_zone": event.time_zone,
            "location": event.location,
        },
        "offered_by": organiser.name,
        "offered_at": milliseconds(offer.offered_at),
    }
    assert accepted.status_code == 200
    assert accepted.json()["for_organisers"]["capacity"] == event.capacity
    assert caller.call("GET", "/me/offers").json()["items"] == []


def test_offer_to_somebody_else_does_not_exist(caller, event, organiser):
    offer = offer_organiser(event, email="someone@example.org", by=organiser)

    assert_problem(caller.call("POST", f"/me/offers/{offer.pk}/accept"), 404, "not_found")
