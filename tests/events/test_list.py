import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from events.models import Event
from tests.events.factories import CategoryFactory, EventFactory
from tests.tickets.factories import TicketFactory

pytestmark = pytest.mark.django_db


def titles(answer):
    return re.findall(
        r'<h3 class="event-title"><a href="[^"]*">([^<]*)</a>', answer.content.decode()
    )


def next_address(answer):
    found = re.search(r'rel="next" href="([^"]*)"', answer.content.decode())
    return found[1].replace("&amp;", "&") if found else None


def words(html):
    """The text of a piece of a page."""
    return " ".join(re.sub("<[^>]*>", " ", html.partition(">")[2]).split())


def in_days(days, **fields):
    return EventFactory(starts_at=timezone.now() + timedelta(days=days), **fields)


def test_list_shows_upcoming_soonest_first(client):
    in_days(9, title="Third")
    in_days(1, title="First")
    in_days(4, title="Second")

    assert titles(client.get("/")) == ["First", "Second", "Third"]


@pytest.mark.parametrize(
    "hidden",
    [
        {"status": Event.Status.DRAFT},
        {"status": Event.Status.CANCELLED},
        {"archived_at": timezone.now()},
        {"starts_at": timezone.now() - timedelta(days=9)},
    ],
    ids=["draft", "cancelled", "archived", "past"],
)
def test_list_hides_what_is_not_upcoming_also_from_its_organiser(client, organiser, hidden):
    EventFactory(organiser=organiser, **hidden)
    client.force_login(organiser)

    assert titles(client.get("/")) == []


def test_list_under_way_stands_first_under_on_now_without_a_request_button(client, attendee):
    in_days(1, title="Tomorrow")
    EventFactory(title="Under way", starts_at=timezone.now() - timedelta(minutes=5))
    client.force_login(attendee)

    page = client.get("/")

    assert titles(page) == ["Under way", "Tomorrow"]
    on_now, coming_up = page.content.decode().split("Coming up</h2>")
    assert "On now</h2>" in on_now
    assert "Request a ticket" not in on_now
    assert "Request a ticket" in coming_up


def test_list_groups_by_the_events_own_day(client):
    """The same instant is Saturday in New York and Sunday in Auckland."""
    instant = datetime(2030, 6, 1, 20, 0, tzinfo=UTC)
    EventFactory(title="There", starts_at=instant, time_zone="Pacific/Auckland")
    EventFactory(title="Here", starts_at=instant, time_zone="America/New_York")
    EventFactory(
        title="Later here", starts_at=instant + timedelta(hours=3), time_zone="America/New_York"
    )

    page = client.get("/").content.decode()

    first, second = page.split('<section class="day"')[1:]
    assert words(first).startswith("1 Saturday June 2030")
    assert first.index("Here") < first.index("Later here")
    assert words(second).startswith("2 Sunday June 2030")
    assert "There" in second


def test_list_card_says_time_place_and_category(client):
    EventFactory(
        starts_at=datetime(2030, 6, 1, 16, 30, tzinfo=UTC),
        time_zone="America/New_York",
        location="Pier 4",
        category=CategoryFactory(name="Music"),
    )

    page = client.get("/").content.decode()

    assert '<time datetime="2030-06-01T16:30:00+00:00">12:30</time> to 14:30, New York' in page
    assert '<p class="event-place">Pier 4</p>' in page
    assert '<p class="event-category">Music</p>' in page


def test_list_card_shows_my_state(client, attendee):
    mine, other = in_days(1), in_days(2)
    TicketFactory(event=mine, holder=attendee)
    client.force_login(attendee)

    first, second = client.get("/").content.decode().split('<li class="day-event')[1:]

    assert mine.title in first
    assert "You have a ticket" in first
    assert other.title in second
    assert "Request a ticket" in second


def test_list_empty_says_what_will_be_here(client):
    assert b"Nothing on yet" in client.get("/").content
    assert b"Nothing has been yet" in client.get("/past/").content


def test_list_nothing_found_offers_all(client):
    in_days(1)

    page = client.get("/?q=nosuchword").content

    assert b"Nothing matches" in page
    assert b'href="/">Show all events' in page


# --- Pages ----------------------------------------------------------------------------------------


def test_list_pages_meet_every_event_once(client):
    moment = timezone.now() + timedelta(days=3)
    names = {EventFactory(starts_at=moment + timedelta(minutes=n // 7)).title for n in range(45)}
    seen, address = [], "/"

    while address:
        answer = client.get(address)
        seen += titles(answer)
        address = next_address(answer)

    assert len(seen) == 45
    assert set(seen) == names


def test_list_page_is_steady_while_events_come_and_go(client):
    events = [in_days(n + 1) for n in range(25)]
    address = next_address(client.get("/"))
    Event.objects.filter(pk=events[3].pk).delete()
    in_days(0.5)

    second = client.get(address)

    assert titles(second) == [event.title for event in events[20:]]


def test_list_next_page_keeps_the_filters(client):
    music = CategoryFactory(slug="music")
    for n in range(21):
        in_days(n + 1, category=music)
        in_days(n + 1)

    address = next_address(client.get("/?category=music&q=event&where=in-person&available=1"))

    assert "category=music" in address
    assert "q=event" in address
    assert len(titles(client.get(address))) == 1


def test_list_second_page_has_no_on_now_and_leads_back(client):
    EventFactory(title="Under way", starts_at=timezone.now() - timedelta(minutes=5))
    for n in range(21):
        in_days(n + 1)

    second = client.get(next_address(client.get("/")))

    assert "Under way" not in titles(second)
    assert b"Back to the first ones" in second.content


@pytest.mark.parametrize(
    "cursor",
    [
        "zzz",
        "é",
        "A" * 5000,
        "W10",
        "bnVsbA",
        "WyJ4IiwgInkiLCAieiJd",
        "eyJhIjogMX0",
        "%00",
        "=",
        "[]",
    ],
)
@pytest.mark.parametrize("address", ["/", "/past/"])
def test_list_bad_cursor_is_told_clearly(client, address, cursor):
    in_days(1)

    answer = client.get(address, {"after": cursor})

    assert answer.status_code == 400
    assert b"That page does not exist any more" in answer.content
    assert titles(answer) == []


def test_past_shows_ended_events_newest_first(client):
    in_days(-9, title="Long ago")
    in_days(-2, title="Lately")
    in_days(2, title="To come")
    EventFactory(title="Under way", starts_at=timezone.now() - timedelta(minutes=5))
    in_days(-3, title="Off", status=Event.Status.CANCELLED)

    assert titles(client.get("/past/")) == ["Lately", "Long ago"]


def test_past_pages_meet_every_event_once(client):
    events = [in_days(-n - 2) for n in range(25)]

    first = client.get("/past/")
    second = client.get(next_address(first))

    assert titles(first) + titles(second) == [event.title for event in events]


def test_list_refuses_post(client):
    assert client.post("/").status_code == 405


# --- htmx -----------------------------------------------------------------------------------------


def htmx(client, address, target):
    return client.get(address, headers={"HX-Request": "true", "HX-Target": target})


def test_search_by_htmx_gets_the_results_alone_and_a_tidy_address(client):
    in_days(1, title="Bats")
    in_days(1, title="Owls")

    answer = htmx(client, "/?q=bats&when=&category=&from=&to=", "results")

    assert titles(answer) == ["Bats"]
    assert b"<html" not in answer.content
    assert answer.content.strip().startswith(b'<div id="results"')
    assert answer["HX-Push-Url"] == "/?q=bats"
    assert "HX-Request" in answer["Vary"]


def test_cleared_search_by_htmx_pushes_the_plain_address(client):
    assert htmx(client, "/?q=&from=&to=", "results")["HX-Push-Url"] == "/"


def test_show_more_by_htmx_appends_the_next_page(client):
    moment = timezone.now() + timedelta(days=3)
    for _n in range(25):
        EventFactory(starts_at=moment)
    address = next_address(client.get("/"))

    answer = htmx(client, address, "more")

    assert len(titles(answer)) == 5
    assert b'id="results"' not in answer.content
    assert b"continued</span>" in answer.content
    assert b'class="day-number"' not in answer.content


def test_next_page_without_script_names_the_continued_day_again(client):
    moment = timezone.now() + timedelta(days=3)
    for _n in range(25):
        EventFactory(starts_at=moment)

    answer = client.get(next_address(client.get("/")))

    assert b'class="day-number"' in answer.content


def test_bad_search_by_htmx_is_shown_in_place(client):
    answer = htmx(client, "/?from=never", "results")

    assert answer.status_code == 422
    assert b"Write the date as" in answer.content
    assert b"<html" not in answer.content


def test_history_restored_by_htmx_gets_the_whole_page(client):
    answer = client.get(
        "/",
        headers={
            "HX-Request": "true",
            "HX-History-Restore-Request": "true",
            "HX-Target": "results",
        },
    )

    assert b"<html" in answer.content


# --- Cost -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("reader", ["visitor", "attendee", "organiser"])
@pytest.mark.parametrize("address", ["/", "/past/", "/?q=event&available=1"])
def test_list_queries_do_not_grow_with_its_events(client, address, reader, request):
    if reader != "visitor":
        person = request.getfixturevalue(reader)
        client.force_login(person)
        TicketFactory(event=in_days(1), holder=person)
    counts = []

    for rows in (1, 29):
        for n in range(rows):
            in_days(n + 2, category=CategoryFactory(), cover="covers/a.webp")
            in_days(-n - 2, category=CategoryFactory())
            EventFactory(starts_at=timezone.now() - timedelta(minutes=5))
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        counts.append(len(queries))

    assert counts[0] == counts[1]
    assert counts[0] <= {"visitor": 3, "attendee": 9, "organiser": 9}[reader]
