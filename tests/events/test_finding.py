from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from events.finding import FindForm, UpcomingFindForm, matching, weekend
from events.models import Event
from tests.events.factories import CategoryFactory, EventFactory
from tests.events.test_list import titles

pytestmark = pytest.mark.django_db

TODAY = date(2030, 6, 5)  # a Wednesday


def found(words):
    events = Event.objects.filter(matching(words))
    return sorted(events.values_list("title", flat=True))


@pytest.fixture
def walk():
    return EventFactory(
        title="Night walk",
        description="We look for Pipistrelles and 100% owls",
        location="Lea Bridge weir",
        category=CategoryFactory(name="Outdoors"),
    )


@pytest.mark.parametrize(
    "words",
    [
        "night",
        "WALK",
        "pipistrelle",
        "lea bridge",
        "outdoor",
        "walk weir",
        "  owls   night ",
        "100%",
    ],
)
def test_search_finds_all_words_anywhere_in_any_case(walk, words):
    EventFactory(title="Reading group")

    assert found(words) == ["Night walk"]


@pytest.mark.parametrize("words", ["night reading", "walkk", "%", "_", "1000%", "\\"])
def test_search_without_all_words_finds_nothing(walk, words):
    Event.objects.filter(pk=walk.pk).update(description="plain")
    EventFactory(title="Reading group")

    assert found(words) == []


@pytest.mark.parametrize("words", ["école", "ÉCOLE", "École"])
def test_search_other_letters_in_any_case(words):
    EventFactory(title="École du soir")
    EventFactory(title="GRANDE ÉCOLE")
    EventFactory(title="petite école")

    assert found(words) == ["GRANDE ÉCOLE", "petite école", "École du soir"]


def test_search_never_looks_at_secrets():
    EventFactory(
        online_url="https://zoom.example/needle",
        cancellation_reason="needle",
        slug="needle-22222222",
    )

    assert found("needle") == []


@pytest.mark.parametrize("day", range(3, 10))
def test_weekend_is_saturday_and_sunday_of_this_week(day):
    assert weekend(date(2030, 6, day)) == (date(2030, 6, 8), date(2030, 6, 9))


def narrowed(form_class=UpcomingFindForm, **data):
    form = form_class(data, today=TODAY)
    assert form.is_valid(), form.errors
    return {event.title for event in form.narrow(Event.objects.all())}


def on(title, day, **fields):
    return EventFactory(title=title, starts_at=datetime(2030, 6, day, 12, tzinfo=UTC), **fields)


def test_dates_include_both_ends():
    for day in (7, 8, 9, 10):
        on(f"{day}", day)

    assert narrowed(**{"from": "2030-06-08", "to": "2030-06-09"}) == {"8", "9"}
    assert narrowed(**{"from": "2030-06-09"}) == {"9", "10"}
    assert narrowed(to="2030-06-08") == {"7", "8"}


def test_dates_go_by_the_events_own_date():
    EventFactory(
        title="Late show",
        starts_at=datetime(2030, 6, 2, 6, 30, tzinfo=UTC),
        time_zone="America/Los_Angeles",
    )

    assert narrowed(**{"from": "2030-06-01", "to": "2030-06-01"}) == {"Late show"}
    assert narrowed(**{"from": "2030-06-02"}) == set()


def test_this_weekend_is_by_date():
    for day in (7, 8, 9, 10):
        on(f"{day}", day)

    assert narrowed(when="weekend") == {"8", "9"}


def test_category_is_exact():
    on("Song", 8, category=CategoryFactory(slug="music"))
    on("Talk", 8, category=CategoryFactory(slug="music-theory"))
    on("None", 8)

    assert narrowed(category="music") == {"Song"}


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (["online"], {"Link only", "online", "Both"}),
        (["in-person"], {"Hall", "Both"}),
        (["online", "in-person"], {"Link only", "online", "Both", "Hall"}),
        ([], {"Link only", "online", "Both", "Hall"}),
    ],
)
def test_where_tells_places_from_links(where, expected):
    on("Link only", 8, location="Online", online_url="https://x.example")
    on("online", 8, location="online")
    on("Hall", 8, location="Town hall online centre")
    on("Both", 8, online_url="https://x.example")

    form = UpcomingFindForm({"where": where} | {}, today=TODAY)
    form.data = QueryLike({"where": where})

    assert form.is_valid()
    assert {event.title for event in form.narrow(Event.objects.all())} == expected


class QueryLike(dict):
    """What an address gives: lists where a name is repeated."""

    def getlist(self, name):
        return self.get(name, [])


def test_available_hides_what_is_on_now(client):
    EventFactory(title="Under way", starts_at=timezone.now() - timedelta(minutes=5))
    EventFactory(title="To come")

    assert titles(client.get("/?available=1")) == ["To come"]


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("/?from=yesterday", "Write the date as year-month-day"),
        ("/?from=2026-13-45", "Write the date as year-month-day"),
        ("/?from=2030-02-02&to=2030-02-01", "The last day is before the first."),
        ("/?category=nothing", "Select a valid choice."),
        ("/?where=moon", "Select a valid choice."),
        ("/?when=later", "Select a valid choice."),
        (f"/?q={'a' * 101}", "at most 100 characters"),
        ("/?q=%00", "Null characters are not allowed."),
        ("/past/?from=x", "Write the date as year-month-day"),
        ("/past/?category=%00", "Select a valid choice."),
    ],
)
def test_wrong_filter_is_told_clearly_with_the_way_out(client, address, sentence):
    EventFactory()

    answer = client.get(address)

    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert "Show all events" in answer.content.decode()
    assert titles(answer) == []


def test_far_dates_find_nothing_without_a_fault(client):
    EventFactory()

    assert client.get("/?from=9999-12-31").status_code == 200
    assert client.get("/?to=0001-01-01").status_code == 200


def test_form_shows_the_filters_in_use(client):
    CategoryFactory(slug="music", name="Music")

    page = client.get(
        "/?q=a%22b&category=music&from=2030-06-01&where=online&available=1&when=weekend"
    ).content.decode()

    assert 'value="a&quot;b"' in page
    assert '<option value="music" selected>Music</option>' in page
    assert 'name="from" value="2030-06-01"' in page
    assert 'value="online" checked' in page
    assert 'name="available" value="1" checked' in page
    assert 'value="weekend" checked' in page
    assert '<details class="search-fold" open>' in page


def test_past_form_has_no_filter_by_what_is_available(client):
    assert b'name="available"' not in client.get("/past/").content


def test_address_drops_what_is_empty():
    form = FindForm({"q": "a b", "category": "", "from": "2030-06-01"}, today=TODAY)

    assert form.is_valid()
    assert form.address() == "?q=a+b&from=2030-06-01"
    assert form.address(after="x") == "?q=a+b&from=2030-06-01&after=x"
