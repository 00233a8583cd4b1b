"""What the database refuses whoever asks (DESIGN "Rules that live in the database")."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from events.models import Event, EventOrganiser
from events.services import cancel_event
from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory
from tests.tickets.factories import TicketFactory
from tickets.models import Ticket

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "values",
    [
        {"capacity": 0},
        {"places_taken": 11},
        {"places_taken": -1},
        {"waiting_count": -1},
        {"duration": timedelta(0)},
        {"duration": timedelta(days=31, seconds=1)},
        {"title": ""},
        {"location": ""},
        {"status": "secret"},
    ],
)
def test_event_refuses_values_that_make_no_sense(event, values):
    with pytest.raises(IntegrityError), transaction.atomic():
        Event.objects.filter(pk=event.pk).update(**values)


@pytest.mark.parametrize(
    "name", ["title", "starts_at", "time_zone", "duration", "capacity", "location"]
)
def test_event_needs_what_the_contract_requires(name):
    event = EventFactory(status=Event.Status.DRAFT)

    with pytest.raises(IntegrityError), transaction.atomic():
        Event.objects.filter(pk=event.pk).update(**{name: None})


def test_organiser_is_listed_once(event, organiser):
    with pytest.raises(IntegrityError), transaction.atomic():
        EventOrganiser.objects.create(event=event, user=organiser, added_at=timezone.now())


def test_person_has_one_valid_ticket_for_an_event(event, attendee):
    TicketFactory(event=event, holder=attendee)

    with pytest.raises(IntegrityError), transaction.atomic():
        TicketFactory(event=event, holder=attendee)


def test_person_may_have_cancelled_tickets_beside_a_valid_one(event, attendee):
    for _n in range(2):
        TicketFactory(event=event, holder=attendee, status=Ticket.Status.CANCELLED)
    TicketFactory(event=event, holder=attendee)

    assert Ticket.objects.filter(event=event, holder=attendee).count() == 3


def test_ticket_code_is_unique(event):
    ticket = TicketFactory(event=event)

    with pytest.raises(IntegrityError), transaction.atomic():
        TicketFactory(event=EventFactory(), code=ticket.code)


def test_username_and_email_are_unique_in_any_case(attendee):
    for values in (
        {"username": attendee.username.upper()},
        {"email": attendee.email.upper()},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            UserFactory(verified=False, **values)


def test_saving_a_stale_event_never_puts_an_old_count_back(event):
    stale = Event.objects.get(pk=event.pk)
    Event.objects.filter(pk=event.pk).update(places_taken=3, full_at=timezone.now())

    stale.title = "New"
    stale.save()

    event.refresh_from_db()
    assert (event.title, event.places_taken) == ("New", 3)
    assert event.full_at is not None


def test_saving_a_counter_by_name_is_a_programming_error(event):
    with pytest.raises(ValueError, match="places_taken"):
        event.save(update_fields=["places_taken"])


def test_slug_is_title_and_a_random_part():
    first, second = EventFactory(title="Night walk"), EventFactory(title="Night walk")

    assert first.slug != second.slug
    assert first.slug.rsplit("-", 1)[0] == "night-walk"


def test_slug_of_a_title_without_latin_letters_is_the_random_part():
    assert len(EventFactory(title="夜の散歩").slug) == 8


def test_date_is_the_events_own_in_its_own_zone():
    starts = timezone.now().replace(hour=23, minute=30) + timedelta(days=3)

    event = EventFactory(starts_at=starts, time_zone="Asia/Tokyo")

    assert event.starts_on == starts.date() + timedelta(days=1)


def test_stale_event_that_is_saved_takes_no_step_back(event):
    stale = Event.objects.get(pk=event.pk)
    cancel_event(event, by=None, reason="The river has flooded.")
    stale.title = "Another"

    stale.save()

    event.refresh_from_db()
    assert (event.title, event.status) == ("Another", Event.Status.CANCELLED)
    assert (event.cancellation_reason, event.cancelled_at is None) == (
        "The river has flooded.",
        False,
    )
