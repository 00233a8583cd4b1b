"""Cards are made once and kept for everybody: they show what is true now, and no token but one's own."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from events.models import Event
from events.services import cancel_event, change_event
from tests.accounts.factories import UserFactory
from tests.events.factories import CategoryFactory, EventFactory
from tickets.services import book_ticket, cancel_ticket

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
ACTIONS = re.compile(r'<div class="event-actions".*?</div>', re.DOTALL)


def listed(client):
    return client.get(reverse("events:list")).content.decode()


def actions(client):
    """What the one card of the list lets me do, in words."""
    return (
        re.sub(r"<[^>]+>|\s+", " ", ACTIONS.search(listed(client)).group()).split(": ")[0].strip()
    )


@pytest.fixture
def readers(db):
    """Two people, each signed in in a browser of their own."""
    clients = []
    for _number in range(2):
        client = Client()
        client.force_login(UserFactory())
        clients.append(client)
    return clients


def test_card_that_was_kept_has_the_token_of_who_reads_it(event, readers):
    tokens = [
        TOKEN.search(ACTIONS.search(listed(reader)).group()).group(1)
        for reader in (*readers, *readers)
    ]

    assert len(set(tokens)) == 4  # masked anew for each page: none came from another one


def test_button_of_a_kept_card_books(event):
    first, second = Client(enforce_csrf_checks=True), Client(enforce_csrf_checks=True)
    for client in (first, second):
        client.force_login(UserFactory())
    listed(first)
    (token,) = set(TOKEN.findall(ACTIONS.search(listed(second)).group()))

    answer = second.post(
        reverse("tickets:request", args=[event.slug]), {"csrfmiddlewaretoken": token}
    )

    assert answer.status_code == 302
    assert answer.url.startswith("/tickets/")


def test_card_says_what_is_true_now(event, organiser, client, readers):
    reader = readers[0]
    assert event.title in listed(reader)
    category = CategoryFactory(name="Lantern walks")

    change_event(
        event,
        changes={"title": "Night walk", "location": "The mill", "category": category},
        by=organiser,
    )
    page = listed(reader)
    assert ">Night walk</a>" in page
    assert "The mill" in page
    assert "Lantern walks" in page

    change_event(event, changes={"duration": timedelta(hours=5)}, by=organiser)
    assert listed(reader) != page


def test_fullness_reaches_a_kept_card_and_leaves_it(db, readers):
    event = EventFactory(capacity=1)
    assert actions(readers[0]) == "Request a ticket"

    booking = book_ticket(event, holder=UserFactory())
    assert actions(readers[0]) == "FULL"

    cancel_ticket(booking.ticket, by=booking.ticket.holder)
    assert actions(readers[0]) == "Request a ticket"


def test_my_ticket_is_on_my_card_alone(event, readers):
    mine, other = readers
    listed(other)
    mine.post(reverse("tickets:request", args=[event.slug]))

    assert "View ticket" in actions(mine)
    assert actions(other) == "Request a ticket"


def test_cancelled_event_keeps_no_card_of_before(event, organiser, readers):
    assert event.slug in listed(readers[0])

    cancel_event(event, by=organiser)

    assert event.slug not in listed(readers[0])
    assert Event.objects.get().is_cancelled


def test_titles_are_escaped_in_kept_cards(readers):
    EventFactory(title="<script>alert(1)</script> & more")

    page = listed(readers[0])

    assert "<script>alert(1)" not in page
    assert ">&lt;script&gt;alert(1)&lt;/script&gt; &amp; more</a>" in page
