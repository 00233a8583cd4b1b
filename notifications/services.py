"""Every change of state of notices and the outbox."""

from accounts.models import User


def unread_count(user: User) -> int:
    """How many notices `user` has not read."""
    return 0
