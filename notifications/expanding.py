"""From one announcement to a notice and a mail for each person it concerns (SPEC 5)."""

import logging
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import QuerySet

from notifications import kinds
from notifications.models import Announcement, EmailOptOut, Notification, OutgoingEmail

logger = logging.getLogger("notifications")

CHUNK = 1000
PAUSE_AFTER_FAILURE = timedelta(minutes=5)
# As a booking holds its person's (`events.services.places`); `close_account` waits for that, and we for it.
HOLD_OPEN_ACCOUNTS = (
    "SELECT id FROM accounts_user WHERE id = ANY(%s) AND is_active ORDER BY id FOR SHARE"
)


def expand_next(now: datetime) -> bool:
    """Expand one chunk of one announcement that is due. Whether there was one.

    Rows and cursor are written in one transaction: a crash leaves the chunk undone, and expanding
    it again, even twice at once, writes nothing twice, because each notice's key is unique.
    """
    # Asking first keeps SQLite's one write lock free while there is nothing to do.
    first = _due(now).first()
    if first is None:
        return False
    try:
        with transaction.atomic():
            announcement = _due(now).select_for_update(skip_locked=True).first()
            if announcement is None:
                return False
            _expand_chunk(announcement, now)
    except Exception as error:
        logger.exception("Announcement %s could not be expanded", first.pk)
        Announcement.objects.filter(pk=first.pk).update(
            next_attempt_at=now + PAUSE_AFTER_FAILURE, last_error=repr(error)[:500]
        )
    return True


def to_expand() -> "QuerySet[Announcement]":
    """Announcements that have not reached everybody yet."""
    return Announcement.objects.filter(expanded_at=None)


def _due(now: datetime) -> "QuerySet[Announcement]":
    return to_expand().filter(next_attempt_at__lte=now).order_by("next_attempt_at", "caused_at")


def _expand_chunk(announcement: Announcement, now: datetime) -> None:
    audience = kinds.get(announcement.kind).audience
    if audience is None:
        raise ValueError(f"{announcement.kind} has no audience.")
    people = audience(announcement, announcement.expanded_up_to, CHUNK)
    _write(announcement, _with_open_accounts(people))
    if people:
        announcement.expanded_up_to = people[-1].cursor
    if len(people) < CHUNK:
        announcement.expanded_at = now
    announcement.save(update_fields=["expanded_up_to", "expanded_at"])


def _with_open_accounts(people: list[kinds.Recipient]) -> list[kinds.Recipient]:
    """Those whose accounts stay open until this is committed.

    An account that is closing takes its notices away, and would not see ours. SQLite has one writer.
    """
    if connection.vendor != "postgresql":
        return people
    with connection.cursor() as cursor:
        cursor.execute(HOLD_OPEN_ACCOUNTS, [[person.user_id for person in people]])
        is_open = {user_id for (user_id,) in cursor.fetchall()}
    return [person for person in people if person.user_id in is_open]


def _write(announcement: Announcement, people: list[kinds.Recipient]) -> None:
    Notification.objects.bulk_create(
        [
            Notification(
                recipient_id=person.user_id,
                kind=person.kind,
                key=_key(announcement, person),
                context={**announcement.context, **person.context},
                url=person.url,
                created_at=announcement.caused_at,
            )
            for person in people
        ],
        ignore_conflicts=True,
    )
    unwanted = _opted_out(people)
    OutgoingEmail.objects.bulk_create(
        [
            OutgoingEmail(
                recipient_id=person.user_id,
                address=person.address,
                kind=person.kind,
                key=_key(announcement, person),
                context={**announcement.context, **person.context},
                priority=OutgoingEmail.Priority.MANY,
                # Not the clock: how far apart two people's are would tell how many stand between them.
                created_at=announcement.caused_at,
            )
            for person in people
            if (person.user_id, person.kind) not in unwanted
        ],
        ignore_conflicts=True,
    )


def _key(announcement: Announcement, person: kinds.Recipient) -> str:
    return f"{announcement.pk}:{person.user_id}"


def _opted_out(people: list[kinds.Recipient]) -> set[tuple[object, str]]:
    optional = {kind.name for kind in kinds.optional_kinds()} & {person.kind for person in people}
    if not optional:
        return set()
    choices = EmailOptOut.objects.filter(
        kind__in=optional, user__in=[person.user_id for person in people]
    )
    return set(choices.values_list("user_id", "kind"))
