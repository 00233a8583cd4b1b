"""The history that the admin shows of an event, also of what was done through the API."""

from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry

from accounts.models import User
from events.models import Event

Message = str | list[dict[str, Any]]


def note_addition(event: Event, by: User, message: Message) -> None:
    _note(ADDITION, event, by, message)


def note_change(event: Event, by: User, message: Message) -> None:
    _note(CHANGE, event, by, message)


def note_deletion(event: Event, by: User) -> None:
    _note(DELETION, event, by, "")


def _note(flag: int, event: Event, by: User, message: Message) -> None:
    LogEntry.objects.log_actions(by.pk, [event], flag, change_message=message, single_object=True)
