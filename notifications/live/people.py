"""Who is at the other end of a stream, and whether they still are (SPEC 6).

Streams never pass through Django's request cycle, so its middleware does not say who asks. Nothing here
writes: a stream must not renew or end a session whose cookie it cannot set.
"""

from collections.abc import Collection
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import (
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
    load_backend,
)
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.models import User

CHUNK = 1000  # SQLite limits how many values one statement may have


@dataclass(frozen=True, slots=True)
class SignIn:
    """A person by a session that was good when the stream began."""

    user_id: UUID
    session_key: str
    password_mark: int


def signed_in_by(session_key: str) -> tuple[SignIn, User] | None:
    """The sign-in behind a session cookie, judged as Django's own `get_user` does; None for nobody."""
    if not session_key:
        return None
    session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = _user_of(session)
    if user is None:
        return None
    known = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    given = session.get(HASH_SESSION_KEY, "")
    if not any(constant_time_compare(given, good) for good in known):
        return None
    return SignIn(user.pk, session_key, _mark(user)), user


def still_signed_in(sign_ins: Collection[SignIn]) -> dict[SignIn, User]:
    """Those whose session and account hold, with the account as it is now. Two queries per 1,000."""
    holding: dict[SignIn, User] = {}
    ordered = list(sign_ins)
    for start in range(0, len(ordered), CHUNK):
        holding |= _holding(ordered[start : start + CHUNK])
    return holding


def _holding(sign_ins: list[SignIn]) -> dict[SignIn, User]:
    keys = [sign_in.session_key for sign_in in sign_ins]
    sessions = set(
        Session.objects.filter(pk__in=keys, expire_date__gt=timezone.now()).values_list(
            "pk", flat=True
        )
    )
    users = User.objects.filter(is_active=True).in_bulk({sign_in.user_id for sign_in in sign_ins})
    return {
        sign_in: user
        for sign_in in sign_ins
        if sign_in.session_key in sessions
        and (user := users.get(sign_in.user_id)) is not None
        and _mark(user) == sign_in.password_mark
    }


def _user_of(session: Any) -> User | None:
    backend = session.get(BACKEND_SESSION_KEY)
    if backend not in settings.AUTHENTICATION_BACKENDS:
        return None
    user_id = User._meta.pk.to_python(session[SESSION_KEY])
    return load_backend(backend).get_user(user_id)


def _mark(user: User) -> int:
    """Another one after the password changed, which ends all sessions. Of use in this process only."""
    return hash(user.password)
