"""Clocks that jump by hours, forwards and back: nothing is lost, nothing sent twice, nobody signed out.

A clock of a machine jumps when it is set right after a start without a network. Pages and streams go by
another clock, which never jumps (time.monotonic): `tests/notifications/live/test_clock.py`.
"""

import random
from collections import Counter
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.test import Client
from django.utils import timezone

from evento.health import look
from evento.http.visitor_pages import PAGES
from evento.statements import Rows
from events.models import Event
from events.services import change_event
from notifications.heartbeat import Heartbeat
from notifications.models import Notification, OutgoingEmail
from notifications.sender import Sender, drain
from tests.accounts.factories import UserFactory
from tests.api.conftest import Program
from tests.events.factories import EventFactory
from tests.patience import until
from tests.proof import figures
from tests.proof.chance import random_seed
from tests.proof.mixing import EVENTS, PEOPLE, Mixer, assert_rules_hold, new_event, new_person
from tests.tickets.factories import TicketFactory
from tickets.notices import BOOKED, CHANGED, MESSAGE
from tickets.receivers import tell_booked
from tickets.services import book_ticket, send_message

pytestmark = pytest.mark.django_db

HOURS = [-5, 5]
STEPS = 3_000 if figures.FULL else 150


@pytest.fixture
def clock(now):
    with time_machine.travel(now) as traveller:
        yield traveller


class Jumping(BaseEmailBackend):
    """Delivers into Django's outbox; while the second mail is on its way, `meanwhile` happens."""

    count = 0
    meanwhile = None

    def open(self):
        return True

    def send_messages(self, messages):
        Jumping.count += 1
        if Jumping.count == 2:
            Jumping.meanwhile()
        mail.outbox.extend(messages)
        return len(messages)


@pytest.fixture
def jumping(settings):
    settings.TRANSPORT_BACKEND = f"{__name__}.Jumping"
    Jumping.count = 0
    return Jumping


def arrived():
    return Counter(message.extra_headers["Message-ID"] for message in mail.outbox)


def five_mails():
    for ticket in TicketFactory.create_batch(5):
        rows = Rows()
        tell_booked(None, ticket=ticket, rows=rows)
        rows.store()


@pytest.mark.parametrize("hours", HOURS)
def test_clock_that_jumps_while_a_worker_sends_repeats_nothing(clock, jumping, hours):
    five_mails()
    jumping.meanwhile = lambda: clock.shift(timedelta(hours=hours))

    drain()

    assert sorted(arrived().values()) == [1] * 5
    assert not OutgoingEmail.objects.exclude(state="sent").exists()


@pytest.mark.parametrize(("hours", "times"), [(-5, [1] * 5), (5, [1, 1, 1, 1, 2])])
def test_second_worker_that_comes_after_the_jump_repeats_only_the_mail_in_flight(
    clock, jumping, hours, times
):
    """Forwards the first one's lease is over, as far as anybody can tell: the second takes its batch."""
    five_mails()

    def meanwhile():
        clock.shift(timedelta(hours=hours))
        drain()

    jumping.meanwhile = meanwhile
    drain()

    assert sorted(arrived().values()) == times
    assert not OutgoingEmail.objects.exclude(state="sent").exists()


@pytest.mark.parametrize("hours", HOURS)
def test_mail_of_a_worker_that_died_before_the_jump_is_sent_once_its_lease_is_over(
    clock, now, jumping, hours
):
    five_mails()

    def die():
        raise SystemExit

    jumping.meanwhile = die
    with pytest.raises(SystemExit):
        drain()
    clock.shift(timedelta(hours=hours))

    drain()
    if hours < 0:  # it waits until the clock is again where it was
        assert len(mail.outbox) == 1
        clock.move_to(now + timedelta(hours=1))
        drain()

    assert sorted(arrived().values()) == [1] * 5


@pytest.mark.parametrize(
    ("kind", "tell"),
    [
        (CHANGED, lambda event: change_event(event, changes={"location": "Room 5"}, by=None)),
        (
            MESSAGE,
            lambda event: send_message(
                event, subject="Torch", text="Dark at six", by=UserFactory(organiser=True)
            ),
        ),
    ],
)
@pytest.mark.parametrize("hours", HOURS)
def test_who_booked_before_the_clock_jumped_is_told_like_everybody(clock, event, hours, kind, tell):
    before = book_ticket(event, holder=UserFactory()).ticket
    clock.shift(timedelta(hours=hours))
    after = book_ticket(event, holder=UserFactory()).ticket
    clock.shift(timedelta(minutes=1))

    tell(Event.objects.get(pk=event.pk))
    drain()

    told = Notification.objects.filter(kind=kind).values_list("recipient", flat=True)
    assert sorted(told) == sorted([before.holder_id, after.holder_id])


def test_places_and_notices_are_right_whatever_the_clock_does(clock, now, settings):
    """Some thousand operations at times hours apart, in any order."""
    settings.TRANSPORT_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    seed = random_seed()
    chance = random.Random(seed)
    organiser = UserFactory(organiser=True)
    for _n in range(EVENTS):
        new_event(organiser)
    for n in range(PEOPLE):
        new_person(n)
    mixer = Mixer(seed, organiser.pk)
    outcomes = Counter()
    for _n in range(STEPS):
        if chance.random() < 0.3:
            clock.move_to(now + timedelta(hours=chance.uniform(-12, 12)))
        outcomes[mixer.step()] += 1
    mixer.sender.close()

    clock.move_to(now + timedelta(hours=48))  # by when all is due that waits
    while Sender().step():
        pass

    assert_rules_hold()
    assert max(arrived().values()) == 1
    assert OutgoingEmail.objects.filter(kind=BOOKED, state="sent").exists()
    figures.record("clock", {"steps": STEPS, "mails": len(mail.outbox), "seed": seed})


@pytest.mark.parametrize("hours", HOURS)
def test_booking_goes_by_the_clock_as_it_is_now(clock, attendee, hours):
    event = EventFactory(starts_at=timezone.now() + timedelta(hours=1), capacity=1)
    browser = Client()
    browser.force_login(attendee)
    path = f"/events/{event.slug}/ticket/"

    clock.shift(timedelta(hours=hours))
    browser.post(path)
    event.refresh_from_db()
    assert event.places_taken == (1 if hours < 0 else 0)

    clock.shift(timedelta(hours=-hours))
    browser.post(path)
    event.refresh_from_db()
    assert event.places_taken == attendee.tickets.count() == 1


@pytest.mark.parametrize("hours", HOURS)
def test_nobody_is_signed_out_by_a_jump(clock, attendee, hours):
    browser = Client()
    browser.force_login(attendee)

    for step in (hours, -hours, 3 * hours):
        clock.shift(timedelta(hours=step))
        assert browser.get("/tickets/").status_code == 200


@pytest.mark.parametrize("hours", HOURS)
def test_program_whose_token_is_not_of_this_time_signs_in_again(clock, attendee, hours):
    program = Program().sign_in(attendee)
    clock.shift(timedelta(hours=hours))

    first = program.call("GET", "/me")
    program.token = ""
    again = program.sign_in(attendee).call("GET", "/me")

    # One that is over is refused, and so is one that is still to be made.
    assert (first.status_code, again.status_code) == (401, 200)


@pytest.mark.parametrize("hours", HOURS)
def test_visitors_page_is_made_anew_after_its_moment_whatever_the_clock_says(
    clock, client, event, settings, hours
):
    settings.VISITOR_PAGE_SECONDS = 0.05
    PAGES._kept.clear()
    assert b"Room 5" not in client.get(event.get_absolute_url()).content
    Event.objects.filter(pk=event.pk).update(location="Room 5")
    clock.shift(timedelta(hours=hours))

    until(
        lambda: b"Room 5" in client.get(event.get_absolute_url()).content,
        "The kept page is never made anew.",
    )
    PAGES._kept.clear()


@pytest.mark.parametrize("hours", HOURS)
def test_worker_that_died_before_the_jump_does_not_seem_to_live(clock, hours):
    Heartbeat().beat()
    assert look(timezone.now()).worker is True

    clock.shift(timedelta(hours=hours))

    assert look(timezone.now()).worker is False
