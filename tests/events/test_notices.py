"""What organisers are told about their events, and what closing accounts leave behind (SPEC 1, 2, 5)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation

from accounts.services import close_account, export_personal_data
from evento.refusals import Refusal
from events import notices
from events.models import EventOrganiser, OrganiserOffer
from events.services import (
    add_organiser,
    cancel_event,
    change_event,
    offer_organiser,
    remove_organiser,
    withdraw_offer,
)
from notifications import kinds
from notifications.models import Announcement, Notification, OutgoingEmail
from notifications.sender import drain
from notifications.services import opt_out
from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory
from tests.tickets.factories import TicketFactory
from tickets.services import book_ticket

pytestmark = pytest.mark.django_db


def sent():
    before = len(mail.outbox)
    drain()
    return mail.outbox[before:]


def html(message):
    return message.alternatives[0][0]


def bells(person):
    mine = Notification.objects.filter(recipient=person)
    return [kinds.get(notice.kind).bell(notice.context).text for notice in mine]


def booked_by_somebody(event):
    return book_ticket(event, holder=UserFactory()).ticket


def to_organisers(messages):
    return [message for message in messages if message.subject.startswith(("Nearly full", "Full"))]


def test_last_places_are_told_to_each_organiser_with_exact_numbers(organiser, other_organiser):
    event = EventFactory(organiser=organiser, capacity=3)
    helper = UserFactory()
    add_organiser(event, user=helper, by=organiser)
    EventFactory(organiser=other_organiser)
    sent()

    booked_by_somebody(event)
    booked_by_somebody(event)
    messages = to_organisers(sent())

    assert sorted(message.to for message in messages) == sorted([[organiser.email], [helper.email]])
    for message in messages:
        assert message.subject == f"Nearly full: {event.title}"
        assert "1 of 3 places is left." in message.body
        assert "1 of 3 places is left." in html(message)
    assert bells(organiser) == [f"“{event.title}” is nearly full: 1 of 3 places is left."]
    assert bells(other_organiser) == []


def test_full_is_told_once_and_near_capacity_not_again(organiser):
    event = EventFactory(organiser=organiser, capacity=2)
    TicketFactory.create_batch(1, event=event)

    booked_by_somebody(event)
    [message] = to_organisers(sent())

    assert message.subject == f"Full: {event.title}"
    assert "All 2 places are taken." in message.body
    assert bells(organiser) == [f"“{event.title}” is full: all 2 places are taken."]


def test_last_places_are_told_to_nobody_when_the_booking_is_rolled_back(organiser):
    event = EventFactory(organiser=organiser, capacity=1)

    with transaction.atomic():
        booked_by_somebody(event)
        transaction.set_rollback(True)

    assert Announcement.objects.count() == 0


def test_lowered_capacity_tells_organisers(organiser):
    event = EventFactory(organiser=organiser, capacity=10)
    TicketFactory.create_batch(2, event=event)

    change_event(event, changes={"capacity": 3}, by=organiser)

    assert [message.subject for message in sent()] == [f"Nearly full: {event.title}"]


def test_organiser_who_switched_it_off_is_told_on_the_site_alone(organiser):
    event = EventFactory(organiser=organiser, capacity=1)
    opt_out(organiser, kind=notices.FULL)

    booked_by_somebody(event)

    assert to_organisers(sent()) == []
    assert len(bells(organiser)) == 1


def test_organiser_who_left_before_the_mail_went_out_gets_no_numbers(organiser):
    event = EventFactory(organiser=organiser, capacity=1)
    helper = UserFactory()
    add_organiser(event, user=helper, by=organiser)
    sent()
    booked_by_somebody(event)
    Announcement.objects.update(expanded_at=None)

    remove_organiser(event, user=helper)

    assert [message.to for message in to_organisers(sent())] == [[organiser.email]]


def test_queued_numbers_are_dropped_for_an_organiser_removed_since(organiser, settings):
    event = EventFactory(organiser=organiser, capacity=1)
    helper = UserFactory()
    add_organiser(event, user=helper, by=organiser)
    booked_by_somebody(event)
    EventOrganiser.objects.filter(user=helper).delete()
    OutgoingEmail.objects.create(
        recipient=helper,
        address=helper.email,
        kind=notices.FULL,
        key="queued-before",
        context={"event": str(event.pk), "title": event.title, "left": 0, "capacity": 1},
    )

    assert [message.to for message in to_organisers(sent())] == [[organiser.email]]


def test_last_places_of_an_event_cancelled_since_are_not_mailed(organiser):
    event = EventFactory(organiser=organiser, capacity=1)
    booked_by_somebody(event)

    cancel_event(event, by=organiser)

    assert to_organisers(sent()) == []


def test_mails_to_organisers_can_be_left_with_one_click(organiser, client):
    event = EventFactory(organiser=organiser, capacity=1)
    booked_by_somebody(event)

    [message] = to_organisers(sent())
    link = message.extra_headers["List-Unsubscribe"].strip("<>")

    assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert link in message.body
    assert link in html(message)


def test_cancelling_alone_tells_no_organiser_but_the_others(event, organiser):
    helper = UserFactory()
    add_organiser(event, user=helper, by=organiser)
    sent()

    cancel_event(event, by=organiser, reason="No room")
    [message] = sent()

    assert message.to == [helper.email]
    assert f"{organiser.name} cancelled an event that you organise." in message.body
    assert "No room" in message.body
    assert "No room" in html(message)


def test_other_organisers_read_on_the_site_that_it_is_cancelled_and_why(event, organiser, client):
    other = UserFactory()
    add_organiser(event, user=other, by=organiser)
    cancel_event(event, by=organiser, reason="The roof leaks")
    sent()
    client.force_login(other)

    page = client.get(reverse("notifications:list")).content.decode()

    assert f"“{event.title}” was cancelled." in page
    assert "The roof leaks" in page


def test_cancelling_by_a_command_tells_every_organiser(event, organiser):
    cancel_event(event, by=None)

    [message] = sent()

    assert message.to == [organiser.email]
    assert "An event that you organise was cancelled." in message.body


def test_added_organiser_is_told_once(event, organiser):
    helper = UserFactory()

    add_organiser(event, user=helper, by=organiser)
    add_organiser(event, user=helper, by=organiser)
    [message] = sent()

    assert message.to == [helper.email]
    assert message.subject == f"You now organise {event.title}"
    assert bells(helper) == [f"You are now an organiser of “{event.title}”."]


def test_offer_is_mailed_to_the_address_with_its_link(event, organiser, settings):
    settings.SITE_URL = "https://evento.example"

    offer = offer_organiser(event, email="New.Person@example.org", by=organiser)
    [message] = sent()

    link = f"https://evento.example{reverse('events:offer', args=[offer.pk])}"
    assert message.to == ["new.person@example.org"]
    assert link in message.body
    assert link in html(message)
    assert organiser.name in message.body
    assert Notification.objects.count() == 0


def test_offer_looks_the_same_for_addresses_with_and_without_an_account(event, organiser):
    known = UserFactory()

    for email in (known.email, "unknown@example.org"):
        offer_organiser(event, email=email, by=organiser)
    bodies = [
        message.body.replace(str(offer.pk), "")
        for message, offer in zip(sent(), OrganiserOffer.objects.all(), strict=True)
    ]

    assert bodies[0] == bodies[1]


def test_withdrawn_offer_is_not_mailed(event, organiser):
    withdraw_offer(offer_organiser(event, email="new@example.org", by=organiser))

    assert sent() == []


def test_only_organiser_of_a_coming_event_cannot_close_the_account(event, organiser):
    with pytest.raises(Refusal) as refused:
        close_account(organiser)

    organiser.refresh_from_db()
    assert refused.value.code == "only_organiser"
    assert event.title in str(refused.value)
    assert organiser.is_active


def test_closing_organiser_leaves_shared_events_and_offers(event, organiser):
    helper = UserFactory()
    add_organiser(event, user=helper, by=organiser)
    offer_organiser(EventFactory(), email=helper.email, by=organiser)

    close_account(helper)

    assert list(event.organisers.all()) == [organiser]
    assert OrganiserOffer.objects.count() == 0
    assert Notification.objects.count() == 0
    assert sent() == []


def test_personal_data_has_what_i_organise(event, organiser):
    EventFactory(organiser=UserFactory())
    OrganiserOffer.objects.create(
        event=EventFactory(title="Offered"),
        email=organiser.email,
        offered_by=UserFactory(),
        offered_at=timezone.now(),
    )

    data = export_personal_data(organiser)["events"]

    assert [row["event__title"] for row in data["organised"]] == [event.title]
    assert [row["event__title"] for row in data["offers_to_organise"]] == ["Offered"]


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (timedelta(hours=2), "2 hours"),
        (timedelta(hours=1, minutes=1), "1 hour 1 minute"),
        (timedelta(days=1, minutes=30), "1 day 30 minutes"),
        (timedelta(seconds=30), "under a minute"),
    ],
)
def test_duration_is_said_as_people_say_it(duration, words):
    assert notices.duration_words(duration) == words


def test_when_goes_by_the_events_own_clocks():
    start = datetime(2027, 3, 9, 23, 30, tzinfo=UTC)
    event = EventFactory.build(starts_at=start, time_zone="Asia/Tokyo")

    with timezone.override("America/New_York"):
        assert notices.when(event) == "Wednesday, 10 March 2027, 08:30 to 10:30"


def test_when_is_of_this_event_and_in_this_language(translated):
    start = datetime(2027, 3, 9, 12, 30, tzinfo=UTC)
    tokyo, london = (
        EventFactory.build(starts_at=start, time_zone=zone)
        for zone in ("Asia/Tokyo", "Europe/London")
    )

    assert notices.when(tokyo) == "Tuesday, 9 March 2027, 21:30 to 23:30"
    assert notices.when(london) == "Tuesday, 9 March 2027, 12:30 to 14:30"
    with translation.override("de"):
        assert notices.when(london).startswith("Dienstag, 9 März 2027, 12:30")
    london.duration += timedelta(hours=1)
    assert notices.when(london) == "Tuesday, 9 March 2027, 12:30 to 15:30"


def test_when_names_the_day_of_the_end_if_it_is_another():
    start = datetime(2027, 3, 9, 23, 30, tzinfo=UTC)
    event = EventFactory.build(starts_at=start, time_zone="UTC")

    words = notices.when(event)

    assert words == "Tuesday, 9 March 2027, 23:30 to Wednesday, 10 March 2027, 01:30"
