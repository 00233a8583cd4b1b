"""Public changes as rows: written with their cause, read by every process (SPEC 6)."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Max, Min
from django.utils import timezone

from notifications.models import PublicChange

# A browser that was away for longer gets a fresh snapshot.
KEPT_FOR = timedelta(hours=1)


class ChangesLost(Exception):
    """Changes were forgotten before they were read, or the table is another one."""


def record_public_change(about: UUID) -> None:
    """Write that what everybody may know of `about` is another now. Call inside the causing transaction.

    Nothing of what changed is written: who reads the row says what is true by then. On PostgreSQL all
    who publish wait for each other from here to their commit, so call it late.
    """
    PublicChange.objects.create(about=about)


def last_change() -> int:
    """The id of the newest change, 0 before the first."""
    return PublicChange.objects.aggregate(last=Max("pk"))["last"] or 0


def first_change_since(moment: datetime) -> int | None:
    """The id of the oldest change made since `moment`, if there is any."""
    return PublicChange.objects.filter(changed_at__gte=moment).aggregate(first=Min("pk"))["first"]


def changes_after(change_id: int, *, limit: int) -> list[PublicChange]:
    """The oldest `limit` changes after that one, in the order in which they became true.

    Raises ChangesLost when some between are gone, or that one never was: ids have no gaps.
    """
    rows = list(PublicChange.objects.filter(pk__gte=change_id).order_by("pk")[: limit + 1])
    oldest = rows[0].pk if rows else 0
    # Before the first change there is nothing to lose, whatever number SQLite goes on from.
    if change_id and oldest not in {change_id, change_id + 1}:
        raise ChangesLost(f"Public changes after the one numbered {change_id} are missing.")
    return [row for row in rows if row.pk > change_id][:limit]


def forget_old_changes(now: datetime | None = None) -> int:
    """Delete changes nobody will ask for any more; returns how many. The newest stays: ids go on from it.

    None that follows a kept one is deleted, whatever its writer's clock said.
    """
    kept_from = first_change_since((now or timezone.now()) - KEPT_FOR) or last_change()
    return PublicChange.objects.filter(pk__lt=kept_from).delete()[0]
