"""What pages tell the script of live pages: what to follow, what each element shows, what is mine."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from events.models import Event
from notifications.live.topics import PublicTopic, find
from tests.events.factories import EventFactory
from tests.tickets.factories import TicketFactory

pytestmark = pytest.mark.django_db

ONLINE = "https://secret.example/room"


def in_days(days, **fields):
    return EventFactory(starts_at=timezone.now() + timedelta(days=days), **fields)


def followed(page):
    """The topics that a page names, in its order."""
    return [
        words for found in re.findall(r'data-live="([^"]*)"', page.text) for words in found.split()
    ]


def next_address(page):
    return re.search(r'rel="next" href="([^"]*)"', page.text)[1].replace("&amp;", "&")


def htmx(client, address, target):
    return client.get(address, headers={"HX-Request": "true", "HX-Target": target})


def tag_of(page, marker):
    """The opening tag that holds `marker`."""
    return re.search(f"<[^<>]*{re.escape(marker)}[^<>]*>", page.text)[0]


# --- The list -------------------------------------------------------------------------------------


def test_list_on_one_page_follows_all_days(client):
    in_days(3)

    assert followed(client.get("/")) == ["list::"]


def test_empty_list_follows_all_days_and_marks_what_a_first_event_replaces(client):
    page = client.get("/")

    assert followed(page) == ["list::"]
    assert 'class="empty"' in tag_of(page, "data-nothing")


@pytest.mark.parametrize("by", ["address", "htmx"])
def test_pages_of_a_list_together_follow_every_day(client, by):
    events = [in_days(2 * n + 1) for n in range(45)]
    first = client.get("/")
    second_address = next_address(first)
    second = client.get(second_address) if by == "address" else htmx(client, second_address, "more")
    third = client.get(next_address(second))

    end_of_first, end_of_second = events[19].starts_on, events[39].starts_on
    assert followed(first) == [f"list::{end_of_first}"]
    assert followed(second) == [f"list:{end_of_first}:{end_of_second}"]
    assert followed(third) == [f"list:{end_of_second}:"]


def test_past_list_and_refused_search_follow_nothing(client):
    in_days(-3)

    assert followed(client.get("/past/")) == []
    assert followed(client.get("/?from=never")) == []


@pytest.mark.parametrize(
    ("address", "is_filtered"),
    [("/", False), ("/?q=", False), ("/?q=bats", True), ("/?available=1", True)],
)
def test_filtered_list_says_so(client, address, is_filtered):
    in_days(3, title="Bats")

    assert ("data-live-filtered" in tag_of(client.get(address), 'id="results"')) == is_filtered


def test_what_is_on_now_stands_apart(client):
    under_way = EventFactory(starts_at=timezone.now() - timedelta(minutes=5))
    coming = in_days(3)

    page = client.get("/").text

    on_now, others = page.split("data-on-now>")[1].split("</div>\n<h2")
    assert under_way.slug in on_now
    assert coming.slug not in on_now
    assert coming.slug in others


def test_heading_of_what_comes_waits_hidden_while_nothing_comes(client):
    EventFactory(starts_at=timezone.now() - timedelta(minutes=5))

    assert "hidden" in tag_of(client.get("/"), "data-coming-up")


def test_card_says_which_event_it_shows(client):
    event = EventFactory()

    page = client.get("/")

    card = tag_of(page, f'data-event="{event.slug}"')
    assert 'data-status="listed"' in card
    assert f'data-starts="{event.starts_at:%Y-%m-%dT%H:%M:%S}+00:00"' in card
    assert f'<section class="day" data-day="{event.starts_on}">' in page.text


# --- Calendar, event, the rest --------------------------------------------------------------------


def test_calendar_follows_its_month(client):
    event = EventFactory(status=Event.Status.CANCELLED)

    page = client.get("/calendar/2028/2/")
    own = client.get(f"/calendar/{event.starts_on:%Y/%m}/")

    assert followed(page) == ["month:2028-02-01:2028-02-29"]
    assert 'data-day="2028-02-29"' in page.text
    assert 'data-status="cancelled"' in tag_of(own, f'data-event="{event.slug}"')


@pytest.mark.parametrize(
    ("fields", "status", "follows"),
    [
        ({}, "listed", True),
        ({"status": Event.Status.DRAFT}, "draft", True),
        ({"starts_at": timezone.now() - timedelta(minutes=5)}, "listed", True),
        ({"starts_at": timezone.now() - timedelta(days=5)}, "listed", False),
        ({"status": Event.Status.CANCELLED}, "cancelled", False),
    ],
    ids=["upcoming", "draft", "under way", "over", "cancelled"],
)
def test_event_page_follows_its_event_while_something_may_happen(
    client, organiser, fields, status, follows
):
    event = EventFactory(organiser=organiser, **fields)
    client.force_login(organiser)

    page = client.get(event.get_absolute_url())

    assert (f"event:{event.slug}" in followed(page)) == follows
    assert f'data-status="{status}"' in tag_of(page, f'data-event="{event.slug}"')


def test_only_organisers_are_told_to_follow_the_counts(client, event, organiser, attendee):
    client.force_login(attendee)
    others = client.get(event.get_absolute_url())
    client.force_login(organiser)
    own = client.get(event.get_absolute_url())
    admin = client.get(reverse("admin:events_event_change", args=[event.pk]))

    topic = f"organised:{event.pk}"
    assert topic not in followed(others)
    assert topic in followed(own)
    assert topic in followed(admin)


@pytest.mark.parametrize("address", ["/", "/calendar/", "/tickets/", "/notifications/"])
def test_signed_in_pages_follow_the_bell(client, attendee, address):
    client.force_login(attendee)

    assert "mine" in followed(client.get(address))


def test_visitors_follow_nothing_private(client, event):
    pages = [client.get(address) for address in ("/", "/calendar/", event.get_absolute_url())]

    topics = {find(words.partition(":")[0]) for page in pages for words in followed(page)}
    assert len(topics) == 3
    assert all(isinstance(topic, PublicTopic) for topic in topics)


def test_public_topics_that_pages_name_are_understood(client, event):
    for address in ("/", "/calendar/", event.get_absolute_url()):
        for words in followed(client.get(address)):
            name, _colon, argument = words.partition(":")
            assert find(name).parse(argument)


# --- What is mine ---------------------------------------------------------------------------------


@pytest.fixture
def addresses(event):
    """Pages that show my state at the event, each with the element that does."""
    return {
        "/": f'id="my-state-{event.slug}"',
        event.get_absolute_url(): 'id="panel"',
        f"/calendar/{event.starts_on:%Y/%m}/": f'id="entry-{event.slug}"',
    }


def test_what_shows_my_ticket_is_marked_as_mine(client, event, attendee, addresses):
    client.force_login(attendee)
    before = [tag_of(client.get(url), marker) for url, marker in addresses.items()]
    TicketFactory(event=event, holder=attendee)
    after = [tag_of(client.get(url), marker) for url, marker in addresses.items()]

    assert ["data-mine" in tag for tag in before] == [False] * 3
    assert ["data-mine" in tag for tag in after] == [True] * 3
    assert all('data-live-part="mine"' in tag for tag in before + after)


def test_panel_with_the_online_link_is_mine_also_without_a_ticket(client, organiser):
    event = EventFactory(organiser=organiser, online_url=ONLINE)
    client.force_login(organiser)

    page = client.get(event.get_absolute_url())

    assert ONLINE in page.text
    assert "data-mine" in tag_of(page, 'id="panel"')


def test_answer_to_a_booking_is_marked_as_mine(client, event, attendee):
    client.force_login(attendee)
    card = client.post(
        f"/events/{event.slug}/ticket/",
        headers={"HX-Request": "true", "HX-Target": f"my-state-{event.slug}"},
    )

    assert "data-mine" in tag_of(card, f'id="my-state-{event.slug}"')


def test_my_ticket_follows_what_happens_to_it_and_somebody_elses_does_not(
    client, event, organiser, attendee
):
    ticket = TicketFactory(event=event, holder=attendee)
    client.force_login(attendee)
    mine = client.get(ticket.get_absolute_url())
    client.force_login(organiser)
    theirs = client.get(ticket.get_absolute_url())

    assert 'data-live="mine" data-live-part="mine"' in tag_of(mine, 'id="ticket"')
    assert followed(theirs) == []


@pytest.mark.parametrize(
    ("address", "part"),
    [
        ("/tickets/", "my-tickets"),
        ("/notifications/", "notices"),
        ("/notifications/", "notices-actions"),
    ],
)
def test_my_lists_are_parts_to_take_over(client, attendee, address, part):
    client.force_login(attendee)

    assert 'data-live-part="mine"' in tag_of(client.get(address), f'id="{part}"')
