"""SPEC in plain Python: what events, tickets, organisers and notices must be after each change.

Written from SPEC and from no code of the product: no database, no import of an app. An operation answers
with the code of its refusal, or with "" when it is done.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

DAY = timedelta(days=1)
MESSAGES_A_DAY = 5
NOTE_LENGTH = 500
OPEN_AFTER_END = timedelta(days=14)
OPTIONAL = {
    *("events.event_near_capacity", "events.event_full", "events.event_cancelled"),
    *("events.organiser_added", "tickets.holder_message"),
}


@dataclass
class Event:
    """An event, its valid tickets by holder (when each was booked), and the state of its notices."""

    starts_at: datetime
    duration: timedelta
    capacity: int
    location: str
    status: str = "draft"
    is_archived: bool = False
    booked: dict[str, datetime] = field(default_factory=dict)
    organisers: set[str] = field(default_factory=set)
    offers: dict[str, str] = field(default_factory=dict)  # to whom, by whom
    notes: dict[str, str] = field(default_factory=dict)  # of valid tickets, by holder
    messages: list[tuple[datetime, str]] = field(default_factory=list)
    near_told: datetime | None = None
    full_told: datetime | None = None
    had_room: datetime | None = None  # when it last had room again after a notice
    public_changes: int = 0

    @property
    def taken(self):
        return len(self.booked)

    @property
    def left(self):
        return self.capacity - self.taken

    @property
    def ends_at(self):
        return self.starts_at + self.duration

    def is_open(self, now):
        return self.status == "published" and not self.is_archived and now < self.starts_at

    def badge(self, now):
        """SPEC 2 "How full it is", word by word."""
        if not self.is_open(now):
            return ""
        if self.left == 0:
            return "FULL"
        if self.left * 20 < self.capacity:
            return "last 1 space" if self.left == 1 else f"last {self.left} spaces"
        return ""


@dataclass(frozen=True)
class Announcement:
    """What the worker has yet to tell many people."""

    kind: str
    event: str
    at: datetime
    by: str | None = None


class Model:
    """The whole site."""

    def __init__(self):
        self.events = {}
        self.closed = set()
        self.opted_out = set()  # (person, kind)
        self.usernames = {}  # of open accounts
        self.notices = Counter()  # (person, kind, event)
        self.mails = Counter()
        self.waiting = []

    # --- Events ---

    def create(self, key, event, creator, now, *, publish):
        if publish and event.starts_at <= now:
            return "start_in_past"
        self.events[key] = event
        event.organisers = {creator}
        return self.publish(key, now) if publish else ""

    def publish(self, key, now):
        event = self.events[key]
        if event.status != "draft":
            return "not_a_draft"
        if event.starts_at <= now:
            return "start_in_past"
        event.status = "published"
        event.public_changes += 1
        return ""

    def move(self, key, starts_at):
        event = self.events[key]
        if event.status != "draft" and starts_at != event.starts_at:
            return "start_frozen"
        if event.status == "draft":
            event.starts_at = starts_at
        return ""

    def relocate(self, key, location, by, now):
        event = self.events[key]
        if location == event.location:
            return ""
        if refused := self._fixed(event):
            return refused
        event.location = location
        if event.status == "published":
            event.public_changes += 1
            if now < event.ends_at:
                self._announce("tickets.event_changed", key, now, by)
        return ""

    def resize(self, key, capacity, now):
        event = self.events[key]
        if capacity == event.capacity:
            return ""
        if refused := self._fixed(event):
            return refused
        if capacity < event.taken:
            return "capacity_below_taken"
        before = event.badge(now)
        event.capacity = capacity
        if event.is_open(now):
            self._note_filling(key, before, now)
        return ""

    def edit(self, key, location, capacity, by, now, *, publish):
        """Several changes at once, published with them perhaps: all or nothing, and told once."""
        event = self.events[key]
        moved, resized = location != event.location, capacity != event.capacity
        if (moved or resized) and (refused := self._fixed(event)):
            return refused
        if capacity < event.taken:
            return "capacity_below_taken"
        was_public = event.status == "published"
        if publish and (refused := self.publish(key, now)):
            return refused
        before, told = event.badge(now), event.public_changes
        event.location, event.capacity = location, capacity
        if was_public and resized and event.is_open(now):
            self._note_filling(key, before, now)
        if was_public and moved:
            event.public_changes = told + 1
            if now < event.ends_at:
                self._announce("tickets.event_changed", key, now, by)
        return ""

    def cancel(self, key, by, now):
        event = self.events[key]
        if event.status == "cancelled":
            return ""
        if event.status == "draft":
            return "not_published"
        if event.ends_at <= now:
            return "event_ended"
        event.status = "cancelled"
        event.public_changes += 1
        self._announce("tickets.event_cancelled", key, now, by)
        return ""

    def archive(self, key, now):
        event = self.events[key]
        if event.is_archived:
            return ""
        over = event.status == "published" and event.ends_at <= now
        if not (over or event.status == "cancelled"):
            return "not_archivable"
        event.is_archived = True
        event.public_changes += 1
        return ""

    def delete(self, key):
        if self.events[key].status != "draft":
            return "not_a_draft"
        del self.events[key]
        return ""

    @staticmethod
    def _fixed(event):
        if event.status == "cancelled":
            return "event_cancelled"
        return "event_archived" if event.is_archived else ""

    # --- Tickets ---

    def book(self, key, person, now):
        event = self.events[key]
        refused = self._why_no_ticket(event, person, now)
        if refused != "not_found" and person in event.booked:
            return ""  # asking twice leads to the same ticket
        if refused:
            return refused
        before = event.badge(now)
        event.booked[person] = now
        self._tell(person, "tickets.ticket_booked", key)
        self._note_filling(key, before, now)
        return ""

    def _why_no_ticket(self, event, person, now):
        reasons = {
            "not_found": event.status == "draft" or event.is_archived,
            "event_cancelled": event.status == "cancelled",
            "event_started": event.starts_at <= now,
            "event_full": event.left == 0,
            "account_closed": person in self.closed,
        }
        return next((code for code, holds in reasons.items() if holds), "")

    def give_back(self, key, person, now):
        event = self.events[key]
        if person not in event.booked:
            return ""  # given back before
        if event.status == "cancelled":
            return "ticket_void"
        if event.starts_at <= now:
            return "event_started"
        self._free(key, person, now)
        return ""

    def change_note(self, key, person, note, now):
        event = self.events[key]
        if len(note) > NOTE_LENGTH:
            return "note_too_long"
        if person not in event.booked:
            return "ticket_cancelled"
        if event.status == "cancelled":
            return "ticket_void"
        if event.starts_at <= now:
            return "event_started"
        event.notes[person] = note
        return ""

    def message(self, key, words, now):
        event = self.events[key]
        recent = [text for at, text in event.messages if at > now - DAY]
        if words in recent:
            return ""
        if refused := self._why_no_message(event, now):
            return refused
        if len(recent) >= MESSAGES_A_DAY:
            return "too_many_messages"
        event.messages.append((now, words))
        self._announce("tickets.holder_message", key, now)
        return ""

    def _why_no_message(self, event, now):
        if event.status == "draft":
            return "not_published"
        if event.status == "cancelled":
            return "event_cancelled"
        if event.is_archived or event.ends_at + OPEN_AFTER_END <= now:
            return "event_ended"
        return "" if event.booked else "no_holders"

    def _free(self, key, person, now):
        event = self.events[key]
        before = event.badge(now)
        del event.booked[person]
        event.notes.pop(person, None)
        self._tell(person, "tickets.ticket_cancelled", key)
        self._note_filling(key, before, now)

    # --- People ---

    def promote(self, key, person, by):
        event = self.events[key]
        if person in event.organisers:
            return ""
        if person in event.booked:
            self._add_organiser(key, person)
        elif person not in event.offers:
            event.offers[person] = by
            self.mails[person, "events.organiser_offered", key] += 1
        return ""

    def accept(self, key, person):
        if self.events[key].offers.pop(person, None) is None:
            return "offer_not_yours"
        self._add_organiser(key, person)
        return ""

    def withdraw(self, key, person):
        self.events[key].offers.pop(person, None)

    def rename(self, person, username):
        others = {name.lower() for it, name in self.usernames.items() if it != person}
        if username.lower() in others:
            return "username_taken"
        self.usernames[person] = username
        return ""

    def remove_organiser(self, key, person):
        event = self.events[key]
        if person not in event.organisers:
            return ""
        if not event.organisers - self.closed - {person}:
            return "last_organiser"
        event.organisers.discard(person)
        event.offers = {to: by for to, by in event.offers.items() if by != person}
        return ""

    def close(self, person, now):
        organised = [event for event in self.events.values() if person in event.organisers]
        shared = [event for event in organised if event.organisers - self.closed - {person}]
        if any(event.is_open(now) and event not in shared for event in organised):
            return "only_organiser"
        for event in shared:
            event.organisers.discard(person)
        for key, event in self.events.items():
            event.offers.pop(person, None)
            event.notes.pop(person, None)
            if person in event.booked and event.is_open(now):
                self._free(key, person, now)
        self.closed.add(person)
        del self.usernames[person]
        for told in (self.notices, self.mails):
            for entry in [entry for entry in told if entry[0] == person]:
                del told[entry]
        return ""

    def opt_out(self, person, kind):
        self.opted_out.add((person, kind))

    def _add_organiser(self, key, person):
        event = self.events[key]
        event.offers.pop(person, None)
        if person not in event.organisers:
            event.organisers.add(person)
            self._tell(person, "events.organiser_added", key)

    # --- Telling ---

    def _note_filling(self, key, badge_before, now):
        """SPEC 2 "Near capacity": each once, armed again by room for 10 % and 3, at most once in 24 hours."""
        event = self.events[key]
        if event.badge(now) != badge_before:
            event.public_changes += 1
        if event.left == 0:
            if self._is_due(event, event.full_told, now):
                event.full_told = event.near_told = now
                self._announce("events.event_full", key, now)
        elif event.left * 20 < event.capacity or event.left == 1:
            if self._is_due(event, event.near_told, now):
                event.near_told = now
                self._announce("events.event_near_capacity", key, now)
        elif event.left >= 3 and event.left * 10 >= event.capacity:
            told = [at for at in (event.near_told, event.full_told) if at is not None]
            if told and (event.had_room is None or event.had_room <= max(told)):
                event.had_room = now

    @staticmethod
    def _is_due(event, told, now):
        if told is None:
            return True
        return event.had_room is not None and event.had_room > told and now - told >= DAY

    def _announce(self, kind, key, now, by=None):
        self.waiting.append(Announcement(kind, key, now, by))

    def work(self):
        """What the worker writes: each notice exactly once, to whom it concerns now."""
        for told in self.waiting:
            for person, kind in self._audience(told).items():
                self._tell(person, kind, told.event)
        self.waiting = []

    def _audience(self, told):
        event = self.events[told.event]
        organisers = event.organisers - self.closed
        if told.kind in ("events.event_full", "events.event_near_capacity"):
            return dict.fromkeys(organisers, told.kind)
        cancelled = told.kind == "tickets.event_cancelled"
        holders = {
            person for person, at in event.booked.items() if at <= told.at or cancelled
        } - self.closed
        # Holders first: one person, one notice.
        others = organisers - {told.by} if cancelled else set()
        return dict.fromkeys(others, "events.event_cancelled") | dict.fromkeys(holders, told.kind)

    def _tell(self, person, kind, key):
        self.notices[person, kind, key] += 1
        if not (kind in OPTIONAL and (person, kind) in self.opted_out):
            self.mails[person, kind, key] += 1
