"""My tickets (SPEC 9): upcoming first, then past and cancelled."""

from datetime import timedelta
from itertools import chain

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from events.services import cancel_event
from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory
from tests.tickets.factories import TicketFactory
from tickets.models import Ticket
from tickets.services import cancel_ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_in(client, attendee):
    client.force_login(attendee)
    return client


def hold(holder, title, **fields):
    return TicketFactory(holder=holder, event=EventFactory(title=title, **fields))


def titles(response):
    html = response.content.decode()
    return [
        part.split("</a>")[0].rsplit(">", 1)[1] for part in html.split('class="event-title"')[1:]
    ]


def test_list_has_mine_upcoming_first_then_past_and_cancelled(signed_in, attendee):
    now = timezone.now()
    hold(attendee, "Last week", starts_at=now - timedelta(days=7))
    hold(attendee, "Yesterday", starts_at=now - timedelta(days=1))
    hold(attendee, "Next month", starts_at=now + timedelta(days=30))
    hold(attendee, "Tomorrow", starts_at=now + timedelta(days=1))
    hold(attendee, "On now", starts_at=now - timedelta(minutes=5))
    void = hold(attendee, "Void", starts_at=now + timedelta(days=2))
    cancel_event(void.event, by=None)
    given_back = hold(attendee, "Given back", starts_at=now + timedelta(days=3))
    cancel_ticket(given_back, by=attendee)
    hold(UserFactory(), "Somebody else’s")

    response = signed_in.get("/tickets/")

    assert titles(response) == [
        "On now",
        "Tomorrow",
        "Next month",
        "Given back",
        "Void",
        "Yesterday",
        "Last week",
    ]
    html = response.content.decode()
    ahead, behind = html.split("Past and cancelled")
    assert (ahead.count("Cancel ticket"), behind.count("Cancel ticket")) == (2, 0)
    assert response.headers["Cache-Control"] == "private, no-store"


def test_empty_list_gives_the_next_step(signed_in):
    html = signed_in.get("/tickets/").content.decode()

    assert "No tickets yet" in html
    assert "See what’s on" in html


def test_list_pages_keep_every_ticket_once(signed_in, attendee):
    for n in range(45):
        hold(attendee, f"Event {n:02}", starts_at=timezone.now() + timedelta(days=n + 1))

    pages = [titles(signed_in.get(f"/tickets/?page={n}")) for n in (1, 2, 3)]

    assert [len(page) for page in pages] == [20, 20, 5]
    assert list(chain(*pages)) == [f"Event {n:02}" for n in range(45)]
    assert 'rel="next" href="?page=2"' in signed_in.get("/tickets/").content.decode()
    assert 'rel="next"' not in signed_in.get("/tickets/?page=3").content.decode()


@pytest.mark.parametrize("page", ["0", "-1", "x", "", "²", "9" * 400])
def test_nonsense_page_numbers_are_no_error(signed_in, attendee, page):
    hold(attendee, "Mine")

    assert signed_in.get("/tickets/", {"page": page}).status_code == 200


def test_list_costs_the_same_for_1_and_20_tickets(signed_in, attendee, django_assert_num_queries):
    hold(attendee, "First")
    signed_in.get("/tickets/")
    with CaptureQueriesContext(connection) as one:
        signed_in.get("/tickets/")

    for n in range(19):
        hold(attendee, f"More {n}")
    with django_assert_num_queries(len(one)):
        signed_in.get("/tickets/")

    assert Ticket.objects.count() == 20
