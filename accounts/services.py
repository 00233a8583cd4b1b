"""Every change of an account (SPEC 1). Views, admin, API and commands call these."""

from datetime import datetime
from typing import Any, cast

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User, UsernameHold
from accounts.signals import account_closing, personal_data_requested
from evento.database import retry_conflicts
from evento.refusals import Refusal

PROFILE_FIELDS = {"display_name", "username", "time_zone"}


def complete_sign_up(user: User, *, as_organiser: bool, time_zone: str = "") -> User:
    """Give a new account what its sign-up asked for. The organiser code has been checked before."""
    fields = []
    if as_organiser:
        user.role = User.Role.ORGANISER
        fields.append("role")
    if time_zone:
        user.time_zone = time_zone
        fields.append("time_zone")
    if fields:
        user.save(update_fields=fields)
    return user


def pretend_sign_up(username: str, *, password: str, now: datetime | None = None) -> None:
    """Do what a sign-up leaves behind for others to notice: a username taken, a password hashed.

    For an address that has an account already, so that nobody can tell (SPEC 1).
    """
    make_password(password)
    UsernameHold.objects.get_or_create(
        username=username.lower(), defaults={"held_at": now or timezone.now()}
    )


def grant_organiser_class(user: User) -> User:
    """Make `user` an organiser by class. Granting it twice is quiet."""
    user.role = User.Role.ORGANISER
    user.save(update_fields=["role"])
    return user


def change_profile(user: User, *, changes: dict[str, Any]) -> User:
    """Change display name, username or time zone.

    Raises Refusal `username_taken` when somebody else has the username, in whatever case.
    """
    unknown = changes.keys() - PROFILE_FIELDS
    if unknown:
        raise ValueError(f"not part of a profile: {sorted(unknown)}")
    if User.objects.is_username_taken(changes.get("username", ""), besides=user.pk):
        raise _username_taken()
    try:
        with transaction.atomic():
            User.objects.filter(pk=user.pk).update(**changes)
    except IntegrityError as error:
        raise _username_taken() from error
    user.refresh_from_db(fields=list(changes) or None)
    return user


def _username_taken() -> Refusal:
    return Refusal("username_taken", _("Somebody else has that username. Choose another one."))


def change_standing(user: User, *, changes: dict[str, Any]) -> User:
    """Change what staff decide about an account: class, whether it is active, whether it is staff.

    Ending an account's activity ends its sessions at once.
    """
    with transaction.atomic():
        for field, value in changes.items():
            setattr(user, field, value)
        user.save(update_fields=list(changes))
        if not user.is_active:
            end_sessions(user)
    return user


@transaction.atomic
def remove_second_factors(user: User) -> None:
    """Let `user`, who lost them, sign in with the password alone; staff have made sure who asks.

    Ends their sessions, because what is lost may be in other hands, and tells them by mail (allauth's,
    so call it within a request). Without a second factor it is quiet.
    """
    if Authenticator.objects.filter(user=user).delete()[0]:
        end_sessions(user)
        get_adapter().send_mail("mfa/email/second_factors_removed", user.email, {"user": user})


def end_sessions(user: User, *, only: int | None = None) -> int:
    """End the signed-in sessions of `user`, or the one with the key `only`; how many it were."""
    sessions = UserSession.objects.filter(user=user)
    if only is not None:
        sessions = sessions.filter(pk=only)
    ended = list(sessions)
    for session in ended:
        session.end()
    return len(ended)


@retry_conflicts
def close_account(user: User, *, now: datetime | None = None) -> None:
    """Delete an account: its row stays, inactive and scrubbed, as `deleted-<uuid>` (SPEC 1, DESIGN).

    Sends account_closing first, inside the same transaction: a receiver's Refusal (the only organiser of an
    upcoming event, for one) leaves everything as it was. Closing it twice is quiet.
    """
    now = now or timezone.now()
    with transaction.atomic():
        # A booking that has taken its place is waited for and then given back; one that comes later waits
        # for us, and finds the account closed (`take_place`). Not the key: who holds an event and writes a
        # notice to this person would wait for us, and we for the event.
        stored = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if not stored.is_active:
            return
        account_closing.send(sender=User, user=stored, now=now)
        EmailAddress.objects.filter(user=stored).delete()
        Authenticator.objects.filter(user=stored).delete()
        end_sessions(stored)
        _scrub(stored)


def _scrub(user: User) -> None:
    name = f"{User.CLOSED_PREFIX}{user.pk}"
    blank = {
        "username": name,
        "email": f"{name}@deleted.invalid",
        "display_name": "",
        "time_zone": "UTC",
        "role": User.Role.ATTENDEE,
        "is_active": False,
        "is_staff": False,
        "is_superuser": False,
        "last_login": None,
    }
    for field, value in blank.items():
        setattr(user, field, value)
    user.set_unusable_password()
    user.save(update_fields=[*blank, "password"])
    user.groups.clear()
    user.user_permissions.clear()


def export_personal_data(user: User) -> dict[str, Any]:
    """Everything kept about `user`, by section, ready for JSON: ours and what each receiver adds."""
    sections: dict[str, Any] = {
        "account": _account_data(user),
        "email_addresses": list(
            EmailAddress.objects.filter(user=user)
            .order_by("pk")
            .values("email", "verified", "primary")
        ),
        "two_step_sign_in": [
            {"type": factor.type, "added": factor.created_at, "last_used": factor.last_used_at}
            for factor in Authenticator.objects.filter(user=user).order_by("created_at")
        ],
        "sessions": list(
            UserSession.objects.filter(user=user)
            .order_by("created_at")
            .values("ip", "user_agent", "created_at")
        ),
    }
    for _receiver, answer in personal_data_requested.send(sender=User, user=user):
        name, data = cast("tuple[str, Any]", answer)
        sections[name] = data
    return sections


def _account_data(user: User) -> dict[str, Any]:
    return {
        "id": user.pk,
        "username": user.username,
        "display_name": user.display_name,
        "email": user.email,
        "class": user.role,
        "time_zone": user.time_zone,
        "joined": user.date_joined,
        "last_sign_in": user.last_login,
    }
