"""Mails that a restore holds back: whoever gets them may have had them since the backup was made."""

from django.db import transaction
from django.utils import timezone

from notifications.models import Announcement, OutgoingEmail

MARK = "Held when a backup was restored: it may have been sent since the backup was made."
# For ever: a date that every time zone can write.
NEVER = "9000-01-01 00:00:00"
# Both engines understand it. It is run on the restored database before anybody else sees that.
HOLD = f"""
UPDATE notifications_outgoingemail
SET state = 'parked', leased_by = NULL, leased_until = NULL, last_error = '{MARK}'
WHERE state IN ('queued', 'sending');
UPDATE notifications_announcement
SET next_attempt_at = '{NEVER}', last_error = '{MARK}' WHERE expanded_at IS NULL;
"""  # noqa: S608 - put together from this file's own words


def anything_held() -> bool:
    """Whether a restore holds mails or announcements back."""
    mails = OutgoingEmail.objects.filter(state=OutgoingEmail.State.PARKED, last_error=MARK)
    return mails.exists() or Announcement.objects.filter(expanded_at=None, last_error=MARK).exists()


@transaction.atomic
def release_held() -> None:
    """Let the worker send what a restore has held back. Mails parked for other reasons stay parked."""
    now = timezone.now()
    OutgoingEmail.objects.filter(state=OutgoingEmail.State.PARKED, last_error=MARK).update(
        state=OutgoingEmail.State.QUEUED, attempts=0, next_attempt_at=now, last_error=""
    )
    Announcement.objects.filter(expanded_at=None, last_error=MARK).update(
        next_attempt_at=now, last_error=""
    )
