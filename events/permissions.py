"""Who may do what with events: plain functions for views, admin and API alike (SPEC 1)."""

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from evento.statements import Lookup, bound, execute
from events.models import Event, EventOrganiser

# Pages of who is signed in ask these.
_ORGANISER = Lookup(EventOrganiser.objects.all, "event", "user")
_ORGANISES_ANY = "SELECT 1 FROM events_eventorganiser WHERE user_id = %s LIMIT 1"


@dataclass(frozen=True)
class Anybody:
    """A reader who is nobody in particular, only signed in or not: what is said to all at once."""

    is_authenticated: bool


AnyUser = User | AnonymousUser | Anybody


def may_create_events(user: AnyUser) -> bool:
    """Organisers by class and staff add events; organisers of one event do not."""
    return isinstance(user, User) and user.is_active and (user.is_staff or user.is_organiser)


def may_enter_admin(user: AnyUser) -> bool:
    """The admin is open to staff, organisers by class and organisers of any event."""
    if not (isinstance(user, User) and user.is_active):
        return False
    if may_create_events(user):
        return True
    return execute(_ORGANISES_ANY, [bound(EventOrganiser, "user_id", user.pk)]) is not None


def may_manage_event(user: AnyUser, event: Event) -> bool:
    """Staff and the event's own organisers; the class alone gives nothing on others' events."""
    if not (isinstance(user, User) and user.is_active):
        return False
    return user.is_staff or _ORGANISER.find(event.pk, user.pk) is not None
