"""Events that were archived long ago; `purge` removes them with all that hangs on them (SPEC 2)."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from evento.database import retry_conflicts
from events.models import Event
from events.services.covers import discard_cover_if_unused
from tickets.models import HolderMessage, Ticket

# Holders keep the ticket of an archived event for so long.
KEPT_ARCHIVED = timedelta(days=365)


def archived_long_ago(now: datetime) -> QuerySet[Event]:
    return Event.objects.filter(archived_at__lt=now - KEPT_ARCHIVED)


@retry_conflicts
@transaction.atomic
def remove_archived_event(event_id: UUID, *, now: datetime) -> None:
    """Remove one such event with its tickets, messages and cover; quiet when it is gone already."""
    event = archived_long_ago(now).select_for_update().filter(pk=event_id).first()
    if event is None:
        return
    HolderMessage.objects.filter(event=event).delete()
    Ticket.objects.filter(event=event).delete()
    cover = event.cover.name
    event.delete()
    discard_cover_if_unused(cover)
