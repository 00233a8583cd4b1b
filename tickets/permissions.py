"""Who may do what with tickets: plain functions for views, admin and API alike (SPEC 3)."""

from accounts.models import User
from events.permissions import AnyUser, may_manage_event
from tickets.models import Ticket


def is_holder(user: AnyUser | User, ticket: Ticket) -> bool:
    return user.is_authenticated and ticket.holder_id == user.pk


def may_see_ticket(user: AnyUser, ticket: Ticket) -> bool:
    """Only its holder and the event's organisers (SPEC 3)."""
    return is_holder(user, ticket) or may_manage_event(user, ticket.event)
