"""How accounts answer to what others announce."""

import secrets
from typing import Any

from allauth.usersessions.models import UserSession

# What JSON's readers keep exactly; two of so many are never the same.
SESSION_IDS = 2**53


def draw_session_id(sender: Any, *, instance: UserSession, **kwargs: Any) -> None:
    """Give a new sign-in a random id: a serial one tells its owner how many people sign in (SPEC 2)."""
    if instance.pk is None:
        instance.pk = 1 + secrets.randbelow(SESSION_IDS - 1)
