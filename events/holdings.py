"""Who has a ticket for what: asked here, answered by `tickets`, which stands above (DESIGN "Rooms")."""

from collections.abc import Callable, Collection, Mapping
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User

Events = Collection[UUID] | QuerySet  # by their ids, or those that it finds
# The valid tickets of one person for some events, by event: ids both. One query at most.
TicketsOf = Callable[[User, Events], Mapping[UUID, UUID]]

_answers: list[TicketsOf] = []


def register(answer: TicketsOf) -> None:
    """Let `answer` say who has a ticket; called in `AppConfig.ready`."""
    _answers[:] = [answer]


def tickets_of(person: User, events: Events) -> Mapping[UUID, UUID]:
    """The ids of the valid tickets that `person` holds for these events, by event."""
    return _answers[0](person, events) if _answers else {}
