"""How well the outbox is served, told without a number of mails (secrecy: docs/threat-model.md)."""

import uuid
from datetime import timedelta

import pytest

from events.services import cancel_event
from notifications.delivery import Delivery, delivery
from notifications.models import Announcement, OutgoingEmail

pytestmark = pytest.mark.django_db

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
QUIET = Delivery(timedelta(), timedelta(), parked=False, failing=False)
State, Priority = OutgoingEmail.State, OutgoingEmail.Priority


@pytest.fixture
def mail(now):
    def make(*, due=timedelta(), **fields):
        key = str(uuid.uuid4())
        return OutgoingEmail.objects.create(
            key=key, kind="x", address="a@example.org", next_attempt_at=now - due, **fields
        )

    return make


def test_empty_outbox_is_quiet(now):
    assert delivery(now) == QUIET


def test_mail_of_the_last_minute_is_not_told(mail, now):
    mail(due=timedelta(seconds=59))

    assert delivery(now) == QUIET


def test_overdue_mail_is_told_in_whole_minutes_by_the_oldest_alone(mail, now):
    mail(due=timedelta(minutes=7, seconds=31))
    one = delivery(now)
    for _n in range(40):
        mail(due=timedelta(minutes=3))

    assert one.overdue == 7 * MINUTE
    assert delivery(now) == one


def test_mail_that_waits_for_its_next_attempt_is_not_overdue(mail, now):
    mail(due=-MINUTE, attempts=2, created_at=now - HOUR)

    assert delivery(now) == QUIET


def test_mail_in_hand_is_overdue_only_when_its_lease_has_run_out(mail, now):
    working = {"state": State.SENDING, "leased_by": uuid.uuid4()}
    held = mail(due=5 * MINUTE, leased_until=now + MINUTE, **working)
    before = delivery(now)
    OutgoingEmail.objects.filter(pk=held.pk).update(leased_until=now - MINUTE)

    assert (before.overdue, delivery(now).overdue) == (timedelta(), 5 * MINUTE)


def test_mails_to_many_are_told_in_whole_hours(mail, now):
    """How long they are on their way tells how many they are."""
    mail(due=59 * MINUTE, priority=Priority.MANY)
    before = delivery(now)
    mail(due=3 * HOUR + 40 * MINUTE, priority=Priority.MANY)

    assert before == QUIET
    assert delivery(now).overdue_to_many == 3 * HOUR


def test_announcement_that_is_not_expanded_counts_as_mail_to_many(event, now):
    cancel_event(event, by=None)
    before = delivery(now)
    Announcement.objects.update(caused_at=now - 2 * HOUR)

    assert before == QUIET
    assert delivery(now).overdue_to_many == 2 * HOUR


def test_parked_mail_is_told_for_a_day(mail, now):
    mail(due=25 * HOUR, state=State.PARKED)
    before = delivery(now)
    mail(due=23 * HOUR, state=State.PARKED)

    assert before == QUIET
    assert delivery(now).parked


@pytest.mark.parametrize(("attempts", "failing"), [(4, False), (5, True)])
def test_mail_that_fails_again_and_again_is_told(mail, now, attempts, failing):
    mail(due=-HOUR, attempts=attempts)

    assert delivery(now).failing is failing


def test_sent_and_dropped_mails_are_not_told(mail, now):
    for state in (State.SENT, State.DROPPED):
        mail(due=9 * HOUR, state=state, attempts=9)

    assert delivery(now) == QUIET
