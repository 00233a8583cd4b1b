"""An event's tickets in the admin: its organisers look, nobody edits (SPEC 3)."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from events.models import Event
from events.services import cancel_event
from tests.events.factories import EventFactory
from tests.tickets.factories import TicketFactory
from tickets import querysets
from tickets.models import Ticket

pytestmark = pytest.mark.django_db

LIST = "/admin/tickets/ticket/"


@pytest.fixture
def signed_in(client, organiser):
    client.force_login(organiser)
    return client


@pytest.fixture
def tickets(event, other_organiser):
    """Two tickets of the event and one of another organiser's, told apart by every word."""
    own = TicketFactory(event=event, holder__display_name="Ada", note="Needs a ramp")
    second = TicketFactory(event=event, holder__display_name="Grace")
    foreign = TicketFactory(
        event=EventFactory(organiser=other_organiser, title="Foreign"),
        holder__display_name="Ada Foreign",
        note="Foreign note",
    )
    return own, second, foreign


def listed(response):
    return list(response.context["cl"].result_list)


def test_list_shows_names_addresses_and_notes_of_own_events_only(signed_in, tickets):
    own, second, foreign = tickets

    response = signed_in.get(LIST)

    assert set(listed(response)) == {own, second}
    for words in ("Ada", own.holder.email, "Needs a ramp"):
        assert words in response.text
    for words in (
        "Foreign",
        own.code_in_groups,
        foreign.holder.email,
        foreign.code_in_groups,
        str(foreign.event_id),
    ):
        assert words not in response.text


def test_search_finds_by_whole_address_and_whole_code(signed_in, tickets):
    own, _second, _foreign = tickets

    for words in (own.holder.email, own.holder.email.upper(), own.code, own.code_in_groups):
        assert listed(signed_in.get(LIST, {"q": words})) == [own]


def test_search_finds_names_among_one_events_tickets_alone(signed_in, event, tickets):
    own, second, _foreign = tickets

    for words in ("Ada", "ada", own.holder.email, own.code):
        assert listed(signed_in.get(LIST, {"q": words, "event": event.pk})) == [own]
    assert listed(signed_in.get(LIST, {"q": "Ada"})) == []
    assert set(listed(signed_in.get(LIST, {"q": " "}))) == {own, second}


def test_names_that_begin_with_the_words_come_before_those_that_hold_them(
    signed_in, event, tickets
):
    own, second, _foreign = tickets
    grada = TicketFactory(event=event, holder__display_name="Grada Lovelace")
    username = TicketFactory(event=event, holder__username="adamant", holder__display_name="Zoë")

    def found(words):
        return set(listed(signed_in.get(LIST, {"q": words, "event": event.pk})))

    assert found("ada") == {own, username}
    assert found(" GRADA  love") == {grada}
    assert found("Lovelace") == {grada}
    assert found("lace grada") == {grada}
    assert found("nobody") == set()
    assert found("%") == set()
    assert second not in found("ada")


@pytest.mark.parametrize("namesakes", [1, 4])
def test_many_of_one_name_are_all_found(signed_in, event, monkeypatch, namesakes):
    monkeypatch.setattr(querysets, "NAMESAKES", namesakes)
    here = {TicketFactory(event=event, holder__display_name="Kim Lee") for _n in range(3)}
    TicketFactory(holder__display_name="Kim Lee")

    assert set(listed(signed_in.get(LIST, {"q": "kim", "event": event.pk}))) == here


@pytest.mark.postgresql
def test_beginnings_of_names_have_an_index_for_what_the_list_asks(signed_in, event, tickets):
    with CaptureQueriesContext(connection) as queries:
        signed_in.get(LIST, {"q": "ada", "event": event.pk})
    asked = "".join(query["sql"] for query in queries)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexdef FROM pg_indexes WHERE indexname LIKE 'accounts_user_%_begins'"
        )
        indexes = [definition for (definition,) in cursor.fetchall()]

    for name in ("display_name", "username"):
        assert f"""UPPER("accounts_user"."{name}"::text) LIKE UPPER('ada%')""" in asked
        assert any(f"upper(({name})::text) varchar_pattern_ops" in index for index in indexes)


def test_search_says_what_it_finds(signed_in, event, tickets):
    assert "Code or e-mail address" in signed_in.get(LIST).text
    assert "Search by name, e-mail or code" in signed_in.get(LIST, {"event": event.pk}).text


def test_list_goes_on_page_by_page_and_counts_nothing(signed_in, event, now):
    Event.objects.filter(pk=event.pk).update(capacity=200)
    booked = [now - timedelta(minutes=number) for number in range(120)]
    made = [TicketFactory(event=event, booked_at=moment) for moment in booked]
    address = f"{LIST}?event={event.pk}"
    pages = []
    while address:
        with CaptureQueriesContext(connection) as queries:
            response = signed_in.get(address)
        assert "COUNT(" not in "".join(query["sql"] for query in queries)
        changelist = response.context["cl"]
        pages.append(listed(response))
        assert ("First page" in response.text) == (len(pages) > 1)
        address = f"{LIST}{changelist.next_url}" if changelist.next_cursor else ""

    assert [len(page) for page in pages] == [50, 50, 20]
    assert [ticket for page in pages for ticket in page] == made


def test_next_page_keeps_what_the_list_is_narrowed_to_and_a_filter_begins_anew(
    signed_in, event, tickets
):
    Event.objects.filter(pk=event.pk).update(capacity=200)
    TicketFactory.create_batch(51, event=event)

    changelist = signed_in.get(LIST, {"event": event.pk, "status": "valid"}).context["cl"]
    second = signed_in.get(f"{LIST}{changelist.next_url}")

    assert "status=valid" in changelist.next_url
    assert f"event={event.pk}" in changelist.next_url
    assert len(listed(second)) == 3
    assert "after" not in second.context["cl"].get_query_string({"status": "cancelled"})
    assert 'name="after"' not in second.text


def test_cursor_that_no_page_gave_out_leads_to_the_first(signed_in, tickets):
    response = signed_in.get(LIST, {"after": "nonsense"})

    assert set(listed(response)) == set(tickets[:2])
    assert "First page" not in response.text


def test_page_of_all_tickets_is_found_by_an_index_alone(signed_in, staff, client, tickets):
    client.force_login(staff)
    with CaptureQueriesContext(connection) as queries:
        client.get(LIST)

    (listing,) = [query["sql"] for query in queries if '"tickets_ticket"."code"' in query["sql"]]
    assert 'ORDER BY "tickets_ticket"."booked_at" DESC, "tickets_ticket"."id" DESC' in listing
    assert " IN (" not in listing


def test_search_finds_no_code_by_its_beginning_and_no_foreign_ticket(signed_in, tickets):
    own, _second, foreign = tickets

    for words in (own.code[:19], foreign.code, foreign.holder.email, "Foreign"):
        assert listed(signed_in.get(LIST, {"q": words})) == []


def test_list_is_narrowed_to_one_event_and_to_a_status(signed_in, event, tickets, organiser):
    _own, second, _foreign = tickets
    other = TicketFactory(event=EventFactory(organiser=organiser))
    Ticket.objects.filter(pk=second.pk).update(status=Ticket.Status.CANCELLED)

    assert listed(signed_in.get(LIST, {"event": other.event_id})) == [other]
    assert listed(signed_in.get(LIST, {"status": "cancelled"})) == [second]
    assert listed(signed_in.get(LIST, {"event": "nonsense"})) == []


def test_foreign_event_in_the_filter_shows_nothing_and_is_not_named(signed_in, tickets):
    foreign = tickets[2]

    response = signed_in.get(LIST, {"event": foreign.event_id})

    assert listed(response) == []
    assert "Foreign" not in response.text


def test_ticket_of_a_cancelled_event_is_shown_as_void(signed_in, event, tickets, organiser):
    cancel_event(event, by=organiser)

    assert "Void" in signed_in.get(f"{LIST}{tickets[0].pk}/change/").text


def test_ticket_page_has_nothing_to_fill_in(signed_in, tickets):
    own = tickets[0]

    html = signed_in.get(f"{LIST}{own.pk}/change/").text

    assert own.code_in_groups in html
    assert 'name="note"' not in html
    assert 'name="_save"' not in html


def test_event_page_leads_to_its_tickets(signed_in, event, tickets):
    page = signed_in.get(f"/admin/events/event/{event.pk}/change/")

    tool = next(tool for tool in page.context["tools"] if tool.label == "Tickets")
    assert set(listed(signed_in.get(tool.url))) == set(tickets[:2])


def test_list_of_one_event_is_headed_by_it_and_leads_back(signed_in, event, tickets):
    response = signed_in.get(LIST, {"event": event.pk})

    assert response.context["event"] == event
    assert response.text.count(f'href="/admin/events/event/{event.pk}/change/"') == 2
    assert "column-event_title" not in response.text
    assert "column-event_title" in signed_in.get(LIST).text


def test_list_of_a_foreign_event_names_nothing_of_it(signed_in, tickets):
    foreign = tickets[2].event

    response = signed_in.get(LIST, {"event": foreign.pk})

    assert listed(response) == []
    assert "Foreign" not in response.text


def test_list_offers_few_events_the_next_one_first(signed_in, organiser, now):
    for number in range(12):
        starts_at = now + timedelta(days=12 - number)
        EventFactory(organiser=organiser, title=f"In {12 - number} days", starts_at=starts_at)

    choices = signed_in.get(LIST).context["cl"].filter_specs[0].lookup_choices

    assert [title for _pk, title in choices] == [f"In {day} days" for day in range(1, 9)]
