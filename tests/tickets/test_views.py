"""Requesting, changing and cancelling a ticket through the site (SPEC 3, 9, 11)."""

from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from events.models import Event
from events.services import cancel_event
from tests.accounts.factories import UserFactory
from tests.accounts.signing_in import sign_in_with_record
from tests.events.factories import EventFactory
from tests.tickets.factories import TicketFactory
from tests.tickets.html import masked
from tickets.models import Ticket
from tickets.signals import booking_prepared

pytestmark = pytest.mark.django_db

HTMX_PANEL = {"HX-Request": "true", "HX-Target": "panel"}


def request_url(event):
    return reverse("tickets:request", args=[event.slug])


def cancel_url(ticket):
    return reverse("tickets:cancel", args=[ticket.pk])


def note_url(ticket):
    return reverse("tickets:note", args=[ticket.pk])


def said(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


def htmx_card(event):
    return {"HX-Request": "true", "HX-Target": f"my-state-{event.slug}"}


def start_now(event):
    """Let the event have started, round the guard that freezes the start of published events."""
    Event.objects.filter(pk=event.pk).update(status=Event.Status.DRAFT)
    event.starts_at = timezone.now() - timedelta(minutes=5)
    Event.objects.filter(pk=event.pk).update(starts_at=event.starts_at)
    Event.objects.filter(pk=event.pk).update(status=Event.Status.PUBLISHED)
    event.refresh_from_db()
    return event


@pytest.fixture
def signed_in(client, attendee):
    sign_in_with_record(client, attendee)
    return client


@pytest.fixture
def ticket(event, attendee):
    return TicketFactory(event=event, holder=attendee)


def test_request_gives_a_ticket_and_leads_to_its_page(signed_in, event, attendee):
    response = signed_in.post(request_url(event), {"note": "Two steps\r\nat the door"})

    ticket = Ticket.objects.get()
    assert (ticket.holder, ticket.event, ticket.note) == (
        attendee,
        event,
        "Two steps\nat the door",
    )
    assert (response.status_code, response.url) == (302, f"/tickets/{ticket.pk}/")
    assert said(response) == ["You have a ticket."]


def test_request_twice_leads_to_the_same_ticket_and_says_so(signed_in, event):
    first = signed_in.post(request_url(event))

    second = signed_in.post(request_url(event))

    assert Ticket.objects.count() == 1
    assert second.url == first.url
    assert "You already have a ticket for this event." in said(second)


def test_request_when_not_signed_in_leads_to_sign_in_and_back_to_the_event(client, event):
    response = client.post(request_url(event))

    assert response.status_code == 302
    assert response.url == f"/accounts/login/?next=/events/{event.slug}/"
    assert not Ticket.objects.exists()


def test_request_by_get_changes_nothing(signed_in, event):
    response = signed_in.get(request_url(event))

    assert (response.status_code, response.url) == (302, event.get_absolute_url())
    assert not Ticket.objects.exists()


def test_request_needs_the_forgery_token(event, attendee):
    client = Client(enforce_csrf_checks=True)
    client.force_login(attendee)

    assert client.post(request_url(event)).status_code == 403
    assert not Ticket.objects.exists()


def test_request_for_a_draft_or_unknown_event_is_not_found(client, organiser):
    draft = EventFactory(organiser=organiser, status=Event.Status.DRAFT)
    client.force_login(organiser)

    assert client.post(request_url(draft)).status_code == 404
    assert client.post("/events/nothing-here/ticket/").status_code == 404


REFUSALS = {
    "full": "This event is full. Look again later: places may free up.",
    "cancelled": "This event was cancelled.",
    "started": "This event has started, so tickets are closed.",
}


@pytest.fixture(params=list(REFUSALS))
def closed(request, event):
    """An event that gives no ticket, and the sentence that says why."""
    if request.param == "full":
        TicketFactory.create_batch(event.capacity, event=event)
    elif request.param == "cancelled":
        cancel_event(event, by=None)
    else:
        start_now(event)
    event.refused_with = REFUSALS[request.param]
    return event


def test_refusal_leads_back_to_the_event_with_its_sentence(signed_in, closed, attendee):
    response = signed_in.post(request_url(closed))

    assert (response.status_code, response.url) == (302, closed.get_absolute_url())
    assert said(response) == [closed.refused_with]
    assert not Ticket.objects.held_by(attendee).exists()


def test_refusal_for_htmx_is_409_with_the_sentence_in_the_panel(signed_in, closed, attendee):
    response = signed_in.post(request_url(closed), headers=HTMX_PANEL)

    html = response.content.decode()
    assert response.status_code == 409
    assert html.lstrip().startswith('<div id="panel"')
    assert f"<span>{closed.refused_with}</span>" in html
    assert "<form" not in html
    assert not Ticket.objects.held_by(attendee).exists()


def test_refusal_for_htmx_on_a_card_is_409_with_the_sentence_on_the_card(signed_in, closed):
    response = signed_in.post(request_url(closed), headers=htmx_card(closed))

    assert response.status_code == 409
    assert f'id="my-state-{closed.slug}"' in response.content.decode()
    assert closed.refused_with in response.content.decode()


def test_place_that_goes_while_it_is_asked_for_is_refused_with_the_same_sentence(signed_in, event):
    def sell_out(**_kwargs):
        Event.objects.filter(pk=event.pk).update(places_taken=event.capacity)

    booking_prepared.connect(sell_out)
    try:
        response = signed_in.post(request_url(event))
    finally:
        booking_prepared.disconnect(sell_out)

    assert (response.status_code, response.url) == (302, event.get_absolute_url())
    assert said(response) == [REFUSALS["full"]]
    assert not Ticket.objects.exists()


def test_a_long_note_is_refused_and_htmx_keeps_it_in_its_field(signed_in, event):
    note = "n" * 501
    plain = signed_in.post(request_url(event), {"note": note})
    htmx = signed_in.post(request_url(event), {"note": note}, headers=HTMX_PANEL)

    sentence = "A note can have up to 500 characters; this has 501."
    assert (plain.url, said(plain)) == (event.get_absolute_url(), [sentence])
    assert htmx.status_code == 422
    assert sentence in htmx.content.decode()
    assert f">{note}</textarea>" in htmx.content.decode()
    assert not Ticket.objects.exists()


def test_a_note_of_500_characters_with_line_ends_fits(signed_in, event):
    note = "\r\n".join("abcd" for _n in range(100)) + "e"

    signed_in.post(request_url(event), {"note": note})

    assert len(Ticket.objects.get().note) == 500


def test_request_by_htmx_answers_with_the_panel_that_has_the_ticket(signed_in, event):
    response = signed_in.post(request_url(event), headers=HTMX_PANEL)

    html = response.content.decode()
    ticket = Ticket.objects.get()
    assert response.status_code == 200
    assert 'class="panel panel-mine" data-announce="You have a ticket."' in html
    assert f'href="/tickets/{ticket.pk}/"' in html
    assert "<html" not in html


def test_request_by_htmx_on_a_card_answers_with_the_cards_actions(signed_in, event):
    response = signed_in.post(request_url(event), headers=htmx_card(event))

    html = response.content.decode()
    assert f'<div class="event-actions" id="my-state-{event.slug}"' in html
    assert f'href="/tickets/{Ticket.objects.get().pk}/"' in html
    assert f'hx-post="{cancel_url(Ticket.objects.get())}"' in html


def test_request_that_takes_the_last_place_shows_it_at_once(signed_in):
    event = EventFactory(capacity=1)

    html = signed_in.post(request_url(event), headers=htmx_card(event)).content.decode()

    assert '<span class="badge badge-full">FULL</span>' in html


def test_cancel_asks_first_and_changes_nothing_by_get(signed_in, ticket):
    response = signed_in.get(cancel_url(ticket))

    html = response.content.decode()
    assert response.status_code == 200
    assert f'<form method="post" action="{cancel_url(ticket)}">' in html
    ticket.refresh_from_db()
    assert ticket.is_valid


def test_cancel_gives_the_place_back_and_leads_to_the_ticket(signed_in, event, ticket):
    response = signed_in.post(cancel_url(ticket))

    ticket.refresh_from_db()
    event.refresh_from_db()
    assert (ticket.status, event.places_taken) == (Ticket.Status.CANCELLED, 0)
    assert (response.url, said(response)) == (
        ticket.get_absolute_url(),
        ["Your ticket is cancelled."],
    )


def test_cancel_twice_is_quiet(signed_in, event, ticket):
    signed_in.post(cancel_url(ticket))

    response = signed_in.post(cancel_url(ticket))

    event.refresh_from_db()
    assert (response.status_code, event.places_taken) == (302, 0)


def test_cancel_by_htmx_brings_the_request_button_back(signed_in, event, ticket):
    response = signed_in.post(cancel_url(ticket), headers=HTMX_PANEL)

    html = response.content.decode()
    assert 'data-announce="Your ticket is cancelled."' in html
    assert f'hx-post="{request_url(event)}"' in html


def test_cancel_after_the_start_is_refused_with_a_sentence(signed_in, event, ticket):
    start_now(event)

    asked = signed_in.get(cancel_url(ticket))
    plain = signed_in.post(cancel_url(ticket))
    htmx = signed_in.post(cancel_url(ticket), headers=HTMX_PANEL)

    sentence = "This event has started, so the ticket stays as it is."
    assert asked.url == ticket.get_absolute_url()
    assert (plain.url, said(plain)) == (ticket.get_absolute_url(), [sentence])
    assert (htmx.status_code, sentence in htmx.content.decode()) == (409, True)
    assert f'href="{ticket.get_absolute_url()}"' in htmx.content.decode()
    ticket.refresh_from_db()
    assert ticket.is_valid


def test_cancel_and_note_are_for_the_holder_alone(client, organiser, staff, ticket):
    for person in (organiser, staff, UserFactory()):
        client.force_login(person)
        for url in (cancel_url(ticket), note_url(ticket)):
            assert client.get(url).status_code == 404
            assert client.post(url, {"note": "x"}).status_code == 404

    ticket.refresh_from_db()
    assert (ticket.is_valid, ticket.note) == (True, "")


def test_note_is_changed_and_the_page_says_so(signed_in, ticket):
    response = signed_in.post(note_url(ticket), {"note": "A seat near the door"})

    ticket.refresh_from_db()
    assert ticket.note == "A seat near the door"
    assert (response.url, said(response)) == (ticket.get_absolute_url(), ["Your note is saved."])


def test_note_that_is_too_long_stays_in_its_field_with_the_sentence(signed_in, ticket):
    response = signed_in.post(note_url(ticket), {"note": "n" * 501})

    html = response.content.decode()
    assert response.status_code == 422
    assert ("n" * 501 in html, "A note can have up to 500 characters" in html) == (True, True)
    ticket.refresh_from_db()
    assert ticket.note == ""


def test_note_after_the_start_is_refused(signed_in, event, ticket):
    start_now(event)

    response = signed_in.post(note_url(ticket), {"note": "Late"})

    assert said(response) == ["This event has started, so the ticket stays as it is."]
    assert signed_in.get(note_url(ticket)).url == ticket.get_absolute_url()
    ticket.refresh_from_db()
    assert ticket.note == ""


@pytest.mark.parametrize("headers", [HTMX_PANEL, {}], ids=["htmx", "plain"])
def test_answers_do_not_depend_on_hidden_popularity(client, headers):
    answers = []
    for taken in (0, 94):
        event = EventFactory(
            capacity=100, places_taken=taken, title="Same", slug=f"same-{taken:02}"
        )
        client.force_login(UserFactory())
        booked = client.post(request_url(event), headers=headers)
        ticket = Ticket.objects.get(event=event)
        cancelled = client.post(cancel_url(ticket), headers=headers)
        text = masked(booked.content.decode() + cancelled.content.decode())
        for own in (str(ticket.pk), event.slug):
            text = text.replace(own, "")
        answers.append((booked.status_code, text, booked.headers.get("Content-Length") is None))

    assert answers[0] == answers[1]


def test_panel_by_htmx_brings_organisers_their_new_count_and_nobody_else(client, event, organiser):
    client.force_login(organiser)
    own = client.post(request_url(event), headers=HTMX_PANEL).content.decode()
    client.force_login(UserFactory())
    other = client.post(request_url(event), headers=HTMX_PANEL).content.decode()

    assert 'id="organiser-bar" hx-swap-oob="true"' in own
    assert f"<strong>1 of {event.capacity}</strong>" in own
    assert "organiser-bar" not in other
