"""What accounts leave behind and nobody needs any more; `purge` removes it (SPEC 10)."""

from datetime import datetime, timedelta
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, ProtectedError, QuerySet

from accounts.models import User, UsernameHold, WrongOrganiserCode
from accounts.organiser_code import SITE_PERIOD

# One age for both, counted from the sign-up: a username that is free again says nothing of whether the
# address that was given with it had an account.
KEPT_UNVERIFIED = timedelta(days=30)
# A session is written a moment before its record and deleted a moment before it.
SESSION_RECORD_AGE = timedelta(days=1)


def ended_sessions(now: datetime) -> QuerySet[Session]:
    return Session.objects.filter(expire_date__lt=now)


def records_of_ended_sessions(now: datetime) -> QuerySet[UserSession]:
    """Rows of the list of devices whose session is gone."""
    session = Session.objects.filter(session_key=OuterRef("session_key"))
    old = UserSession.objects.filter(created_at__lt=now - SESSION_RECORD_AGE)
    return old.filter(~Exists(session))


def forgotten_codes(now: datetime) -> QuerySet[WrongOrganiserCode]:
    """Wrong organiser codes that count against no limit any more: they hold addresses."""
    return WrongOrganiserCode.objects.filter(entered_at__lt=now - SITE_PERIOD)


def old_username_holds(now: datetime) -> QuerySet[UsernameHold]:
    return UsernameHold.objects.filter(held_at__lt=now - KEPT_UNVERIFIED)


def never_verified(now: datetime) -> QuerySet[User]:
    """Accounts that were signed up for and never confirmed. Staff's are made by hand, and stay."""
    verified = EmailAddress.objects.filter(user=OuterRef("pk"), verified=True)
    return User.objects.filter(
        ~Exists(verified),
        date_joined__lt=now - KEPT_UNVERIFIED,
        is_active=True,
        is_staff=False,
        last_login=None,
    )


def remove_never_verified(user_id: UUID, *, now: datetime) -> bool:
    """Remove one such account, inside the caller's transaction. Whether it was still one.

    Its addresses are locked, so that nobody confirms one meanwhile. An account that something of ours
    points to stays.
    """
    list(EmailAddress.objects.select_for_update().filter(user_id=user_id))
    try:
        return never_verified(now).filter(pk=user_id).delete()[0] > 0
    except ProtectedError:
        return False
