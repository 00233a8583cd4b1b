"""What people see of tickets: the panel, the card, the ticket's page (SPEC 2, 3, 7)."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template import engines
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone

from events.models import Event
from events.services import cancel_event
from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory
from tests.tickets.factories import TicketFactory
from tests.tickets.html import masked
from tickets.models import Ticket
from tickets.services import cancel_ticket

pytestmark = pytest.mark.django_db

LINK = "https://meet.example.org/secret-room"


def shown(source, user, **context):
    """The tags as `user` sees them on a page of another app."""
    request = RequestFactory().get("/")
    request.user = user
    return engines["django"].from_string("{% load booking %}" + source).render(context, request)


def panel(event, user=None, **context):
    return shown("{% booking_panel event %}", user or AnonymousUser(), event=event, **context)


def card(event, user=None, **context):
    return shown("{% my_state event %}", user or AnonymousUser(), event=event, **context)


def heading(html):
    return html.split("<h2>")[1].split("</h2>")[0]


@pytest.fixture
def ticket(event, attendee):
    return TicketFactory(event=event, holder=attendee)


def at_start(event):
    return event.starts_at


def at_end(event):
    return event.starts_at + event.duration


@pytest.mark.parametrize("held", [False, True], ids=["without ticket", "with ticket"])
@pytest.mark.parametrize(
    ("moment", "title"),
    [(at_start, "This event has started"), (at_end, "This event is over")],
    ids=["started", "ended"],
)
def test_panel_of_an_event_that_started_offers_no_request(event, attendee, moment, title, held):
    ticket = TicketFactory(event=event, holder=attendee) if held else None

    html = panel(event, attendee, now=moment(event))

    assert heading(html) == title
    assert "<form" not in html
    assert (ticket is not None and ticket.get_absolute_url() in html) == held


def test_panel_offers_the_request_with_a_note_up_to_the_start(event, attendee):
    html = panel(event, attendee, now=event.starts_at - timedelta(microseconds=1))

    assert heading(html) == "Get your place"
    assert f'action="{reverse("tickets:request", args=[event.slug])}"' in html
    assert ('name="note"' in html, 'maxlength="500"' in html) == (True, True)
    assert html.count("btn-primary") == 1


def test_panel_asks_visitors_to_sign_in_and_come_back(event):
    html = panel(event)

    assert f'href="/accounts/login/?next=/events/{event.slug}/"' in html
    assert "<form" not in html


def test_panel_of_my_ticket_leads_to_it_and_can_cancel(event, attendee, ticket):
    html = panel(event, attendee)

    assert heading(html) == "You have a ticket"
    assert f'href="{ticket.get_absolute_url()}"' in html
    assert f'hx-post="{reverse("tickets:cancel", args=[ticket.pk])}"' in html


def test_panel_of_a_full_event_says_so_and_offers_nothing(attendee):
    event = EventFactory(capacity=1, places_taken=1)

    for html in (panel(event), panel(event, attendee)):
        assert heading(html) == "No places left"
        assert html.count("FULL") == 1
        assert ("<form" in html, "btn" in html) == (False, False)


def test_panel_of_a_cancelled_event_gives_the_reason(event, attendee, ticket):
    event = cancel_event(event, by=None, reason="Storm <warning>")

    html = panel(event, attendee)

    assert heading(html) == "This event is cancelled"
    assert "Storm &lt;warning&gt;" in html
    assert ("<form" in html, ticket.get_absolute_url() in html) == (False, True)


def test_panel_of_a_draft_explains_itself(organiser):
    draft = EventFactory(organiser=organiser, status=Event.Status.DRAFT)

    html = panel(draft, organiser)

    assert heading(html) == "This is a draft"
    assert ("<form" in html, "btn" in html) == (False, False)


def test_online_link_is_for_holders_of_a_valid_ticket_and_organisers(organiser, other_organiser):
    event = EventFactory(organiser=organiser, online_url=LINK)
    holder, former = TicketFactory(event=event).holder, TicketFactory(event=event)
    cancel_ticket(former, by=former.holder)
    elsewhere = TicketFactory().holder
    event.refresh_from_db()

    may = {
        name: LINK in panel(event, user)
        for name, user in {
            "visitor": AnonymousUser(),
            "attendee": UserFactory(),
            "holder": holder,
            "former holder": former.holder,
            "holder elsewhere": elsewhere,
            "organiser": organiser,
            "other organiser": other_organiser,
            "staff": UserFactory(is_staff=True),
        }.items()
    }

    assert may == {
        "visitor": False,
        "attendee": False,
        "holder": True,
        "former holder": False,
        "holder elsewhere": False,
        "organiser": True,
        "other organiser": False,
        "staff": True,
    }


def test_online_link_goes_when_the_event_is_cancelled(organiser):
    event = EventFactory(organiser=organiser, online_url=LINK)
    holder = TicketFactory(event=event).holder
    event = cancel_event(event, by=None)

    assert (LINK in panel(event, holder), LINK in panel(event, organiser)) == (False, True)


@pytest.mark.parametrize("tag", [panel, card])
def test_tags_do_not_depend_on_hidden_popularity(tag, event):
    for user in (AnonymousUser(), UserFactory()):
        worlds = []
        for taken in (0, 95):
            event.capacity, event.places_taken = 100, taken
            worlds.append(masked(tag(event, user)))
        event.capacity = 5000
        worlds.append(masked(tag(event, user)))

        assert len(set(worlds)) == 1


def test_card_offers_one_action_for_my_state(event, attendee, ticket):
    stranger = UserFactory()

    texts = {
        "visitor": card(event),
        "stranger": card(event, stranger),
        "holder": card(event, attendee),
    }

    actions = {
        name: [it in html for it in ("Sign in to get a ticket", "Request a ticket", "View ticket")]
        for name, html in texts.items()
    }
    assert actions == {
        "visitor": [True, False, False],
        "stranger": [False, True, False],
        "holder": [False, False, True],
    }
    assert '<span class="badge badge-mine">You have a ticket</span>' in texts["holder"]
    assert "Cancel ticket" in texts["holder"]


@pytest.mark.parametrize("moment", [at_start, at_end])
def test_card_of_an_event_that_started_has_no_request_and_no_cancel(
    event, attendee, ticket, moment
):
    now = moment(event)

    assert "<form" not in card(event, UserFactory(), now=now)
    assert "<a" not in card(event, now=now)
    mine = card(event, attendee, now=now)
    assert ("View ticket" in mine, "Cancel" in mine) == (True, False)


def test_card_of_a_full_event_has_the_badge_alone(attendee):
    html = card(EventFactory(capacity=1, places_taken=1), attendee)

    assert '<span class="badge badge-full">FULL</span>' in html
    assert ("<form" in html, "<a" in html) == (False, False)


def test_cards_of_a_page_cost_one_query_for_my_tickets(attendee, django_assert_num_queries):
    events = EventFactory.create_batch(5)
    TicketFactory(event=events[1], holder=attendee)
    each = "{% has_ticket event as mine %}{{ mine }}{% my_state event %}"
    source = f"{{% for event in events %}}{each}{{% endfor %}}"

    with django_assert_num_queries(1):
        html = shown(source, attendee, events=events)
    with django_assert_num_queries(0):
        shown(source, AnonymousUser(), events=events)

    assert (html.count("True"), html.count("View ticket")) == (1, 1)


def test_ticket_page_shows_what_the_door_needs(client, attendee, event, ticket):
    client.force_login(attendee)

    response = client.get(ticket.get_absolute_url())

    html = response.content.decode()
    svg = reverse("tickets:barcode_svg", args=[ticket.pk])
    assert response.headers["Cache-Control"] == "private, no-store"
    assert f'<img src="{svg}" alt="{ticket.code}"' in html
    assert f'<p class="ticket-code">{ticket.code_in_groups}</p>' in html
    for words in (
        event.title,
        event.location,
        attendee.display_name,
        "London",
        event.local_start.strftime("%H:%M"),
    ):
        assert words in html
    assert reverse("tickets:cancel", args=[ticket.pk]) in html
    assert "style=" not in html


def test_ticket_page_shows_the_date_of_the_events_own_zone(client, attendee):
    start = timezone.datetime(2030, 1, 1, 11, 30, tzinfo=timezone.get_fixed_timezone(0))
    event = EventFactory(starts_at=start, time_zone="Pacific/Auckland")
    ticket = TicketFactory(event=event, holder=attendee)
    client.force_login(attendee)

    html = client.get(ticket.get_absolute_url()).content.decode()

    assert "Wed, 2 January 2030" in html
    assert ">00:30</time>, Auckland" in html


def test_cancelled_ticket_has_no_barcode_and_says_why(client, attendee, ticket):
    cancel_ticket(
        ticket,
        by=attendee,
        now=timezone.datetime(2026, 3, 4, tzinfo=timezone.get_fixed_timezone(0)),
    )
    client.force_login(attendee)

    html = client.get(ticket.get_absolute_url()).content.decode()

    assert "You cancelled it on 4 March 2026." in html
    assert ("barcode.svg" in html, ticket.code in html, ticket.code_in_groups in html) == (
        False,
    ) * 3
    assert "<form" not in html


def test_void_ticket_has_no_barcode_and_gives_the_reason(client, attendee, event, ticket):
    cancel_event(event, by=None, reason="The hall is flooded.")
    client.force_login(attendee)

    html = client.get(ticket.get_absolute_url()).content.decode()

    assert "This ticket is not valid" in html
    assert "The hall is flooded." in html
    assert ("barcode.svg" in html, ticket.code_in_groups in html, "<form" in html) == (False,) * 3


def test_past_valid_ticket_keeps_its_barcode_and_cannot_change(client, attendee):
    ticket = past_ticket(attendee, note="Front row")
    client.force_login(attendee)

    html = client.get(ticket.get_absolute_url()).content.decode()

    assert ("barcode.svg" in html, ticket.code_in_groups in html, "Front row" in html) == (
        True,
    ) * 3
    assert ("<form" in html, reverse("tickets:cancel", args=[ticket.pk]) in html) == (False, False)
    assert client.get(reverse("tickets:barcode_svg", args=[ticket.pk])).status_code == 200


def past_ticket(holder, **fields):
    event = EventFactory(starts_at=timezone.now() - timedelta(days=3))
    return TicketFactory(event=event, holder=holder, **fields)


def test_ticket_of_an_archived_event_stays_with_its_holder(client, attendee):
    ticket = past_ticket(attendee)
    Event.objects.filter(pk=ticket.event_id).update(archived_at=timezone.now())
    client.force_login(attendee)

    response = client.get(ticket.get_absolute_url())

    assert response.status_code == 200
    assert ticket.event.get_absolute_url() not in response.content.decode()


def test_ticket_page_shows_organisers_the_note_but_no_buttons(client, organiser, event):
    ticket = TicketFactory(event=event, note="Step-free, please")
    client.force_login(organiser)

    html = client.get(ticket.get_absolute_url()).content.decode()

    assert ("Step-free, please" in html, ticket.code_in_groups in html) == (True, True)
    assert ("<form" in html, reverse("tickets:cancel", args=[ticket.pk]) in html) == (False, False)


def test_online_link_is_on_a_ticket_that_admits_only(client, attendee):
    ticket = TicketFactory(event=EventFactory(online_url=LINK), holder=attendee)
    client.force_login(attendee)
    before = client.get(ticket.get_absolute_url()).content.decode()

    cancel_ticket(Ticket.objects.get(), by=attendee)

    after = client.get(ticket.get_absolute_url()).content.decode()
    assert (LINK in before, LINK in after) == (True, False)


@pytest.mark.parametrize(
    ("kind", "content_type", "magic"),
    [("svg", "image/svg+xml", b"<svg "), ("png", "image/png", b"\x89PNG")],
)
def test_barcode_is_a_picture_that_nobody_keeps(
    client, attendee, ticket, kind, content_type, magic
):
    client.force_login(attendee)

    response = client.get(reverse(f"tickets:barcode_{kind}", args=[ticket.pk]))

    assert response.content.startswith(magic)
    assert response.headers["Content-Type"] == content_type
    assert response.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("kind", ["svg", "png"])
@pytest.mark.parametrize("how", ["void", "cancelled"])
def test_barcode_of_a_ticket_that_admits_nobody_is_not_found(
    client, attendee, event, ticket, kind, how
):
    if how == "void":
        cancel_event(event, by=None)
    else:
        cancel_ticket(ticket, by=attendee)
    client.force_login(attendee)

    assert client.get(reverse(f"tickets:barcode_{kind}", args=[ticket.pk])).status_code == 404


def test_calendar_file_is_the_holders_entry(client, attendee, ticket):
    client.force_login(attendee)
    url = reverse("tickets:ics", args=[ticket.pk])

    response = client.get(url)

    assert f'href="{url}"' in client.get(ticket.get_absolute_url()).content.decode()
    assert response.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert response.headers["Cache-Control"] == "private, no-store"
    assert b"METHOD:PUBLISH" in response.content
    assert f"UID:ticket-{ticket.pk}@".encode() in response.content
    assert ticket.code.encode() not in response.content
