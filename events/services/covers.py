"""The files behind covers."""

from functools import partial

from django.core.files.storage import default_storage
from django.db import transaction

from events.covers import small_name
from events.models import Event


def discard_cover_if_unused(name: str | None) -> None:
    """Once the transaction has committed, remove the cover's files, unless an event (a copy) has it."""
    if name:
        transaction.on_commit(partial(_discard, name), robust=True)


def _discard(name: str) -> None:
    if Event.objects.filter(cover=name).exists():
        return
    for file in (name, small_name(name)):
        default_storage.delete(file)
