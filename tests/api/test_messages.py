"""Messages to everybody with a ticket, through the API (SPEC 5, 8)."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext

from events.models import Event
from events.services import add_organiser, cancel_event
from notifications.models import Announcement
from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory
from tests.tickets.factories import TicketFactory
from tickets.models import HolderMessage
from tickets.services import send_message

pytestmark = pytest.mark.django_db

WORDS = {"subject": "Bring a torch", "text": "It gets dark at six."}


@pytest.fixture
def mine(organiser, program_of):
    return program_of(organiser)


@pytest.fixture
def ticket(event):
    return TicketFactory(event=event)


def address(event):
    return f"/events/{event.slug}/messages"


def test_message_is_sent_and_told(mine, event, organiser, ticket):
    answer = mine.call("POST", address(event), WORDS)

    message = HolderMessage.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "id": str(message.pk),
        **WORDS,
        "sent_at": answer.json()["sent_at"],
        "sender": organiser.name,
        "holder_count": 1,
    }
    assert (message.event, message.sender) == (event, organiser)
    assert Announcement.objects.get().context["message"] == str(message.pk)


def test_same_words_again_answer_with_the_same_message(mine, event, ticket):
    first = mine.call("POST", address(event), WORDS)
    second = mine.call("POST", address(event), WORDS)

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert Announcement.objects.count() == 1


def test_sixth_message_of_a_day_is_429_and_says_when_to_come_back(
    mine, event, organiser, ticket, now
):
    for n in range(5):
        send_message(
            event, subject="Torch", text=f"{n}", by=organiser, now=now - timedelta(hours=n)
        )

    answer = mine.call("POST", address(event), WORDS)

    assert answer.status_code == 429
    assert answer.json()["code"] == "too_many_messages"
    assert 19 * 3600 < int(answer["Retry-After"]) <= 20 * 3600
    assert HolderMessage.objects.count() == 5


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("draft", "not_published"),
        ("cancelled", "event_cancelled"),
        ("over", "event_ended"),
        ("empty", "no_holders"),
    ],
)
def test_refusals_are_409_with_their_code(mine, organiser, now, state, code):
    event = EventFactory(
        organiser=organiser,
        status=Event.Status.DRAFT if state == "draft" else Event.Status.PUBLISHED,
        starts_at=now + timedelta(days=-30 if state == "over" else 3),
    )
    if state in {"cancelled", "over"}:
        TicketFactory(event=event)
    if state == "cancelled":
        cancel_event(event, by=organiser)

    answer = mine.call("POST", address(event), WORDS)

    assert answer.status_code == 409
    assert answer.json()["code"] == code


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": ""},
        {"subject": " \u001c\u0085 "},
        {"text": "\n"},
        {"subject": "x" * 101},
        {"text": "x" * 2001},
        {"text": None},
        {"to": "everybody"},
    ],
    ids=str,
)
def test_wrong_fields_are_422(mine, event, ticket, changes):
    answer = mine.call("POST", address(event), WORDS | changes)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == list(changes)
    assert not HolderMessage.objects.exists()


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("person", "status", "of_draft"),
    [
        ("visitor", 401, 401),
        ("attendee", 403, 404),
        ("holder", 403, 404),
        ("other organiser", 403, 404),
        ("promoted", 201, 409),
        ("organiser", 201, 409),
        ("staff", 201, 409),
    ],
)
def test_answer_to_each_person(
    program, program_of, event, organiser, other_organiser, staff, attendee, ticket,
    method, person, status, of_draft,
):  # fmt: skip
    draft = EventFactory(organiser=organiser, status=Event.Status.DRAFT)
    promoted = UserFactory()
    for managed in (event, draft):
        add_organiser(managed, user=promoted, by=organiser)
    people = {
        "attendee": attendee,
        "holder": ticket.holder,
        "other organiser": other_organiser,
        "promoted": promoted,
        "organiser": organiser,
        "staff": staff,
    }
    caller = program_of(people[person]) if person in people else program
    body = WORDS if method == "POST" else ""
    if method == "GET":
        status, of_draft = (200 if code in {201, 409} else code for code in (status, of_draft))

    answers = [caller.call(method, address(about), body).status_code for about in (event, draft)]

    assert answers == [status, of_draft]


def test_record_is_of_this_event_newest_first_and_seen_by_all_its_organisers(
    event, organiser, other_organiser, ticket, program_of, now
):
    add_organiser(event, user=other_organiser, by=organiser)
    foreign = EventFactory(organiser=organiser)
    TicketFactory(event=foreign)
    send_message(foreign, **WORDS, by=organiser)
    for n in range(3):
        send_message(
            event, subject=f"{n}", text="Words", by=organiser, now=now - timedelta(hours=n)
        )
    reader = program_of(other_organiser)

    first = reader.call("GET", f"{address(event)}?limit=2").json()
    second = reader.call("GET", f"{address(event)}?limit=2&cursor={first['next_cursor']}").json()

    assert [item["subject"] for item in first["items"]] == ["0", "1"]
    assert [item["subject"] for item in second["items"]] == ["2"]
    assert second["next_cursor"] is None


def test_record_names_no_closed_account(mine, event, attendee, ticket):
    send_message(event, **WORDS, by=attendee)
    type(attendee).objects.filter(pk=attendee.pk).update(is_active=False)

    [item] = mine.call("GET", address(event)).json()["items"]

    assert item["sender"] is None


def test_what_is_sent_stands_in_the_events_history(mine, event, organiser, ticket):
    mine.call("POST", address(event), WORDS)
    mine.call("POST", address(event), WORDS)

    [entry] = LogEntry.objects.all()
    assert (entry.user, entry.object_id) == (organiser, str(event.pk))
    assert "Bring a torch" in entry.get_change_message()


def test_record_asks_as_often_for_30_rows_as_for_one(mine, event, organiser, now):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            assert mine.call("GET", address(event)).status_code == 200
        return len(captured)

    def add(n):
        HolderMessage.objects.create(
            event=event, sender=UserFactory(), subject=f"{n}", text="x", holder_count=1, sent_at=now
        )

    add(0)
    queries()
    one = queries()
    for n in range(1, 30):
        add(n)

    assert queries() == one


def test_message_asks_as_often_for_30_holders_as_for_one(mine, organiser):
    def queries(holders):
        event = EventFactory(organiser=organiser)
        TicketFactory.create_batch(holders, event=event)
        with CaptureQueriesContext(connection) as captured:
            assert mine.call("POST", address(event), WORDS).status_code == 201
        return len(captured)

    queries(1)
    assert queries(1) == queries(30)
