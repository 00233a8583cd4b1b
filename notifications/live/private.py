"""Private states and sign-ins, asked for at intervals, only while somebody follows."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any
from uuid import UUID

from accounts.models import User
from notifications.live import frames
from notifications.live.database import DatabaseThreads
from notifications.live.hub import Follower, Hub, Key
from notifications.live.people import still_signed_in
from notifications.live.topics import PrivateTopic

# SPEC 6, and the limit of what organisers may be told: at most two frames a second about one event.
READ_SECONDS = 0.5
SIGN_IN_SECONDS = 1.0
# However many follow, asking for them takes a tenth of the time; on a slow machine more, not to be late.
REST_IN_DURATIONS = 9
LONGEST_REST_SECONDS = 3.0


class PrivateFeed:
    """Says private states that are new, and ends the streams of who may no longer follow."""

    def __init__(self, hub: Hub, reading: DatabaseThreads) -> None:
        self._hub = hub
        self._reading = reading
        self._told: dict[Key, tuple[Hashable, bytes]] = {}

    def present(self, follower: Follower) -> list[bytes]:
        """What is known already of what a new stream follows; the rest comes with the next reading."""
        return [self._told[key][1] for key in follower.keys if key in self._told]

    async def follow(self) -> None:
        """Read states, for as long as the database answers."""
        await _at_intervals(READ_SECONDS, self._tell_new_states)

    async def follow_sign_ins(self) -> None:
        """End streams whose reader signed out, was demoted or closed the account (SPEC 6)."""
        await _at_intervals(SIGN_IN_SECONDS, self._end_forbidden)

    async def _tell_new_states(self) -> None:
        followed = self._hub.followed_private()
        self._told = {key: told for key, told in self._told.items() if key in followed}
        if not followed:
            return
        for key, told in (await self._reading.run(self._read, list(followed))).items():
            self._told[key] = told
            for follower in self._hub.followed_private().get(key, ()):
                follower.offer(told[1])

    def _read(self, keys: list[Key]) -> dict[Key, tuple[Hashable, bytes]]:
        """The states that are others than those told before, each with its frame."""
        arguments: dict[PrivateTopic, list[Any]] = defaultdict(list)
        for key in keys:
            if isinstance(key.topic, PrivateTopic):
                arguments[key.topic].append(key.argument)
        new = {}
        same: dict[bytes, bytes] = {}  # thousands have no unread notice: one frame for all of them
        for topic, wanted in arguments.items():
            for argument, state in topic.read(wanted).items():
                key = Key(topic, argument)
                if key not in self._told or self._told[key][0] != state:
                    payload = {"topic": topic.name, **topic.frame(argument, state)}
                    chunk = frames.frame("private", payload)
                    new[key] = (state, same.setdefault(chunk, chunk))
        return new

    async def _end_forbidden(self) -> None:
        signed_in = [each for each in self._hub.followers if each.sign_in is not None]
        if signed_in:
            for follower, reason in await self._reading.run(_forbidden, signed_in):
                follower.end(reason)


def _forbidden(followers: list[Follower]) -> list[tuple[Follower, str]]:
    """The streams that must end, and why. What a person follows is asked for once, in however many tabs."""
    holding = still_signed_in({each.sign_in for each in followers if each.sign_in is not None})
    permitted: dict[tuple[UUID, Key], bool] = {}
    ended = []
    for follower in followers:
        user = holding.get(follower.sign_in) if follower.sign_in is not None else None
        if user is None:
            ended.append((follower, "signed_out"))
            continue
        for words, key in follower.words.items():
            if (user.pk, key) not in permitted:
                permitted[user.pk, key] = _is_permitted(user, words, key)
            if not permitted[user.pk, key]:
                ended.append((follower, "forbidden"))
                break
    return ended


def _is_permitted(user: User, words: str, key: Key) -> bool:
    if not isinstance(key.topic, PrivateTopic):
        return True
    return key.topic.permit(user, words.partition(":")[2]) == key.argument


async def _at_intervals(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        began = time.monotonic()
        await work()
        took = time.monotonic() - began
        await asyncio.sleep(max(seconds, min(took * REST_IN_DURATIONS, LONGEST_REST_SECONDS)))
