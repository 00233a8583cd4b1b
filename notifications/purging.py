"""Notices and mails that are long done; `purge` removes them (SPEC 10)."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from notifications.models import Announcement, EmailOptOut, Notification, OutgoingEmail

KEPT_NOTICES = timedelta(days=365)
# Long enough to answer "did that mail go out?".
KEPT_MAILS = timedelta(days=90)


def old_notices(now: datetime) -> QuerySet[Notification]:
    return Notification.objects.filter(created_at__lt=now - KEPT_NOTICES)


def done_mails(now: datetime) -> QuerySet[OutgoingEmail]:
    """Mails that were sent or dropped. What waits or is parked stays, however old."""
    done = (OutgoingEmail.State.SENT, OutgoingEmail.State.DROPPED)
    return OutgoingEmail.objects.filter(state__in=done, created_at__lt=now - KEPT_MAILS)


def done_announcements(now: datetime) -> QuerySet[Announcement]:
    """Announcements that have reached everybody; what is not expanded stays."""
    return Announcement.objects.filter(expanded_at__lt=now - KEPT_MAILS)


def remove_everything_of(user_id: UUID) -> None:
    """Remove notices and mails of an account that is about to go, inside the caller's transaction."""
    Notification.objects.filter(recipient_id=user_id).delete()
    OutgoingEmail.objects.filter(recipient_id=user_id).delete()
    EmailOptOut.objects.filter(user_id=user_id).delete()
