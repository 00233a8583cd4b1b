"""Somebody asks for a ticket: all that is looked up before it is booked or refused, by one statement."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Model
from django.http import Http404, HttpRequest

from accounts.backends import PEOPLE
from accounts.models import User
from evento.sessions import SESSIONS
from evento.statements import Columns, Joined, JoinedLookup
from events.finding import PUBLIC, public_event_or_404
from events.models import Event
from tickets.models import Ticket
from tickets.states import valid_ticket


def _all_but(table: type[Model], *left_out: str) -> list[str]:
    return [it.name for it in table._meta.concrete_fields if it.name not in left_out]


_SESSION = Columns(Session, "session")
# Moments take longest to read, and nobody who books or refuses asks for these.
_PERSON = Columns(User, "person", *_all_but(User, "last_login", "date_joined"))
_EVENT = Columns(Event, "event", *_all_but(Event, "description"))
# What a page needs of it to book or to refuse.
_EVENT_IN_SHORT = Columns(
    *(Event, "event", "id", "slug", "title", "status", "archived_at", "starts_at"),
    *("capacity", "places_taken"),
)
_TICKET = Columns(Ticket, "ticket", "id")
# Whose a session is stands in its signed contents, which the database cannot read; but each sign-in left a
# record.
_TOGETHER = """
    SELECT {columns} FROM usersessions_usersession sign_in
    JOIN django_session session ON session.session_key = sign_in.session_key
    JOIN accounts_user person ON person.id = sign_in.user_id
    LEFT JOIN events_event event
        ON event.slug = %s AND event.status <> 'draft' AND event.archived_at IS NULL
    LEFT JOIN tickets_ticket ticket
        ON ticket.event_id = event.id AND ticket.holder_id = person.id AND ticket.status = 'valid'
    WHERE sign_in.session_key = %s
"""
_AT_A_PAGE = JoinedLookup(_TOGETHER, _SESSION, _PERSON, _EVENT_IN_SHORT, _TICKET)
_AT_THE_API = JoinedLookup(_TOGETHER, _SESSION, _PERSON, _EVENT, _TICKET)


@dataclass(frozen=True)
class Arrival:
    """The event, and whether the person behind the session has a valid ticket for it."""

    event: Event
    has_ticket: bool
    _found: Joined | None = None

    def known(self) -> AbstractContextManager[None]:
        """Inside, session and person are not looked up again. Whether they are good is judged as ever."""
        return nullcontext() if self._found is None else _known(self._found)


def arrival(request: HttpRequest, slug: str) -> Arrival:
    """Somebody at the event with a public page at that address. Raises Http404."""
    key = request.session.session_key
    found = _AT_A_PAGE.find(slug, key) if key else None
    if found is None:  # a visitor, or a session that left no record
        public = public_event_or_404(slug)
        return Arrival(public, has_ticket=valid_ticket(request.user, public) is not None)
    event = found.row(_EVENT_IN_SHORT)
    if event is None:
        raise Http404
    return Arrival(event, has_ticket=found.row(_TICKET) is not None, _found=found)


@contextmanager
def api_arrival(session_key: str | None, slug: str) -> Iterator[None]:
    """Inside, who calls and the event they name are not looked up again. Both are judged as ever."""
    found = _AT_THE_API.find(slug, session_key) if session_key else None
    if found is None:
        yield
        return
    with _known(found), PUBLIC.knowing(partial(found.row, _EVENT)):
        yield


@contextmanager
def _known(found: Joined) -> Iterator[None]:
    session, person = (partial(found.row, it) for it in (_SESSION, _PERSON))
    # What Django does not find in Redis it writes there, and this session may have ended since it was read.
    session_known = nullcontext() if settings.REDIS_URL else SESSIONS.knowing(session)
    with session_known, PEOPLE.knowing(person):
        yield
