"""Tickets through the API: taking, seeing, cancelling; an event's tickets for its organisers."""

from datetime import UTC, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from events.models import Event
from events.services import archive_event, cancel_event
from tests.accounts.factories import UserFactory
from tests.api.test_problem import assert_problem
from tests.events.factories import EventFactory
from tests.tickets.factories import TicketFactory
from tickets.models import NOTE_LENGTH, Ticket


def milliseconds(value):
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def book(caller, event, *args):
    return caller.call("POST", f"/events/{event.slug}/ticket", *args)


@pytest.fixture
def caller(attendee, program_of):
    return program_of(attendee)


@pytest.fixture
def ticket(event, attendee):
    return TicketFactory(event=event, holder=attendee, note="By wheelchair")


# --- Taking -------------------------------------------------------------------------------------------


def test_ticket_is_taken_with_one_call_without_a_body(caller, event, attendee):
    answer = book(caller, event)

    ticket = Ticket.objects.get()
    assert answer.status_code == 201
    assert answer["Location"] == f"/api/v1/tickets/{ticket.pk}"
    assert answer["Cache-Control"] == "private, no-store"
    assert answer.json() == {
        "id": str(ticket.pk),
        "status": "valid",
        "event": {
            "slug": event.slug,
            "title": event.title,
            "status": "published",
            "cancellation_reason": "",
            "starts_at": event.starts_at.isoformat().replace("+00:00", "Z"),
            "ends_at": event.ends_at.isoformat().replace("+00:00", "Z"),
            "time_zone": "Europe/London",
            "date": event.starts_on.isoformat(),
            "time": f"{event.local_start:%H:%M}",
            "duration_minutes": 120,
            "location": event.location,
        },
        "holder": {"name": attendee.name, "email": attendee.email},
        "code": ticket.code,
        "barcode": {
            "svg": f"/api/v1/tickets/{ticket.pk}/barcode.svg",
            "png": f"/api/v1/tickets/{ticket.pk}/barcode.png",
        },
        "link": None,
        "note": "",
        "booked_at": milliseconds(ticket.booked_at),
        "cancelled_at": None,
    }


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer", "Basic YTpi"])
def test_ticket_is_for_nobody_whose_token_is_none_of_ours(client, event, header):
    answer = client.post(f"/api/v1/events/{event.slug}/ticket", headers={"Authorization": header})

    assert_problem(answer, 401, "not_signed_in")
    assert not Ticket.objects.exists()


def test_asking_again_is_200_with_the_same_ticket(caller, event):
    first = book(caller, event, {"note": "By wheelchair"})
    again = book(caller, event, {"note": "Something else"})

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert again["Location"] == first["Location"]
    event.refresh_from_db()
    assert event.places_taken == 1


def test_holder_of_a_ticket_for_an_event_that_is_full_now_gets_the_same_ticket(caller, event):
    first = book(caller, event)
    Event.objects.filter(pk=event.pk).update(capacity=1)

    assert book(caller, event).json() == first.json()


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ({"capacity": 1, "places_taken": 1}, "event_full"),
        ({"starts_at": timezone.now() - timedelta(minutes=1)}, "event_started"),
        ({"status": Event.Status.CANCELLED}, "event_cancelled"),
    ],
)
def test_no_ticket_is_a_refusal_with_its_code(caller, state, code):
    event = EventFactory(**state)

    assert_problem(book(caller, event), 409, code)
    assert not Ticket.objects.exists()


@pytest.mark.parametrize(
    "hidden",
    [{"status": Event.Status.DRAFT}, {"archived_at": timezone.now()}],
    ids=["draft", "archived"],
)
def test_no_ticket_for_what_has_no_page_also_for_its_organiser(program_of, organiser, hidden):
    event = EventFactory(organiser=organiser, **hidden)

    assert_problem(book(program_of(organiser), event), 404, "not_found")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"note": "x" * (NOTE_LENGTH + 1)}, "note"),
        ({"note": 1}, "note"),
        ({"note": "x", "holder": "somebody"}, "holder"),
        ([], ""),
    ],
)
def test_body_that_makes_no_sense_is_refused_and_takes_no_place(caller, event, body, field):
    answer = book(caller, event, body)

    assert [error["field"] for error in assert_problem(answer, 422, "invalid")["errors"]] == [field]
    assert not Ticket.objects.exists()


def test_visitor_takes_no_ticket(program, event):
    assert_problem(book(program, event), 401, "not_signed_in")


def test_session_of_the_site_takes_a_ticket_with_its_csrf_token_and_not_without(event, attendee):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(attendee)
    path = f"/api/v1/events/{event.slug}/ticket"

    without = browser.post(path, "{}", content_type="application/json")
    browser.get("/tickets/")
    browser.get(event.get_absolute_url())
    token = browser.cookies["csrftoken"].value
    with_token = browser.post(
        path, "{}", content_type="application/json", headers={"X-CSRFToken": token}
    )

    assert_problem(without, 403, "csrf_failed")
    assert with_token.status_code == 201


def statements(call):
    with CaptureQueriesContext(connection) as queries:
        answer = call()
    assert answer.status_code in {201, 302}, answer.content
    return [query["sql"] for query in queries]


def test_taking_costs_no_more_statements_than_on_the_page(program_of, client, event):
    one, other = UserFactory(), UserFactory()
    client.force_login(other)
    program = program_of(one)

    on_the_page = statements(lambda: client.post(f"/events/{event.slug}/ticket/"))
    through_the_api = statements(lambda: book(program, event))

    assert len(through_the_api) <= len(on_the_page), "\n".join(through_the_api)


# --- Seeing -------------------------------------------------------------------------------------------


def test_ticket_is_seen_by_its_holder_and_those_who_manage_the_event(
    program, program_of, ticket, attendee, organiser, other_organiser, staff
):
    address = f"/tickets/{ticket.pk}"

    assert program.call("GET", address).status_code == 401
    for person in (attendee, organiser, staff):
        answer = program_of(person).call("GET", address)
        assert answer.status_code == 200
        assert (answer.json()["code"], answer.json()["note"]) == (ticket.code, "By wheelchair")
        assert answer["Cache-Control"] == "private, no-store"
    unknown = program_of(other_organiser).call(
        "GET", "/tickets/6f8f57a5-1d3c-4f5e-9a57-0f7f1a4a3f53"
    )
    hidden = program_of(other_organiser).call("GET", address)
    assert_problem(hidden, 404, "not_found")
    assert hidden.content == unknown.content


def test_ticket_has_the_link_while_it_lets_one_in(caller, event, ticket):
    Event.objects.filter(pk=event.pk).update(online_url="https://secret.example/room")
    assert (
        caller.call("GET", f"/tickets/{ticket.pk}").json()["link"] == "https://secret.example/room"
    )

    cancel_event(event, by=None, reason="Storm")

    shown = caller.call("GET", f"/tickets/{ticket.pk}").json()
    assert shown["status"] == "void"
    assert shown["event"]["cancellation_reason"] == "Storm"
    assert (shown["link"], shown["code"], shown["barcode"]) == (None, None, None)


def test_ticket_of_an_archived_event_stays_with_its_holder(caller, event, ticket):
    past = timezone.now() - timedelta(days=3)
    Event.objects.filter(pk=event.pk).update(status="draft")
    Event.objects.filter(pk=event.pk).update(starts_at=past)
    Event.objects.filter(pk=event.pk).update(status="published")
    archive_event(event)

    shown = caller.call("GET", f"/tickets/{ticket.pk}").json()

    assert (shown["status"], shown["code"]) == ("valid", ticket.code)


@pytest.mark.parametrize(("kind", "mark"), [("svg", b"<svg"), ("png", b"\x89PNG")])
def test_barcode_is_the_picture_of_the_site(caller, client, attendee, ticket, kind, mark):
    client.force_login(attendee)

    answer = caller.call("GET", f"/tickets/{ticket.pk}/barcode.{kind}")

    page = client.get(f"/tickets/{ticket.pk}/barcode.{kind}")
    assert answer.status_code == 200
    assert answer.content.startswith(mark)
    assert (answer.content, answer["Content-Type"]) == (page.content, page["Content-Type"])
    assert answer["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_ticket_that_lets_nobody_in_has_no_barcode(caller, event, attendee, kind):
    cancelled = TicketFactory(event=event, holder=attendee, status=Ticket.Status.CANCELLED)
    void = TicketFactory(event=event, holder=attendee)
    cancel_event(event, by=None)

    for ticket in (cancelled, void):
        answer = caller.call("GET", f"/tickets/{ticket.pk}/barcode.{kind}")
        assert_problem(answer, 404, "not_found")


def test_barcode_is_not_for_others(program_of, ticket):
    answer = program_of(UserFactory()).call("GET", f"/tickets/{ticket.pk}/barcode.svg")

    assert_problem(answer, 404, "not_found")


def test_my_tickets_are_mine_and_newest_first(caller, attendee, now):
    TicketFactory()
    mine = [TicketFactory(holder=attendee, booked_at=now - timedelta(days=n)) for n in range(5)]
    seen, cursor = [], ""

    while cursor is not None:
        page = caller.call("GET", f"/tickets?limit=2&cursor={cursor}").json()
        assert set(page) == {"items", "next_cursor"}
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]

    assert seen == [str(ticket.pk) for ticket in mine]


def test_my_tickets_ahead_and_behind(caller, attendee, now):
    ahead = TicketFactory(holder=attendee)
    under_way = TicketFactory(
        holder=attendee, event=EventFactory(starts_at=now - timedelta(hours=1))
    )
    past = TicketFactory(holder=attendee, event=EventFactory(starts_at=now - timedelta(days=2)))
    cancelled = TicketFactory(holder=attendee, status=Ticket.Status.CANCELLED)
    void = TicketFactory(holder=attendee, event=EventFactory(status=Event.Status.CANCELLED))

    def ids(query):
        answer = caller.call("GET", f"/tickets?{query}")
        return {item["id"] for item in answer.json()["items"]}

    assert ids("ahead=true") == {str(ahead.pk), str(under_way.pk)}
    assert ids("ahead=false") == {str(past.pk), str(cancelled.pk), str(void.pk)}


# --- Changing -----------------------------------------------------------------------------------------


def test_note_changes_until_the_start(caller, ticket):
    answer = caller.call("PATCH", f"/tickets/{ticket.pk}", {"note": "  By bike\n"})

    assert answer.status_code == 200
    assert answer.json()["note"] == "By bike"
    assert caller.call("GET", f"/tickets/{ticket.pk}").json() == answer.json()


@pytest.mark.parametrize("body", [{}, {"note": None}, {"note": "x" * 501}, {"status": "cancelled"}])
def test_change_of_anything_but_the_note_is_refused(caller, ticket, body):
    assert_problem(caller.call("PATCH", f"/tickets/{ticket.pk}", body), 422, "invalid")
    ticket.refresh_from_db()
    assert (ticket.note, ticket.status) == ("By wheelchair", "valid")


def test_cancelled_place_is_free_again_and_its_code_gone(caller, event, ticket):
    answer = caller.call("POST", f"/tickets/{ticket.pk}/cancel")
    again = caller.call("POST", f"/tickets/{ticket.pk}/cancel")

    assert answer.status_code == 200
    assert again.json() == answer.json() == caller.call("GET", f"/tickets/{ticket.pk}").json()
    assert (answer.json()["status"], answer.json()["code"]) == ("cancelled", None)
    event.refresh_from_db()
    assert event.places_taken == 0
    assert book(caller, event).json()["id"] != str(ticket.pk)


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ({"starts_at": timezone.now() - timedelta(minutes=1)}, "event_started"),
        ({"status": Event.Status.CANCELLED}, "ticket_void"),
    ],
)
def test_nothing_changes_once_the_event_has_started_or_is_cancelled(caller, attendee, state, code):
    ticket = TicketFactory(event=EventFactory(**state), holder=attendee)

    assert_problem(caller.call("POST", f"/tickets/{ticket.pk}/cancel"), 409, code)
    assert_problem(caller.call("PATCH", f"/tickets/{ticket.pk}", {"note": "x"}), 409, code)


def test_note_of_a_cancelled_ticket_stays(caller, ticket):
    caller.call("POST", f"/tickets/{ticket.pk}/cancel")

    answer = caller.call("PATCH", f"/tickets/{ticket.pk}", {"note": "x"})

    assert_problem(answer, 409, "ticket_cancelled")


def test_organiser_sees_a_ticket_but_changes_nothing(program_of, organiser, ticket):
    host = program_of(organiser)

    assert_problem(host.call("POST", f"/tickets/{ticket.pk}/cancel"), 403, "forbidden")
    assert_problem(host.call("PATCH", f"/tickets/{ticket.pk}", {"note": "x"}), 403, "forbidden")
    ticket.refresh_from_db()
    assert (ticket.note, ticket.status) == ("By wheelchair", "valid")


# --- An event's tickets -------------------------------------------------------------------------------


@pytest.fixture
def crowd(event, now):
    """Ada has booked last; Grace gave her ticket back; another event has an Ada too."""
    TicketFactory(holder__display_name="Ada Elsewhere", holder__username="elsewhere")
    people = [("ada", "Ada Lovelace", "valid"), ("grace", "Grace Hopper", "cancelled")]
    return {
        username: TicketFactory(
            event=event,
            holder__username=username,
            holder__display_name=name,
            status=status,
            booked_at=now - timedelta(minutes=n),
            code=f"{n:020}",
        )
        for n, (username, name, status) in enumerate(people)
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["ada", "grace"]),
        ("?status=valid", ["ada"]),
        ("?status=cancelled", ["grace"]),
        ("?q=LOVE", ["ada"]),
        ("?q=ada+lovelace", ["ada"]),
        ("?q=grace@example.org", ["grace"]),
        ("?q=hopper&status=valid", []),
        ("?q=0000+0000+0000+0000+0001", ["grace"]),
        ("?q=0000000000000000000", []),
    ],
)
def test_organiser_finds_tickets_by_person_and_whole_code(
    program_of, organiser, event, crowd, query, found
):
    answer = program_of(organiser).call("GET", f"/events/{event.slug}/tickets{query}")

    assert answer.status_code == 200
    ids = {str(ticket.pk): username for username, ticket in crowd.items()}
    assert [ids[item["id"]] for item in answer.json()["items"]] == found
    assert answer["Cache-Control"] == "private, no-store"


def test_tickets_of_an_event_come_in_pages_without_a_total(program_of, organiser, event, now):
    for n in range(5):
        TicketFactory(event=event, booked_at=now - timedelta(minutes=n))
    host, seen, cursor = program_of(organiser), [], ""

    while cursor is not None:
        page = host.call("GET", f"/events/{event.slug}/tickets?limit=2&cursor={cursor}").json()
        assert set(page) == {"items", "next_cursor"}
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]

    assert seen == [str(pk) for pk in event.tickets.latest_first().values_list("pk", flat=True)]


def test_tickets_of_an_event_are_for_those_who_manage_it(program_of, event, ticket, attendee):
    for person in (attendee, UserFactory(organiser=True)):
        answer = program_of(person).call("GET", f"/events/{event.slug}/tickets")
        assert_problem(answer, 403, "forbidden")
