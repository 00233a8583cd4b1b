"""Every change of state of events, one verb each. Faces and receivers call nothing else."""

from events.services.organisers import (
    accept_offer,
    add_organiser,
    close_organiser,
    offer_organiser,
    remove_organiser,
    withdraw_offer,
)
from events.services.places import (
    correct_places,
    give_back_place,
    lock_event,
    lock_events,
    take_place,
    take_quiet_place,
)
from events.services.publishing import (
    archive_event,
    cancel_event,
    change_event,
    copy_event,
    create_event,
    delete_draft,
    publish_event,
)

__all__ = [
    "accept_offer",
    "add_organiser",
    "archive_event",
    "cancel_event",
    "change_event",
    "close_organiser",
    "copy_event",
    "correct_places",
    "create_event",
    "delete_draft",
    "give_back_place",
    "lock_event",
    "lock_events",
    "offer_organiser",
    "publish_event",
    "remove_organiser",
    "take_place",
    "take_quiet_place",
    "withdraw_offer",
]
