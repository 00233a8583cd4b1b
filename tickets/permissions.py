"""Who may do what with tickets: plain functions for views, admin and API alike (SPEC 3)."""

from accounts.models import User
from events.permissions import AnyUser
from tickets.models import Ticket


def is_holder(user: AnyUser, ticket: Ticket) -> bool:
    return isinstance(user, User) and ticket.holder_id == user.pk
