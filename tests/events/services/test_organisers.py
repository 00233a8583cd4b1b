"""Organisers of one event: offered, accepted, removed (SPEC 1)."""

import pytest
from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError

from evento.refusals import Refusal
from events.models import Event, OrganiserOffer
from events.permissions import may_create_events, may_enter_admin, may_manage_event
from events.services import (
    accept_offer,
    add_organiser,
    cancel_event,
    close_organiser,
    offer_organiser,
    remove_organiser,
    withdraw_offer,
)
from events.signals import organiser_added, organiser_offered
from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory
from tests.signals import heard
from tests.tickets.factories import TicketFactory
from tickets.models import Ticket
from tickets.services import promote_organiser

pytestmark = pytest.mark.django_db


def organisers_of(event):
    return [row.user for row in event.organiser_rows.all()]


def test_promoting_a_ticket_holder_is_immediate_and_keeps_their_class(event, organiser, attendee):
    TicketFactory(event=event, holder=attendee)

    with heard(organiser_added) as calls:
        promote_organiser(event, email=attendee.email.upper(), by=organiser)

    attendee.refresh_from_db()
    assert organisers_of(event) == [organiser, attendee]
    assert (attendee.role, len(calls)) == ("attendee", 1)
    assert may_manage_event(attendee, event)
    assert may_enter_admin(attendee)
    assert not may_create_events(attendee)


@pytest.mark.parametrize("known", [True, False])
def test_promoting_anybody_else_is_an_offer_account_or_not(event, organiser, attendee, known):
    email = attendee.email if known else "nobody@example.org"

    with heard(organiser_offered) as calls:
        promoted = promote_organiser(event, email=email, by=organiser)
        promote_organiser(event, email=email, by=organiser)

    assert isinstance(promoted, OrganiserOffer)
    assert organisers_of(event) == [organiser]
    assert len(calls) == 1


def test_promoting_an_organiser_again_is_quiet(event, organiser):
    with heard(organiser_offered) as calls:
        promoted = promote_organiser(event, email=f" {organiser.email.upper()}", by=organiser)

    assert promoted == event.organiser_rows.get()
    assert calls == []


def test_promoting_somebody_who_gave_the_ticket_back_is_an_offer(event, organiser, attendee):
    TicketFactory(event=event, holder=attendee, status=Ticket.Status.CANCELLED)

    assert isinstance(promote_organiser(event, email=attendee.email, by=organiser), OrganiserOffer)


def test_offer_refuses_what_is_no_address(event, organiser):
    with pytest.raises(ValidationError):
        offer_organiser(event, email="not an address", by=organiser)


def test_offer_is_accepted_by_the_account_that_verified_the_address(event, organiser, attendee):
    offer = offer_organiser(event, email=attendee.email, by=organiser)

    accept_offer(offer, user=attendee)

    assert organisers_of(event) == [organiser, attendee]
    assert not OrganiserOffer.objects.exists()


def test_offer_is_hidden_from_others_and_from_the_unverified(event, organiser, attendee):
    offer = offer_organiser(event, email="someone@example.org", by=organiser)
    EmailAddress.objects.create(user=attendee, email="someone@example.org", verified=False)

    with pytest.raises(Refusal) as refused:
        accept_offer(offer, user=attendee)

    assert (refused.value.code, refused.value.status) == ("offer_not_yours", 404)
    assert organisers_of(event) == [organiser]


def test_withdrawn_offer_is_gone(event, organiser):
    withdraw_offer(offer_organiser(event, email="a@example.org", by=organiser))

    assert not OrganiserOffer.objects.exists()


def test_offer_withdrawn_while_it_is_accepted_leads_nowhere(event, organiser, attendee):
    offer = offer_organiser(event, email=attendee.email, by=organiser)
    withdraw_offer(offer)

    with pytest.raises(Refusal) as refused:
        accept_offer(offer, user=attendee)

    assert refused.value.code == "offer_not_yours"
    assert organisers_of(event) == [organiser]


def test_offers_of_a_removed_organiser_end_with_them(event, organiser, attendee):
    add_organiser(event, user=attendee, by=organiser)
    offer_organiser(event, email="second-account@example.org", by=attendee)
    kept = offer_organiser(event, email="friend@example.org", by=organiser)

    remove_organiser(event, user=attendee)

    assert list(OrganiserOffer.objects.all()) == [kept]


def test_adding_twice_is_quiet(event, organiser, attendee):
    with heard(organiser_added) as calls:
        add_organiser(event, user=attendee, by=organiser)
        add_organiser(event, user=attendee, by=organiser)

    assert len(calls) == 1


def test_removed_organiser_loses_access_at_once(event, organiser, attendee):
    add_organiser(event, user=attendee, by=organiser)

    remove_organiser(event, user=attendee)

    assert not may_manage_event(attendee, event)
    assert not may_enter_admin(attendee)


def test_last_organiser_stays(event, organiser):
    with pytest.raises(Refusal) as refused:
        remove_organiser(event, user=organiser)

    assert refused.value.code == "last_organiser"
    assert organisers_of(event) == [organiser]


def test_removing_somebody_who_is_none_is_quiet(event, organiser, attendee):
    remove_organiser(event, user=attendee)

    assert organisers_of(event) == [organiser]


def test_an_account_that_is_closed_is_no_other_organiser(event, organiser, now):
    add_organiser(event, user=UserFactory(is_active=False), by=None)

    with pytest.raises(Refusal) as leaving:
        remove_organiser(event, user=organiser)
    with pytest.raises(Refusal) as closing:
        close_organiser(organiser, now=now)

    assert (leaving.value.code, closing.value.code) == ("last_organiser", "only_organiser")


def test_managed_by_gives_own_events_and_staff_all(event, organiser, other_organiser, staff):
    foreign = EventFactory(organiser=other_organiser, status=Event.Status.DRAFT)

    assert list(Event.objects.managed_by(organiser)) == [event]
    assert set(Event.objects.managed_by(staff)) == {event, foreign}
    assert list(Event.objects.visible_to(organiser)) == [event]


def test_closing_is_refused_with_the_list_while_only_organiser_of_upcoming(event, organiser, now):
    with pytest.raises(Refusal, match=event.title) as refused:
        close_organiser(organiser, now=now)

    assert refused.value.code == "only_organiser"


def test_closing_leaves_shared_and_finished_events(event, organiser, attendee, now):
    add_organiser(event, user=attendee, by=organiser)
    cancelled = EventFactory(organiser=organiser)
    cancel_event(cancelled, by=organiser)

    close_organiser(organiser, now=now)

    assert organisers_of(event) == [attendee]


def test_inactive_person_may_nothing(event):
    person = UserFactory(is_active=False, is_staff=True)

    assert not may_manage_event(person, event)
    assert not may_create_events(person)
