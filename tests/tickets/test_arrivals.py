"""Who asks for a ticket is found with the event by one statement, and judged as everywhere (SPEC 1, 3)."""

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.messages import get_messages
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from events.models import Event
from events.services import cancel_event
from tests.accounts.factories import PASSWORD, UserFactory
from tests.accounts.signing_in import sign_in_with_record
from tests.api.conftest import Program
from tests.events.factories import EventFactory
from tests.tickets.factories import TicketFactory
from tickets.models import Ticket

pytestmark = pytest.mark.django_db


def ask(client, event, **headers):
    return client.post(reverse("tickets:request", args=[event.slug]), headers=headers)


def fill(event):
    Event.objects.filter(pk=event.pk).update(places_taken=event.capacity)


def leads_to_sign_in(response):
    return response.status_code == 302 and response.url.startswith("/accounts/login/")


@pytest.fixture
def record(client, attendee):
    """The attendee, signed in as people are."""
    return sign_in_with_record(client, attendee)


def statements_of(client, event, **headers):
    with CaptureQueriesContext(connection) as captured:
        response = ask(client, event, **headers)
    assert not [query for query in captured if "COUNT(" in query["sql"]]
    return response, [query["sql"].split()[0] for query in captured]


def test_refusal_takes_one_statement(client, record, attendee, event):
    TicketFactory(event=event)  # somebody else's
    TicketFactory(event=event, holder=attendee, status=Ticket.Status.CANCELLED)
    fill(event)

    response, statements = statements_of(client, event)

    assert (response.url, statements) == (event.get_absolute_url(), ["SELECT"])


def test_booking_takes_one_statement_more(client, record):
    event = EventFactory(capacity=100)

    response, statements = statements_of(client, event)

    assert response.url == Ticket.objects.get().get_absolute_url()
    # On PostgreSQL one between SAVEPOINT and RELEASE, as a test is a transaction; on SQLite those two, place,
    # ticket, notice and mail.
    assert len(statements) == (1 + 3 if connection.vendor == "postgresql" else 1 + 6)


def test_session_that_a_cache_would_keep_is_asked_for_anew(client, record, settings):
    event = EventFactory(capacity=100)
    settings.REDIS_URL = "redis://127.0.0.1:6379/0"

    _response, statements = statements_of(client, event)

    assert len(statements) == (2 + 3 if connection.vendor == "postgresql" else 2 + 6)


def test_sign_in_by_the_page_leaves_the_record_that_this_stands_on(client, event):
    person = UserFactory()
    client.post("/accounts/login/", {"login": person.email, "password": PASSWORD})
    fill(event)

    _response, statements = statements_of(client, event)

    assert statements == ["SELECT"]


def test_session_without_a_record_is_as_good(client, attendee, event):
    client.force_login(attendee)

    assert ask(client, event).url == Ticket.objects.get(holder=attendee).get_absolute_url()


@pytest.mark.parametrize("with_record", [True, False])
def test_holder_is_led_to_their_ticket_though_the_event_is_full(client, attendee, with_record):
    ticket = TicketFactory(event=EventFactory(capacity=1), holder=attendee)
    fill(ticket.event)
    if with_record:
        sign_in_with_record(client, attendee)
    else:
        client.force_login(attendee)

    assert ask(client, ticket.event).url == ticket.get_absolute_url()


def test_what_everybody_may_know_is_said_without_signing_in(client, event):
    fill(event)
    full = ask(client, event)
    cancelled = EventFactory()
    cancel_event(cancelled, by=None)

    assert (full.status_code, full.url) == (302, event.get_absolute_url())
    assert "This event is full." in client.get(full.url).content.decode()
    assert ask(client, cancelled).url == cancelled.get_absolute_url()
    assert ask(client, cancelled, HX_Request="true", HX_Target="panel").status_code == 409


@pytest.mark.parametrize("status", [Event.Status.DRAFT, Event.Status.PUBLISHED])
def test_event_without_a_public_page_is_not_there(client, record, status):
    archived_at = None if status == Event.Status.DRAFT else timezone.now()
    event = EventFactory(status=status, archived_at=archived_at)

    for slug in (event.slug, "no-such-event"):
        url = reverse("tickets:request", args=[slug])
        assert (client.post(url).status_code, client.get(url).status_code) == (404, 404)


def test_get_of_a_full_event_leads_to_it_and_says_nothing(client, record, event):
    fill(event)

    response = client.get(reverse("tickets:request", args=[event.slug]))

    assert response.url == event.get_absolute_url()
    assert list(get_messages(response.wsgi_request)) == []


def test_session_that_ended_books_nothing(client, record, event):
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))

    assert leads_to_sign_in(ask(client, event))
    assert not Ticket.objects.exists()


def test_closed_account_books_nothing(client, record, event):
    User.objects.update(is_active=False)

    assert leads_to_sign_in(ask(client, event))


def test_another_password_ends_the_session(client, record, attendee, event):
    attendee.set_password("another-one-1843")
    attendee.save()

    assert leads_to_sign_in(ask(client, event))


@pytest.mark.parametrize(
    "end",
    [
        lambda _person: Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1)),
        lambda _person: User.objects.update(is_active=False),
        lambda person: (person.set_password("another-one-1843"), person.save()),
    ],
    ids=["ended", "account closed", "another password"],
)
def test_session_that_is_over_does_not_tell_whether_there_is_a_ticket(client, event, end):
    answers = []
    for has_ticket in (True, False):
        person = UserFactory()
        sign_in_with_record(client, person)
        if has_ticket:
            TicketFactory(event=event, holder=person)
        fill(event)
        end(person)
        response = ask(client, event)
        answers.append((response.status_code, response.url))
        client.cookies.clear()

    assert answers == [(302, event.get_absolute_url())] * 2


def test_record_of_somebody_else_makes_nobody_them(client, record, attendee, event):
    other = UserFactory()
    UserSession.objects.update(user=other)

    ask(client, event)

    assert Ticket.objects.get().holder == attendee


def test_next_request_looks_anew(client, record, attendee, event):
    ask(client, event)
    Session.objects.all().delete()

    assert leads_to_sign_in(ask(client, EventFactory()))


@pytest.fixture
def call(attendee):
    """A program of the attendee's with an access token: its answer, and the statements that took."""
    program = Program().sign_in(attendee)

    def calling(event):
        with CaptureQueriesContext(connection) as captured:
            answer = program.call("POST", f"/events/{event.slug}/ticket")
        return answer, list(captured)

    return calling


def test_program_takes_a_ticket_by_as_few_statements(call, attendee):
    event = EventFactory(capacity=100)

    answer, statements = call(event)

    assert answer.status_code == 201
    assert answer.json()["event"]["location"] == event.location
    assert len(statements) == (1 + 3 if connection.vendor == "postgresql" else 1 + 6)


def test_program_is_refused_by_two(call, event):
    fill(event)

    answer, statements = call(event)

    # The second asks whether the caller holds a ticket all the same.
    assert (answer.status_code, len(statements)) == (409, 2)


@pytest.mark.parametrize(
    "end",
    [
        lambda _person: Session.objects.all().delete(),
        lambda _person: Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1)),
        lambda _person: User.objects.update(is_active=False),
        lambda person: (person.set_password("another-one-1843"), person.save()),
    ],
    ids=["signed out", "ended", "account closed", "another password"],
)
def test_token_of_an_ended_session_takes_nothing(call, attendee, event, end):
    end(attendee)

    assert call(event)[0].status_code == 401
    assert not Ticket.objects.exists()


def test_program_of_somebody_elses_record_is_its_own(call, attendee, event):
    UserSession.objects.update(user=UserFactory())

    assert call(event)[0].status_code == 201
    assert Ticket.objects.get().holder == attendee


def test_program_finds_no_event_without_a_public_page(call):
    assert call(EventFactory(status=Event.Status.DRAFT))[0].status_code == 404
    assert call(EventFactory(archived_at=timezone.now()))[0].status_code == 404
