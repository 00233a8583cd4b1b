"""The life of an event: create, publish, change, cancel, copy, archive, delete (SPEC 2)."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from evento.database import retry_conflicts
from evento.refusals import Refusal
from events.availability import Availability
from events.models import Event, EventOrganiser
from events.querysets import start_frozen
from events.services.covers import discard_cover_if_unused
from events.services.places import FillLevel, lock_event, note_fill_level
from events.signals import (
    event_cancelled,
    event_changed,
    event_published,
    public_state_changed,
)

START = ("starts_at", "time_zone")
# SPEC 2: "Place, link or duration may change; every holder is told what changed, once per save".
ANNOUNCED = ("location", "online_url", "duration")
EDITABLE = frozenset(
    {
        *START,
        *ANNOUNCED,
        "title",
        "description",
        "capacity",
        "category",
        "cover",
        "organiser_name",
        "contact",
    }
)
# A line break in one of these would write whole paragraphs into mails that are Evento's own.
ONE_LINE = frozenset({"title", "location", "organiser_name", "contact"})
# What everybody sees of an event: its online link is for holders, its capacity for organisers.
PUBLIC = EDITABLE - {"capacity", "online_url"}


@transaction.atomic
def create_event(
    event: Event, *, creator: User, publish: bool = True, now: datetime | None = None
) -> Event:
    """Save a new `event` with `creator` as its first organiser; public at once unless a draft.

    Sends event_published. Raises Refusal `start_in_past`, ValidationError for a field that is wrong.
    """
    now = now or timezone.now()
    event.status = Event.Status.DRAFT
    for name in ONE_LINE:
        setattr(event, name, _tidied(name, getattr(event, name)))
    event.clean_fields(exclude=["slug", "starts_on", "cover"])
    event.save(force_insert=True)
    EventOrganiser.objects.create(event=event, user=creator, added_by=creator, added_at=now)
    if publish:
        _publish(event, by=creator, now=now)
    return event


@retry_conflicts
def publish_event(event: Event, *, by: User | None, now: datetime | None = None) -> Event:
    """Make a draft public. Sends event_published. Raises Refusal `not_a_draft`, `start_in_past`."""
    now = now or timezone.now()
    with transaction.atomic():
        stored = lock_event(event.pk)
        _publish(stored, by=by, now=now)
    return stored


@retry_conflicts
def change_event(
    event: Event,
    *,
    changes: dict[str, Any],
    by: User | None,
    publish: bool = False,
    now: datetime | None = None,
) -> Event:
    """Set `changes` (field: new value) on the stored event, all or nothing; maybe publish it too.

    What is compared is the row under its lock, never the caller's copy; the same value again is no
    change. Tells holders of a new place, link or duration by one event_changed. Raises Refusal
    `start_frozen`, `capacity_below_taken`, `event_cancelled`, `event_archived`, `start_in_past`
    (SPEC 2), ValidationError for a field that is wrong.
    """
    if unknown := set(changes) - EDITABLE:
        raise ValueError(f"Not an editable field: {sorted(unknown)}.")
    now = now or timezone.now()
    changes = {name: _tidied(name, value) for name, value in changes.items()}
    with transaction.atomic():
        stored = lock_event(event.pk)
        was_published = stored.is_published
        old = {name: getattr(stored, name) for name in changes}
        changed = {name: value for name, value in changes.items() if value != old[name]}
        _refuse_changes(stored, changed)
        if changed:
            _apply(stored, changed)
        if publish:
            _publish(stored, by=by, now=now)
        if was_published:
            _tell_change(stored, {name: (old[name], changed[name]) for name in changed}, by, now)
    return stored


@retry_conflicts
def cancel_event(
    event: Event, *, by: User | None, reason: str = "", now: datetime | None = None
) -> Event:
    """Cancel a published event that has not ended; all its tickets become void by that alone.

    Cannot be undone; cancelling again is quiet. Sends event_cancelled. Raises Refusal
    `not_published`, `event_ended` (SPEC 2).
    """
    now = now or timezone.now()
    with transaction.atomic():
        stored = lock_event(event.pk)
        if stored.is_cancelled:
            return stored
        if not stored.is_published:
            raise Refusal("not_published", _("This is a draft. Delete it instead."))
        if stored.has_ended(now):
            raise Refusal("event_ended", _("This event has ended and can no longer be cancelled."))
        stored.status = Event.Status.CANCELLED
        stored.cancelled_at = now
        stored.cancellation_reason = reason.strip()
        stored.revision += 1
        stored.clean_fields(exclude=["cover"])
        stored.save(
            update_fields=[
                "status",
                "cancelled_at",
                "cancellation_reason",
                "revision",
                "updated_at",
            ]
        )
        event_cancelled.send(Event, event=stored, by=by, now=now)
        public_state_changed.send(Event, event_id=stored.pk, now=now)
    return stored


@transaction.atomic
def copy_event(event: Event, *, by: User, now: datetime | None = None) -> Event:
    """A new draft with the same particulars, organised by `by`: the way out of a wrong date."""
    now = now or timezone.now()
    particulars = {name: getattr(event, name) for name in EDITABLE}
    copy = Event(**particulars, status=Event.Status.DRAFT)
    return create_event(copy, creator=by, publish=False, now=now)


@retry_conflicts
def archive_event(event: Event, *, now: datetime | None = None) -> Event:
    """Take a past or cancelled event out of every list and public page; holders keep their ticket.

    Archiving again is quiet. Raises Refusal `not_archivable`.
    """
    now = now or timezone.now()
    with transaction.atomic():
        stored = lock_event(event.pk)
        if stored.archived_at is not None:
            return stored
        if not (stored.is_cancelled or (stored.is_published and stored.has_ended(now))):
            raise Refusal(
                "not_archivable", _("Only an event that is over or cancelled can be archived.")
            )
        stored.archived_at = now
        stored.save(update_fields=["archived_at", "updated_at"])
        public_state_changed.send(Event, event_id=stored.pk, now=now)
    return stored


@retry_conflicts
def delete_draft(event: Event) -> None:
    """Delete a draft for good. Raises Refusal `not_a_draft`: others are cancelled or archived."""
    with transaction.atomic():
        stored = lock_event(event.pk)
        if not stored.is_draft:
            raise Refusal("not_a_draft", _("Only drafts can be deleted. Cancel the event instead."))
        stored.delete()
        discard_cover_if_unused(stored.cover.name)


def _tidied(name: str, value: Any) -> Any:
    return " ".join(value.split()) if name in ONE_LINE else value


def _publish(event: Event, *, by: User | None, now: datetime) -> None:
    if not event.is_draft:
        raise Refusal("not_a_draft", _("This event has been published already."))
    if event.starts_at <= now:
        raise Refusal(
            "start_in_past",
            _("This start is in the past. Choose a later one, then publish."),
        )
    event.status = Event.Status.PUBLISHED
    event.published_at = now
    event.save(update_fields=["status", "published_at", "updated_at"])
    event_published.send(Event, event=event, by=by, now=now)
    public_state_changed.send(Event, event_id=event.pk, now=now)


def _refuse_changes(stored: Event, changed: dict[str, Any]) -> None:
    if not stored.is_draft and any(name in changed for name in START):
        raise start_frozen()
    if changed and stored.is_cancelled:
        raise Refusal("event_cancelled", _("A cancelled event can no longer be changed."))
    if changed and stored.archived_at is not None:
        raise Refusal("event_archived", _("An archived event can no longer be changed."))
    if changed.get("capacity", stored.capacity) < stored.places_taken:
        raise Refusal(
            "capacity_below_taken",
            _("%(taken)d places are taken already, so the capacity cannot be lower than that.")
            % {"taken": stored.places_taken},
        )


def _apply(stored: Event, changed: dict[str, Any]) -> None:
    old_cover = stored.cover.name
    for name, value in changed.items():
        setattr(stored, name, value)
    untouched = {field.name for field in Event._meta.get_fields()} - set(changed)
    stored.clean_fields(exclude=untouched | {"cover"})
    stored.save(update_fields=[*changed, "updated_at"])
    if stored.cover.name != old_cover:
        discard_cover_if_unused(old_cover)


def _tell_public_change(stored: Event, changes: dict[str, tuple[Any, Any]], now: datetime) -> None:
    """Tell of new capacity whom it concerns, and everybody when what they may know is another now."""
    told = bool(set(changes) & PUBLIC)
    if "online_url" in changes:
        old, new = changes["online_url"]
        told |= bool(old) != bool(new)  # that there is a link is public; the link is not
    if "capacity" in changes and stored.is_open(now):
        level = FillLevel.of(stored)
        note_fill_level(stored.pk, level, now)
        before = Availability(changes["capacity"][0], stored.places_taken)
        told |= before.public() != level.availability.public()
    if told and stored.archived_at is None:
        public_state_changed.send(Event, event_id=stored.pk, now=now)


def _tell_change(
    stored: Event, changes: dict[str, tuple[Any, Any]], by: User | None, now: datetime
) -> None:
    _tell_public_change(stored, changes, now)
    announced = {name: changes[name] for name in ANNOUNCED if name in changes}
    if announced and not stored.has_ended(now):
        stored.revision += 1
        stored.save(update_fields=["revision"])
        event_changed.send(Event, event=stored, changes=announced, by=by, now=now)
