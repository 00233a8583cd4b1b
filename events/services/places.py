"""The counters of an event: their only writers, and the notice when the last places go."""

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from accounts.models import User
from evento.database import default_connection, savepoint
from evento.statements import Rows, bound, execute
from events.availability import Availability, exact_availability, quiet_places
from events.models import Event
from events.signals import event_full, event_near_capacity, public_state_changed

# SPEC 2 "Near capacity": at most once in 24 hours, so that a flapping place is no spam.
QUIET_TIME = timedelta(hours=24)

_RETURNED = "capacity, places_taken, near_capacity_at, full_at, capacity_rearmed_at"

# The same text on both engines but for the lock on the holder. The condition is what decides a
# booking; the check constraint events_event_places_within_capacity holds even where it were wrong.
# `close_account` waits for that lock, and this for its own. SQLite locked everything at BEGIN.
_TAKE = """
    UPDATE events_event SET places_taken = places_taken + 1
    WHERE id = %s AND status = 'published' AND archived_at IS NULL AND starts_at > %s
          AND places_taken < capacity AND waiting_count = 0
          AND EXISTS (SELECT 1 FROM accounts_user WHERE id = %s AND is_active {hold})
"""
TAKE_PLACE = f"{_TAKE} RETURNING {_RETURNED}"
# Neither the organisers nor the public would be told anything (`_noted`). Notices are armed again by places
# that are given back or added, never by one that is taken, so the latches need no look.
TAKE_QUIET_PLACE = f"{_TAKE} AND capacity = %s AND places_taken < %s RETURNING 1"
GIVE_BACK_PLACE = f"""
    UPDATE events_event SET places_taken = places_taken - 1 WHERE id = %s
    RETURNING {_RETURNED}
"""  # noqa: S608


@dataclass(frozen=True)
class FillLevel:
    """An event's exact counts and the latches of its near-capacity notices."""

    availability: Availability
    near_capacity_at: datetime | None
    full_at: datetime | None
    rearmed_at: datetime | None

    @classmethod
    def of(cls, event: Event) -> "FillLevel":
        return cls(
            exact_availability(event),
            event.near_capacity_at,
            event.full_at,
            event.capacity_rearmed_at,
        )

    def is_armed(self, told_at: datetime | None, now: datetime) -> bool:
        """Whether a notice last told at `told_at` may be told (again)."""
        if told_at is None:
            return True
        rearmed = self.rearmed_at is not None and self.rearmed_at > told_at
        return rearmed and now - told_at >= QUIET_TIME

    @property
    def waits_for_room(self) -> bool:
        """Whether a notice was told and enough room to arm it again has not been seen since."""
        told = [at for at in (self.near_capacity_at, self.full_at) if at is not None]
        return bool(told) and (self.rearmed_at is None or self.rearmed_at <= max(told))


def lock_event(event_id: UUID) -> Event:
    """The event as stored, locked until the transaction ends.

    FOR NO KEY UPDATE: a ticket's foreign key check must not wait for us. SQLite has locked the
    whole database at BEGIN. Raises Event.DoesNotExist.
    """
    return Event.objects.select_for_update(no_key=True).get(pk=event_id)


def lock_events(event_ids: Iterable[UUID]) -> list[Event]:
    """Several events, locked in key order so that two callers cannot wait for each other."""
    rows = Event.objects.select_for_update(no_key=True).filter(pk__in=list(event_ids))
    return list(rows.order_by("pk"))


def take_place(
    event_id: UUID, now: datetime, *, holder_id: UUID, rows: Rows
) -> Availability | None:
    """Count one more place as taken, if the event is open at `now` and has one: the only decision.

    The holder's account must be open too: a closing one gives back the tickets it finds, and a place
    taken meanwhile would stay taken. `rows` are stored with the place. Returns the counts, or None when there
    was no place to take (SPEC 3). Call inside a transaction. May send event_near_capacity or event_full, and
    public_state_changed. Raises IntegrityError.
    """
    found = rows.store_if(_with_lock(TAKE_PLACE), _taking(event_id, now, holder_id))
    return None if found is None else _noted(event_id, found, now, gained=1)


def take_quiet_place(event: Event, now: datetime, *, holder_id: UUID, rows: Rows) -> bool:
    """`take_place` for when it concerns nobody else, as far from the last places: one statement, no signal.

    Whether it was taken. If not, `take_place` may still find one. Never on SQLite, which has no such
    statement. Raises IntegrityError.
    """
    quiet = quiet_places(event.capacity)
    if quiet == 0 or default_connection().vendor != "postgresql":
        return False
    parameters = [*_taking(event.pk, now, holder_id), event.capacity, quiet]
    with savepoint():
        return rows.store_if(_with_lock(TAKE_QUIET_PLACE), parameters) is not None


def give_back_place(event_id: UUID, now: datetime) -> Availability:
    """Count one place fewer as taken at an open event. Call inside a transaction, with the event locked.

    May send public_state_changed.
    """
    row = execute(GIVE_BACK_PLACE, [bound(Event, "id", event_id)])
    if row is None:
        raise Event.DoesNotExist
    return _noted(event_id, row, now, gained=-1)


def correct_places(event: Event, taken: int, now: datetime) -> None:
    """Set the counter to what was counted (`audit_places`). Call with `event` locked.

    Raises IntegrityError where more is taken than there is capacity: the database holds (SPEC 3).
    """
    before = exact_availability(event)
    Event.objects.filter(pk=event.pk).update(places_taken=taken)
    event.places_taken = taken
    if event.is_open(now):
        note_fill_level(event.pk, FillLevel.of(event), now)
        _tell_public_state(event.pk, before, exact_availability(event), now)


def note_fill_level(event_id: UUID, level: FillLevel, now: datetime) -> None:
    """Tell the organisers once when the last places go, and arm that again when there is room."""
    availability = level.availability
    if availability.left == 0:
        if level.is_armed(level.full_at, now):
            _latch(event_id, full_at=now, near_capacity_at=now)
            event_full.send(Event, event_id=event_id, availability=availability, now=now)
    elif availability.is_near_capacity:
        if level.is_armed(level.near_capacity_at, now):
            _latch(event_id, near_capacity_at=now)
            event_near_capacity.send(Event, event_id=event_id, availability=availability, now=now)
    elif availability.has_room_again and level.waits_for_room:
        _latch(event_id, capacity_rearmed_at=now)


def _tell_public_state(
    event_id: UUID, before: Availability, after: Availability, now: datetime
) -> None:
    """Send public_state_changed if the public may know another thing of an open event now (SPEC 2)."""
    if before.public() != after.public():
        public_state_changed.send(Event, event_id=event_id, now=now)


@functools.cache
def _with_lock(statement: str) -> str:
    return statement.replace(
        "{hold}", "FOR SHARE" if default_connection().vendor == "postgresql" else ""
    )


def _taking(event_id: UUID, now: datetime, holder_id: UUID) -> list[Any]:
    return [
        bound(Event, "id", event_id),
        bound(Event, "starts_at", now),
        bound(User, "id", holder_id),
    ]


def _noted(event_id: UUID, row: tuple[Any, ...], now: datetime, *, gained: int) -> Availability:
    """Tell whom it concerns what the counts in `row` mean, `gained` places after the ones before."""
    capacity, taken, *latches = row
    after = Availability(capacity, taken)
    note_fill_level(event_id, FillLevel(after, *(_read_time(latch) for latch in latches)), now)
    _tell_public_state(event_id, Availability(capacity, taken - gained), after, now)
    return after


def _read_time(value: datetime | None) -> datetime | None:
    """A timestamp of a raw row: SQLite's are in UTC and do not say so."""
    return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)


def _latch(event_id: UUID, **latches: datetime) -> None:
    # The row is locked by the statement or the caller before, so nobody latches at the same time.
    Event.objects.filter(pk=event_id).update(**latches)
