"""400 people ask a running server for 50 places at once (SPEC 3): the proof against overselling."""

from collections import Counter

import pytest
from django.db import connection

from accounts.models import User
from tests.events.factories import EventFactory
from tests.servers import database_for_servers, get, post_at_once, reading, running, sign_in

pytestmark = [pytest.mark.server, pytest.mark.django_db(transaction=True)]

PEOPLE, PLACES = 400, 50
# SQLite is served by one process with a few threads, PostgreSQL by several processes.
SHAPES = {
    "postgresql": [{"workers": 2}, {"workers": 8}],
    "sqlite": [{"workers": 1, "threads": 4}],
}[connection.vendor]


@pytest.fixture
def crowd():
    people = [
        User(username=f"crowd{n}", email=f"crowd{n}@example.org", password="!")
        for n in range(PEOPLE)
    ]
    return sign_in(User.objects.bulk_create(people))


@pytest.fixture
def scarce():
    return EventFactory(capacity=PLACES)


def state_of(database_url):
    """What the database holds afterwards: tickets, their holders, and the counter."""
    with reading(database_url) as query:
        [(tickets, holders)] = query(
            "SELECT COUNT(*), COUNT(DISTINCT holder_id) FROM tickets_ticket"
        )
        [(taken,)] = query("SELECT places_taken FROM events_event")
    return tickets, holders, taken


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape['workers']} workers")
def test_400_people_asking_for_50_places_get_50_tickets_and_350_sentences(
    tmp_path, crowd, scarce, shape
):
    url = database_for_servers(tmp_path)
    path = f"/events/{scarce.slug}/ticket/"

    with running(tmp_path, database_url=url, **shape) as server:
        answers = post_at_once(server, path, crowd)
        refused = [
            n for n, it in enumerate(answers) if it.headers["Location"].startswith("/events/")
        ]
        page = get(
            server, scarce.get_absolute_url(), crowd[refused[0]] + cookie_of(answers[refused[0]])
        )
        again = post_at_once(
            server, path, [crowd[n] for n in refused], HX_Request="true", HX_Target="panel"
        )

    assert Counter(it.status for it in answers) == {302: PEOPLE}
    assert len(refused) == PEOPLE - PLACES
    assert all("messages" in answers[n].cookies for n in refused)
    assert (page.status, "This event is full." in page.body) == (200, True)
    assert Counter((it.status, "This event is full." in it.body) for it in again) == {
        (409, True): PEOPLE - PLACES
    }
    assert state_of(url) == (PLACES, PLACES, PLACES)


def test_with_the_sites_own_guards_taken_out_the_database_alone_holds(tmp_path, crowd, scarce):
    url = database_for_servers(tmp_path)
    path = f"/events/{scarce.slug}/ticket/"
    broken = {"application": "tests.tickets.broken_asgi", **SHAPES[0]}

    with running(tmp_path, database_url=url, **broken) as server:
        answers = post_at_once(server, path, crowd)

    assert Counter(it.status for it in answers) == {302: PLACES, 500: PEOPLE - PLACES}
    assert "events_event_places_within_capacity" in server.log.read_text()
    assert state_of(url) == (PLACES, PLACES, PLACES)


def cookie_of(answer):
    return "".join(f"; {name}={value}" for name, value in answer.cookies.items())
