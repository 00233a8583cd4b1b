"""The topic `organised`: how an event fills, live for its organisers alone (SPEC 6)."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from events.models import Event
from events.permissions import may_manage_event
from events.services import add_organiser, change_event, delete_draft, remove_organiser
from notifications.live.topics import find
from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory
from tests.tickets.factories import TicketFactory
from tickets import live
from tickets.services import book_ticket, cancel_ticket, change_note

pytestmark = pytest.mark.django_db


def state(event):
    return live.read([event.pk])[event.pk]


def said(event):
    return live.frame(event.pk, state(event))


def booked(event, hours_ago, **fields):
    return TicketFactory(
        event=event, booked_at=timezone.now() - timedelta(hours=hours_ago), **fields
    )


def test_topic_is_registered_by_its_name():
    assert find("organised") is live.ORGANISED


# --- Who may follow -------------------------------------------------------------------------------


def test_organisers_and_staff_follow_and_nobody_else(event, organiser, other_organiser, staff):
    promoted, holder, stranger = UserFactory(), UserFactory(), UserFactory()
    add_organiser(event, user=promoted, by=organiser)
    TicketFactory(event=event, holder=holder)
    may = [organiser, promoted, staff]
    may_not = [holder, stranger, other_organiser]

    assert [live.permit(user, str(event.pk)) for user in may] == [event.pk] * 3
    assert [live.permit(user, str(event.pk)) for user in may_not] == [None] * 3
    assert all(may_manage_event(user, event) for user in may)
    assert not any(may_manage_event(user, event) for user in may_not)


def test_removed_organiser_may_not_follow_any_longer(event, organiser, attendee):
    add_organiser(event, user=attendee, by=organiser)
    remove_organiser(event, user=attendee)

    assert live.permit(attendee, str(event.pk)) is None


@pytest.mark.parametrize("account", ["organiser", "staff"])
def test_closed_account_may_not_follow(event, request, account):
    user = request.getfixturevalue(account)
    user.is_active = False

    assert live.permit(user, str(event.pk)) is None


@pytest.mark.parametrize("words", ["", "nothing", "1", "é" * 36, "{}"])
def test_nonsense_is_followed_by_nobody(staff, words):
    assert live.permit(staff, words) is None


def test_event_that_does_not_exist_is_followed_by_nobody(staff):
    assert live.permit(staff, str(uuid4())) is None


def test_draft_is_followed_by_its_organisers(organiser, other_organiser):
    draft = EventFactory(status=Event.Status.DRAFT, organiser=organiser)

    assert live.permit(organiser, str(draft.pk)) == draft.pk
    assert live.permit(other_organiser, str(draft.pk)) is None


def test_permission_is_one_query(event, organiser, django_assert_num_queries):
    with django_assert_num_queries(1):
        live.permit(organiser, str(event.pk))


# --- What is new ----------------------------------------------------------------------------------


def test_states_of_many_events_are_one_query(django_assert_num_queries):
    events = [EventFactory() for _n in range(20)]
    for event in events[:3]:
        TicketFactory(event=event)

    with django_assert_num_queries(1):
        states = live.read([event.pk for event in events])

    assert [states[event.pk].taken for event in events] == [1, 1, 1] + [0] * 17


def test_booking_and_cancelling_are_new_states(event, attendee):
    before = state(event)
    ticket = book_ticket(event, holder=attendee).ticket
    booked_state = state(event)
    cancel_ticket(ticket, by=attendee)

    assert len({before, booked_state, state(event)}) == 3


def test_cancelling_and_booking_at_once_is_a_new_state_though_the_count_is_the_same(
    event, attendee
):
    ticket = book_ticket(event, holder=attendee).ticket
    before = state(event)

    cancel_ticket(ticket, by=attendee)
    book_ticket(event, holder=UserFactory())

    assert state(event).taken == before.taken
    assert state(event) != before


def test_booking_again_at_once_is_a_new_state(event, attendee):
    ticket = book_ticket(event, holder=attendee).ticket
    before = state(event)

    cancel_ticket(ticket, by=attendee)
    book_ticket(event, holder=attendee)

    assert state(event) != before


def test_one_of_the_latest_given_back_is_a_new_state_even_when_a_count_hides_it(event):
    tickets = [booked(event, hours_ago=n) for n in range(6)]
    before = state(event)

    cancel_ticket(tickets[4], by=tickets[4].holder)
    Event.objects.filter(pk=event.pk).update(places_taken=before.taken)

    assert state(event) != before


@pytest.mark.parametrize("changes", [{"capacity": 40}], ids=["capacity"])
def test_new_capacity_is_a_new_state(event, organiser, changes):
    before = state(event)

    change_event(event, changes=changes, by=organiser)

    assert state(event) != before


def test_cancelled_event_is_a_new_state(event):
    before = state(event)

    Event.objects.filter(pk=event.pk).update(status=Event.Status.CANCELLED)

    assert state(event) != before


def test_what_shows_neither_in_counts_nor_arrivals_is_no_new_state(event, organiser, attendee):
    ticket = book_ticket(event, holder=attendee).ticket
    before = state(event)

    change_note(ticket, note="Step-free, please", by=attendee)
    change_event(event, changes={"title": "Another", "description": "Words"}, by=organiser)
    TicketFactory()

    assert state(event) == before


def test_deleted_event_has_no_state(organiser):
    draft = EventFactory(status=Event.Status.DRAFT, organiser=organiser)
    before = state(draft)
    delete_draft(draft)

    assert live.read([draft.pk]) == {}
    assert live.frame(draft.pk, before)["parts"] == {}


def plan_of_reading(event):
    with CaptureQueriesContext(connection) as queries:
        live.read([event.pk])
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
        explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
        cursor.execute(f"{explain} {queries[0]['sql']}")
        return str(cursor.fetchall())


def test_latest_bookings_are_read_by_their_index(event):
    TicketFactory.create_batch(3, event=event)

    assert plan_of_reading(event).count("tickets_latest") == 2


# --- What is said ---------------------------------------------------------------------------------


@pytest.fixture
def organisers_page(client, event, organiser):
    client.force_login(organiser)
    return lambda: client.get(reverse("admin:events_event_change", args=[event.pk])).text


def test_frame_says_the_counts(event):
    TicketFactory.create_batch(3, event=event)

    told = said(event)

    assert (told["event"], told["taken"], told["capacity"]) == (str(event.pk), 3, 10)
    assert "<strong>3 of 10</strong>" in told["parts"]["organiser-bar"]
    assert 'value="3"' in told["parts"]["places-live"]


def test_frame_has_the_parts_that_the_pages_show(client, event, organisers_page):
    booked(event, hours_ago=1)
    booked(event, hours_ago=2, status="cancelled", cancelled_at=timezone.now())

    parts = said(event)["parts"]

    admin = organisers_page()
    assert set(parts) == {"organiser-bar", "places-live", "arrivals"}
    assert parts["places-live"] in admin
    assert parts["arrivals"] in admin
    assert parts["organiser-bar"] in client.get(event.get_absolute_url()).text


def test_arrivals_are_the_latest_five_newest_first(event):
    tickets = [booked(event, hours_ago=n) for n in (3, 1, 2, 6, 5, 4)]
    names = [ticket.holder.name for ticket in sorted(tickets, key=lambda it: it.booked_at)][::-1]

    shown = said(event)["parts"]["arrivals"]

    assert [name for name in names if name in shown] == names[:5]
    assert sorted(names[:5], key=shown.index) == names[:5]


def test_arrivals_say_how_a_ticket_stands(event):
    booked(event, hours_ago=1)
    booked(event, hours_ago=2, status="cancelled", cancelled_at=timezone.now())
    assert said(event)["parts"]["arrivals"].count('<span class="badge badge-mine">Valid<') == 1
    assert said(event)["parts"]["arrivals"].count('<span class="badge ">Cancelled<') == 1

    Event.objects.filter(pk=event.pk).update(status=Event.Status.CANCELLED)

    assert said(event)["parts"]["arrivals"].count('<span class="badge badge-stop">Void<') == 1


def test_arrivals_go_by_the_events_own_clock(event):
    event = EventFactory(time_zone="Pacific/Auckland")
    booked_at = datetime(timezone.now().year, 1, 5, 20, 30, tzinfo=UTC)
    TicketFactory(event=event, booked_at=booked_at)
    TicketFactory(event=event, booked_at=booked_at.replace(year=2020))

    shown = said(event)["parts"]["arrivals"]

    assert "6 Jan, 09:30" in shown
    assert "6 Jan 2020" in shown


def test_arrivals_escape_names(event):
    TicketFactory(event=event, holder=UserFactory(display_name="<b>Ann</b>"))

    assert "&lt;b&gt;Ann" in said(event)["parts"]["arrivals"]


def test_arrivals_hold_no_code_address_or_note(event):
    ticket = TicketFactory(event=event, note="Step-free, please")

    told = str(said(event))

    assert ticket.code not in told
    assert ticket.holder.email not in told
    assert "Step-free" not in told


def test_frame_takes_two_queries_however_many_came(event, django_assert_num_queries):
    TicketFactory.create_batch(7, event=event)
    now = state(event)

    with django_assert_num_queries(2):
        live.frame(event.pk, now)


def test_admin_page_of_an_event_nobody_has_booked_says_so(organisers_page):
    assert "Nobody has a ticket yet." in organisers_page()


def test_admin_page_of_a_draft_has_no_arrivals(client, organiser):
    draft = EventFactory(status=Event.Status.DRAFT, organiser=organiser)
    client.force_login(organiser)

    page = client.get(reverse("admin:events_event_change", args=[draft.pk])).text

    assert 'id="arrivals"' not in page
