"""From public changes to frames: what is new goes to who follows it, what was missed to who comes back."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import takewhile
from typing import Any
from uuid import UUID

from django.utils import timezone

from notifications.live import frames
from notifications.live.changes import (
    ChangesLost,
    changes_after,
    first_change_since,
    last_change,
)
from notifications.live.database import DatabaseThreads, changes_announced
from notifications.live.hub import Follower, Hub, PublicKey
from notifications.live.topics import PublicTopic, public_topics
from notifications.models import PublicChange

# Fewer than may wait for a reader (hub.MAX_BEHIND): many changes at once make nobody a slow one.
READ_AT_ONCE = 100
# Subjects whose newest change is kept in memory for browsers that come back.
REMEMBERED = 1000
# What a new process looks back for, so that a restart costs browsers no snapshot.
LOOK_BACK = timedelta(minutes=10)
# A page may have been kept for a moment between being made and being sent.
AGE_MARGIN_SECONDS = 2
# A snapshot is made once for all who come while it is made, and for so long after.
SNAPSHOT_SECONDS = 1

Loader = Callable[..., Mapping[UUID, Any]]


@dataclass(slots=True)
class Change:
    """The newest public change of one subject, and the frames that say it."""

    id: int
    about: UUID
    received_at: float
    subjects: dict[Loader, Any]
    _frames: dict[tuple[str, bool], bytes] = field(default_factory=dict)

    def frame(self, topic: PublicTopic, argument: Any, signed_in: bool) -> bytes | None:
        """What it says under that argument, made once for all; None where the subject is not in view."""
        subject = self.subjects.get(topic.load)
        if subject is None or not topic.covers(argument, subject):
            return None
        known = self._frames.get((topic.name, signed_in))
        if known is None:
            payload = {"topic": topic.name, **topic.frame(subject, signed_in)}
            known = frames.frame("public", payload, frame_id=self.id)
            self._frames[topic.name, signed_in] = known
        return known


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A frame with everything in view, as it was when all changes up to `position` had been read."""

    position: int
    frame: bytes


class PublicFeed:
    """Reads public changes in their order and keeps the newest of each subject."""

    def __init__(
        self,
        hub: Hub,
        reading: DatabaseThreads,
        asking: DatabaseThreads,
        snapshotting: DatabaseThreads,
    ) -> None:
        self._hub = hub
        self._reading = reading
        self._asking = asking
        self._snapshotting = snapshotting
        self.position = 0
        self._ready = asyncio.Event()
        self._recent: dict[UUID, Change] = {}  # in the order of their ids
        # Every change after this id, and every one received since that moment, is in _recent.
        self._complete_after = 0
        self._complete_since = 0.0
        self._snapshots: dict[tuple[str, bool], asyncio.Task[Snapshot]] = {}

    async def follow(self) -> None:
        """Publish what is new, for as long as the database answers."""
        try:
            if not self._ready.is_set():
                await self._look_back()
            async for _word in changes_announced(self._reading):
                while await self._publish_next():
                    pass
        except ChangesLost:
            self._begin_anew()
            raise

    async def missed(
        self, follower: Follower, *, last: int | None, age: float | None
    ) -> list[bytes]:
        """What a reader has missed since the frame `last`, or in the last `age` seconds.

        Only the newest change of each subject counts, as it says the whole state. Who was away for too
        long gets a snapshot of each topic instead. `follower` is in the hub already: what happens
        meanwhile reaches it too, later.
        """
        await self._ready.wait()
        if last is not None:
            if self._complete_after <= last <= self.position:
                return await self._frames_of(self._changes_after(last), follower)
            # Another process may have told of changes that this one has yet to read.
            if self.position < last <= await self._asking.run(last_change):
                return []
            return await self._snapshots_of(follower)
        if age is None:
            return []
        since = time.monotonic() - age - AGE_MARGIN_SECONDS
        if since < self._complete_since:
            return await self._snapshots_of(follower)
        return await self._frames_of(self._changes_since(since), follower)

    # --- New changes ---

    async def _look_back(self) -> None:
        """Begin with what happened lately, so that who comes back after a restart misses nothing."""
        self._complete_since = time.monotonic() - LOOK_BACK.total_seconds()
        # Asked for in this order: a change between the two questions is after both answers.
        last = await self._reading.run(last_change)
        first = await self._reading.run(first_change_since, timezone.now() - LOOK_BACK)
        self.position = self._complete_after = last if first is None else min(last, first - 1)
        while await self._publish_next():
            pass
        self._ready.set()

    def _begin_anew(self) -> None:
        """Forget what is known: readers come back, and are told what they have missed in another way."""
        self._ready.clear()
        self._recent.clear()
        self._snapshots.clear()
        self._hub.close()

    async def _publish_next(self) -> bool:
        """Publish the next changes; whether there were any."""
        rows = await self._reading.run(changes_after, self.position, limit=READ_AT_ONCE)
        if not rows:
            return False
        followed = self._hub.followed_public()
        for change in await self._reading.run(_changes_of, rows, list(followed)):
            self._remember(change)
            for (topic, argument, signed_in), followers in followed.items():
                chunk = change.frame(topic, argument, signed_in)
                if chunk is not None:
                    for follower in followers:
                        follower.offer(chunk)
        self.position = rows[-1].pk
        return True

    def _remember(self, change: Change) -> None:
        self._recent.pop(change.about, None)
        self._recent[change.about] = change
        if len(self._recent) > REMEMBERED:
            oldest = self._recent.pop(next(iter(self._recent)))
            self._complete_after = oldest.id
            self._complete_since = oldest.received_at

    # --- What was missed ---

    def _changes_after(self, change_id: int) -> list[Change]:
        newer = takewhile(lambda each: each.id > change_id, reversed(self._recent.values()))
        return list(newer)[::-1]

    def _changes_since(self, moment: float) -> list[Change]:
        newer = takewhile(lambda each: each.received_at >= moment, reversed(self._recent.values()))
        return list(newer)[::-1]

    async def _frames_of(self, changes: list[Change], follower: Follower) -> list[bytes]:
        if not changes:
            return []
        return await self._asking.run(_frames_for, changes, follower)

    async def _snapshots_of(self, follower: Follower) -> list[bytes]:
        """A snapshot of each topic, and what happened since the oldest of them was made."""
        while True:
            made = [
                await self._snapshot(words, follower)
                for words in follower.public_words
                if not follower.is_over  # its reader has gone meanwhile
            ]
            position = min((each.position for each in made), default=self.position)
            if position >= self._complete_after:
                break
            self._snapshots.clear()  # too much has happened since
        newer = await self._frames_of(self._changes_after(position), follower)
        return [each.frame for each in made] + newer

    async def _snapshot(self, words: str, follower: Follower) -> Snapshot:
        wanted = (words, follower.signed_in)
        task = self._snapshots.get(wanted)
        if task is None:
            task = asyncio.create_task(self._make_snapshot(words, follower))
            self._snapshots[wanted] = task
            task.add_done_callback(partial(self._forget_soon, wanted))
        return await asyncio.shield(task)

    def _forget_soon(self, wanted: tuple[str, bool], _made: asyncio.Task[Snapshot]) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(SNAPSHOT_SECONDS, self._snapshots.pop, wanted, None)

    async def _make_snapshot(self, words: str, follower: Follower) -> Snapshot:
        # Read first: whatever happens while the snapshot is made comes again after it.
        position = self.position
        key = follower.words[words]
        assert isinstance(key.topic, PublicTopic)  # noqa: S101 - tells the type checker
        payload = await self._snapshotting.run(
            _snapshot_payload, key.topic, key.argument, follower.signed_in
        )
        frame = frames.frame("snapshot", {"argument": words, **payload}, frame_id=position)
        return Snapshot(position, frame)


def _changes_of(rows: list[PublicChange], followed: list[PublicKey]) -> list[Change]:
    """The newest change of each subject, in their order.

    What of them is `followed` now is rendered here, in the database's thread, so that the event loop need
    not.
    """
    newest = {row.about: row.pk for row in rows}
    loaded = {load: load(newest) for load in {topic.load for topic in public_topics()}}
    now = time.monotonic()
    changes = []
    for about, change_id in sorted(newest.items(), key=lambda item: item[1]):
        subjects = {load: known[about] for load, known in loaded.items() if about in known}
        changes.append(Change(change_id, about, now, subjects))
    for topic, argument, signed_in in followed:
        for change in changes:
            change.frame(topic, argument, signed_in)
    return changes


def _frames_for(changes: list[Change], follower: Follower) -> list[bytes]:
    said = (
        change.frame(topic, argument, follower.signed_in)
        for change in changes
        for topic, argument in follower.public_keys
    )
    return [chunk for chunk in said if chunk is not None]


def _snapshot_payload(topic: PublicTopic, argument: Any, signed_in: bool) -> dict[str, Any]:
    subjects = topic.current(argument)
    said = None if subjects is None else [topic.frame(each, signed_in) for each in subjects]
    return {"topic": topic.name, "frames": said}
