"""How well the outbox is served, for those who run the site.

Each booking writes a mail, so how many mails there are tells how popular events are. Nothing here
counts: ages come in steps, and the rest is yes or no (docs/decisions/0023-what-is-measured.md).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Min, QuerySet

from notifications.expanding import to_expand
from notifications.models import Announcement, OutgoingEmail

Priority = OutgoingEmail.Priority
State = OutgoingEmail.State

# A worker that works takes a mail within seconds: within a minute nothing is told at all.
STEP = timedelta(minutes=1)
# How long mails to many are on their way follows from how many they are: so only whole hours are told.
STEP_OF_MANY = timedelta(hours=1)
PARKED_WITHIN = timedelta(hours=24)
# Four failures with growing pauses take a quarter of an hour (notifications/sender.py).
FAILING_ATTEMPTS = 5


@dataclass(frozen=True)
class Delivery:
    """Ages of the oldest mail that is due and not taken; whether mails were refused."""

    overdue: timedelta
    overdue_to_many: timedelta
    parked: bool  # within the last 24 hours
    failing: bool  # some mail has been tried again and again


def delivery(now: datetime) -> Delivery:
    """The state of the outbox at `now`. Six queries, each by an index or over few rows."""
    many = [overdue(Priority.MANY, now, step=STEP_OF_MANY), _unexpanded(now)]
    mails = OutgoingEmail.objects
    parked = mails.filter(state=State.PARKED, next_attempt_at__gte=now - PARKED_WITHIN)
    failing = mails.filter(state=State.QUEUED, attempts__gte=FAILING_ATTEMPTS)
    return Delivery(overdue(Priority.ONE, now), max(many), parked.exists(), failing.exists())


def overdue(priority: int, now: datetime, *, step: timedelta = STEP) -> timedelta:
    """For how long the oldest mail of this priority has been due, in whole steps; nothing for none.

    A mail that failed is not overdue while it waits for its next attempt. What a dead worker had
    claimed is, once its lease has run out.
    """
    mails = OutgoingEmail.objects.filter(priority=priority)
    due = mails.filter(state=State.QUEUED, next_attempt_at__lte=now)
    abandoned = mails.filter(state=State.SENDING, leased_until__lt=now)
    return max(
        _age(due, "next_attempt_at", now, step), _age(abandoned, "next_attempt_at", now, step)
    )


def _unexpanded(now: datetime) -> timedelta:
    return _age(to_expand(), "caused_at", now, STEP_OF_MANY)


def _age(
    rows: "QuerySet[OutgoingEmail] | QuerySet[Announcement]",
    field: str,
    now: datetime,
    step: timedelta,
) -> timedelta:
    oldest = rows.aggregate(oldest=Min(field))["oldest"]
    return (now - oldest) // step * step if oldest else timedelta()
