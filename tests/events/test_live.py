"""What the live stream says of events, by the topics `list`, `month` and `event` (SPEC 6)."""

import re
from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from events import live
from events.models import Event
from notifications.live.topics import find
from tests.events.factories import CategoryFactory, EventFactory

pytestmark = pytest.mark.django_db

TOPICS = [live.LIST, live.MONTH, live.EVENT]
TOKEN = re.compile(r'<input type="hidden" name="csrfmiddlewaretoken"[^>]*>')


def as_known(event):
    return live.load([event.pk])[event.pk]


def said(topic, event, *, signed_in=False):
    return topic.frame(as_known(event), signed_in)


def in_days(days, **fields):
    return EventFactory(starts_at=timezone.now() + timedelta(days=days), **fields)


def without_token(page):
    return TOKEN.sub("", page)


@pytest.fixture(params=[False, True], ids=["visitor", "signed in"])
def signed_in(request):
    return request.param


@pytest.fixture
def page_of(client, attendee, signed_in):
    """The page at an address as the reader gets it, without the random form token."""
    if signed_in:
        client.force_login(attendee)
    return lambda address: without_token(client.get(address).content.decode())


# --- Arguments ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "first", "last"),
    [
        ("2026-11-24:2026-12-03", date(2026, 11, 24), date(2026, 12, 3)),
        (":2026-12-03", date.min, date(2026, 12, 3)),
        ("2026-11-24:", date(2026, 11, 24), date.max),
        (":", date.min, date.max),
        ("2026-11-24:2026-11-24", date(2026, 11, 24), date(2026, 11, 24)),
    ],
)
def test_days_are_read_with_open_ends(words, first, last):
    assert live.LIST.parse(words) == live.MONTH.parse(words) == live.Days(first, last)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "2026-11-24",
        "2026-11-24:2026-11-23",
        "20261124:",
        "2026-W48-2:",
        "2026-02-30:",
        "0000-01-01:",
        "2026-11-24T00:00:",
        "２０２６-11-24:",
        "2026-11-24 :",
        "2026-11-24:2026-11-25:",
        "2026-11-24:\n",
        "today:",
    ],
)
def test_nonsense_for_days_is_refused(words):
    with pytest.raises(ValueError):  # noqa: PT011 - words for nobody
        live.LIST.parse(words)


@pytest.mark.parametrize("words", ["", "a b", "é", "a/b", "a:b", "a\n", "a" * 81, "<b>"])
def test_nonsense_for_a_slug_is_refused(words):
    with pytest.raises(ValueError):  # noqa: PT011 - words for nobody
        live.EVENT.parse(words)


def test_slug_of_an_event_is_accepted(event):
    assert live.EVENT.parse(event.slug) == event.slug


@pytest.mark.parametrize("topic", TOPICS)
def test_topic_is_registered_by_its_name(topic):
    assert find(topic.name) is topic


# --- Subjects -------------------------------------------------------------------------------------


def test_load_takes_one_query_for_any_number(django_assert_num_queries):
    events = [EventFactory(category=CategoryFactory()) for _n in range(3)]
    wanted = [event.pk for event in events]

    with django_assert_num_queries(1):
        loaded = live.load([*wanted, uuid4()])

    assert set(loaded) == set(wanted)


def test_load_knows_no_draft():
    assert live.load([EventFactory(status=Event.Status.DRAFT).pk]) == {}


def test_load_knows_what_was_public_so_that_pages_can_let_it_go():
    archived = EventFactory(status=Event.Status.CANCELLED, archived_at=timezone.now())

    assert set(live.load([archived.pk])) == {archived.pk}


def test_days_cover_the_events_own_date_at_both_ends(event):
    day = event.starts_on
    before, after = day - timedelta(days=1), day + timedelta(days=1)

    covered = [
        live.LIST.covers(live.Days(first, last), event)
        for first, last in ((day, day), (before, after), (date.min, before), (after, date.max))
    ]

    assert covered == [True, True, False, False]


def test_page_of_an_event_covers_that_event_alone(event):
    assert live.EVENT.covers(event.slug, event)
    assert not live.EVENT.covers(event.slug, EventFactory())


# --- Frames ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("topic", TOPICS)
def test_frame_asks_the_database_nothing(topic, signed_in, django_assert_num_queries):
    event = as_known(EventFactory(category=CategoryFactory()))

    with django_assert_num_queries(0):
        topic.frame(event, signed_in)


@pytest.mark.parametrize("taken", [0, 97, 100])
def test_list_frame_is_the_day_that_the_page_shows(page_of, signed_in, taken):
    event = EventFactory(category=CategoryFactory(), title="Bats & <owls>")
    Event.objects.filter(pk=event.pk).update(places_taken=taken)

    told = said(live.LIST, event, signed_in=signed_in)

    assert (told["slug"], told["status"]) == (event.slug, "listed")
    assert told["html"].startswith(f'<section class="day" data-day="{event.starts_on}">')
    assert told["html"] in page_of("/")


def test_month_frame_is_the_entry_that_the_page_shows(page_of, signed_in):
    event = EventFactory(title="Bats & <owls>")

    told = said(live.MONTH, event, signed_in=signed_in)

    assert (told["slug"], told["status"]) == (event.slug, "listed")
    assert told["day"] == event.starts_on.isoformat()
    assert told["html"].startswith("<li ")
    assert told["html"] in page_of(f"/calendar/{event.starts_on:%Y/%m}/")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"status": Event.Status.CANCELLED, "cancellation_reason": "Storm"},
        {"starts_at": timezone.now() - timedelta(minutes=5)},
        {"starts_at": timezone.now() - timedelta(days=5)},
        {"online_url": "https://secret.example/room", "organiser_name": "Bat group"},
    ],
    ids=["upcoming", "cancelled", "under way", "over", "online"],
)
def test_event_frame_has_the_parts_that_the_page_shows(page_of, signed_in, fields):
    event = EventFactory(**fields)

    told = said(live.EVENT, event, signed_in=signed_in)

    page = page_of(event.get_absolute_url())
    assert set(told["parts"]) == {"panel", "event-head", "event-calendars"}
    for name, html in told["parts"].items():
        assert f'id="{name}"' in html
        assert html in page


@pytest.mark.parametrize("topic", TOPICS)
def test_frame_has_no_form_token_and_no_online_link(topic, signed_in):
    event = EventFactory(online_url="https://secret.example/room")

    told = str(said(topic, event, signed_in=signed_in))

    assert "csrf" not in told
    assert "secret.example" not in told


def test_reader_signed_in_gets_a_form_and_others_the_way_to_sign_in(event):
    forms = [
        ("Request a ticket" in str(told), "Sign in to" in str(told))
        for topic in (live.LIST, live.EVENT)
        for told in (said(topic, event, signed_in=True), said(topic, event))
    ]

    assert forms == [(True, False), (False, True)] * 2


def test_cancelled_event_is_marked_and_cannot_be_requested(signed_in):
    event = EventFactory(status=Event.Status.CANCELLED)

    on_list = said(live.LIST, event, signed_in=signed_in)
    in_month = said(live.MONTH, event, signed_in=signed_in)
    on_page = said(live.EVENT, event, signed_in=signed_in)

    assert {told["status"] for told in (on_list, in_month, on_page)} == {"cancelled"}
    assert '<li class="day-event is-cancelled"' in on_list["html"]
    assert '<span class="badge badge-stop">Cancelled</span>' in on_list["html"]
    assert "is-cancelled" in in_month["html"]
    assert 'class="event-head is-cancelled"' in on_page["parts"]["event-head"]
    assert not re.search("<form|Sign in", str([on_list, in_month, on_page]))


@pytest.mark.parametrize("topic", TOPICS)
def test_archived_event_is_gone(topic, signed_in):
    event = EventFactory(status=Event.Status.CANCELLED, archived_at=timezone.now())

    told = said(topic, event, signed_in=signed_in)

    assert told["status"] == "gone"
    assert {told.get("html", ""), str(told.get("parts", {}))} == {"", "{}"}


def test_event_that_is_over_leaves_the_list_and_stays_in_the_calendar():
    event = in_days(-3)

    assert said(live.LIST, event)["status"] == "gone"
    assert said(live.MONTH, event)["status"] == "listed"
    assert "is-past" in said(live.MONTH, event)["html"]
    assert said(live.EVENT, event)["status"] == "listed"


# --- Everything in view ---------------------------------------------------------------------------


def slugs(events):
    return [event.slug for event in events]


def test_list_as_it_is_has_what_the_page_lists_soonest_first(signed_in):
    later, sooner = in_days(9), in_days(1)
    under_way = EventFactory(starts_at=timezone.now() - timedelta(minutes=5))
    in_days(3, status=Event.Status.CANCELLED)
    in_days(3, status=Event.Status.DRAFT)
    in_days(-3)

    found = live.LIST.current(live.Days())

    assert slugs(found) == slugs([under_way, sooner, later])
    assert {live.LIST.frame(event, signed_in)["status"] for event in found} == {"listed"}


def test_month_as_it_is_has_past_and_cancelled_events_too():
    past, cancelled = in_days(-3), in_days(3, status=Event.Status.CANCELLED)
    in_days(3, status=Event.Status.DRAFT)
    in_days(-3, archived_at=timezone.now())

    assert slugs(live.MONTH.current(live.Days())) == slugs([past, cancelled])


@pytest.mark.parametrize("topic", [live.LIST, live.MONTH])
def test_only_the_days_asked_for_are_in_view(topic):
    inside, outside = in_days(3), in_days(5)

    days = live.Days(inside.starts_on, outside.starts_on - timedelta(days=1))

    assert slugs(topic.current(days)) == [inside.slug]


@pytest.mark.parametrize("topic", [live.LIST, live.MONTH])
def test_more_than_a_hundred_events_are_too_much_for_a_snapshot(topic, django_assert_num_queries):
    Event.objects.bulk_create(
        EventFactory.build(slug=f"e-{n}", starts_on=date(2030, 1, 1)) for n in range(100)
    )
    with django_assert_num_queries(1):
        assert len(topic.current(live.Days())) == 100

    EventFactory()

    assert topic.current(live.Days()) is None


def test_event_as_it_is_alone_or_nothing(event):
    draft = EventFactory(status=Event.Status.DRAFT)

    assert slugs(live.EVENT.current(event.slug)) == [event.slug]
    assert live.EVENT.current(draft.slug) == []
    assert live.EVENT.current("nothing") == []
