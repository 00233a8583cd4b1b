"""Somebody asks for a ticket: all that is looked up before it is booked or refused, by one statement."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from django.contrib.sessions.models import Session
from django.http import Http404, HttpRequest

from accounts.backends import PEOPLE
from accounts.models import User
from evento.sessions import SESSIONS
from evento.statements import Columns, Joined, JoinedLookup
from events.finding import public_event_or_404
from events.models import Event
from tickets.models import Ticket
from tickets.states import valid_ticket

_SESSION = Columns(Session, "session")
_PERSON = Columns(User, "person")
_EVENT = Columns(
    *(Event, "event", "id", "slug", "title", "status", "archived_at", "starts_at"),
    *("capacity", "places_taken"),
)
_TICKET = Columns(Ticket, "ticket", "id")
# Whose a session is stands in its signed contents, which the database cannot read; but each sign-in left a
# record.
_ARRIVAL = JoinedLookup(
    """
    SELECT {columns} FROM usersessions_usersession sign_in
    JOIN django_session session ON session.session_key = sign_in.session_key
    JOIN accounts_user person ON person.id = sign_in.user_id
    LEFT JOIN events_event event
        ON event.slug = %s AND event.status <> 'draft' AND event.archived_at IS NULL
    LEFT JOIN tickets_ticket ticket
        ON ticket.event_id = event.id AND ticket.holder_id = person.id AND ticket.status = 'valid'
    WHERE sign_in.session_key = %s
    """,
    *(_SESSION, _PERSON, _EVENT, _TICKET),
)


@dataclass(frozen=True)
class Arrival:
    """The event, and whether the person behind the session has a valid ticket for it."""

    event: Event
    has_ticket: bool
    _found: Joined | None = None

    @contextmanager
    def known(self) -> Iterator[None]:
        """Inside, session and person are not looked up again. Whether they are good is judged as ever."""
        if self._found is None:
            yield
            return
        session, person = (partial(self._found.row, it) for it in (_SESSION, _PERSON))
        with SESSIONS.knowing(session), PEOPLE.knowing(person):
            yield


def arrival(request: HttpRequest, slug: str) -> Arrival:
    """Somebody at the event with a public page at that address. Raises Http404."""
    key = request.session.session_key
    found = _ARRIVAL.find(slug, key) if key else None
    if found is None:  # a visitor, or a session that left no record
        public = public_event_or_404(slug)
        return Arrival(public, has_ticket=valid_ticket(request.user, public) is not None)
    event = found.row(_EVENT)
    if event is None:
        raise Http404
    return Arrival(event, has_ticket=found.row(_TICKET) is not None, _found=found)
