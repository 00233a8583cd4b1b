"""Every list asks the database as often for 30 rows as for one, and popularity changes no count."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from events.models import Event
from events.services import add_organiser, offer_organiser
from notifications.models import Notification
from tests.accounts.factories import UserFactory
from tests.api.conftest import Program
from tests.events.factories import CategoryFactory, EventFactory
from tests.tickets.factories import TicketFactory
from tickets.models import HolderMessage

MORE = 29


def event_of_theirs(reader, n):
    """With a ticket of the reader's, a category, an organiser and a link."""
    event = EventFactory(
        category=CategoryFactory(), organiser=reader, online_url="https://example.org/room"
    )
    TicketFactory(event=event, holder=reader)


def ticket_of_the_shared_event(reader, n):
    TicketFactory(event=shared_event())


def organiser_of_the_shared_event(reader, n):
    add_organiser(shared_event(), user=UserFactory(), by=UserFactory())


def offer_of_the_shared_event(reader, n):
    offer_organiser(shared_event(), email=f"{n}@example.org", by=UserFactory())


def offer_to_the_reader(reader, n):
    event = EventFactory(category=CategoryFactory())
    offer_organiser(event, email=reader.email, by=UserFactory())


def message_of_the_shared_event(reader, n):
    event = shared_event()
    HolderMessage.objects.create(
        event=event,
        sender=UserFactory(),
        subject=f"{n}",
        text="x",
        holder_count=1,
        sent_at=event.created_at,
    )


def notice(reader, n):
    Notification.objects.create(
        recipient=reader, kind="tickets.ticket_booked", key=f"{n}", context={"title": f"{n}"}
    )


LISTS = {
    "/events?limit=50": event_of_theirs,
    "/events?limit=50&period=all&q=event&available=true": event_of_theirs,
    "/me/events?limit=50": event_of_theirs,
    "/me/offers?limit=50": offer_to_the_reader,
    "/categories": event_of_theirs,
    "/tickets?limit=50": event_of_theirs,
    "/tickets?limit=50&ahead=true": event_of_theirs,
    "/events/shared/tickets?limit=50": ticket_of_the_shared_event,
    "/events/shared/organisers?limit=50": organiser_of_the_shared_event,
    "/events/shared/offers?limit=50": offer_of_the_shared_event,
    "/events/shared/messages?limit=50": message_of_the_shared_event,
    "/notifications?limit=50": notice,
}


FOR_VISITORS = ["/events?limit=50", "/events?limit=50&period=all", "/categories"]
CASES = [("organiser", path) for path in LISTS] + [("visitor", path) for path in FOR_VISITORS]


def shared_event():
    return Event.objects.get(slug="shared")


def statements(program, method, path):
    with CaptureQueriesContext(connection) as queries:
        answer = program.call(method, path)
    assert answer.status_code in {200, 201}, answer.content
    return [query["sql"] for query in queries], answer


@pytest.fixture
def shared(attendee):
    return EventFactory(slug="shared", organiser=attendee)


def program_of(person):
    program = Program()
    if person is not None:
        program.force_login(person)
    return program


@pytest.mark.parametrize(("who", "path"), CASES)
def test_list_asks_as_often_for_30_rows_as_for_one(attendee, shared, path, who):
    program = program_of(attendee if who == "organiser" else None)
    add = LISTS.get(path, event_of_theirs)
    add(attendee, 0)
    statements(program, "GET", path)  # what a process remembers for good is read now

    one, _answer = statements(program, "GET", path)
    for n in range(1, MORE + 1):
        add(attendee, n)
    many, answer = statements(program, "GET", path)

    assert len(answer.json()["items"]) >= MORE + 1
    assert len(many) == len(one), "\n".join(many)


@pytest.mark.parametrize(
    ("who", "method", "path"),
    [
        ("visitor", "GET", "/events"),
        ("visitor", "GET", "/events?available=true"),
        ("visitor", "GET", "/events/shared"),
        ("attendee", "GET", "/events"),
        ("attendee", "GET", "/events?available=true"),
        ("attendee", "GET", "/events/shared"),
        ("attendee", "POST", "/events/shared/ticket"),
    ],
)
def test_hidden_popularity_changes_no_count(shared, who, method, path):
    counts = []

    for taken in (0, 1, 50, 93):
        Event.objects.filter(pk=shared.pk).update(places_taken=taken)
        program = program_of(UserFactory() if who == "attendee" else None)
        counts.append(len(statements(program, method, path)[0]))

    assert len(set(counts)) == 1
