"""The open streams of one process, and what is handed to them. Everything here runs on one event loop."""

import asyncio
import random
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from notifications.live import frames
from notifications.live.people import SignIn
from notifications.live.topics import PublicTopic, Topic

K = TypeVar("K", bound=Hashable)

# New frames that may wait for a reader: whoever is further behind does better with a fresh start.
MAX_BEHIND = 500
# What a stream hands to the server at a time: no more than this waits in each connection's own buffer,
# beside frames that all streams share.
PIECE_BYTES = 65_536
# Beats go to one slot of streams each second, so that thousands are not woken at once. Which slot a
# stream is in and when it beats depend on nothing that happens on the site.
BEAT_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Key:
    """What a stream follows: a topic under an argument (for a private one, what is read by)."""

    topic: Topic
    argument: Any


class Follower:
    """One open stream: what it follows, and the frames that wait for it."""

    __slots__ = ("_behind", "_pending", "_started", "_waiter", "sign_in", "words")

    def __init__(self, words: dict[str, Key], sign_in: SignIn | None) -> None:
        self.words = words  # as asked for: "list::2026-12-03" and the like
        self.sign_in = sign_in
        self._pending: list[bytes | memoryview | None] = []  # None: the end
        self._behind = 0  # how many were offered since all had been taken
        self._started = False
        self._waiter: asyncio.Future[None] | None = None

    @property
    def signed_in(self) -> bool:
        return self.sign_in is not None

    @property
    def keys(self) -> set[Key]:
        return set(self.words.values())

    @property
    def public_words(self) -> list[str]:
        return [words for words, key in self.words.items() if isinstance(key.topic, PublicTopic)]

    @property
    def public_keys(self) -> list[tuple[PublicTopic, Any]]:
        return [
            (key.topic, key.argument) for key in self.keys if isinstance(key.topic, PublicTopic)
        ]

    @property
    def is_behind(self) -> bool:
        """Whether something waits for its reader."""
        return bool(self._pending)

    @property
    def is_over(self) -> bool:
        """Whether its end is settled; frames that waited before it may still go out."""
        return bool(self._pending) and self._pending[-1] is None

    def start(self, first: Iterable[bytes]) -> None:
        """Let frames out: `first`, then what came in meanwhile, which is newer."""
        self._pending[:0] = first
        self._started = True
        self._wake()

    def offer(self, chunk: bytes) -> None:
        """Hand over a frame. A reader too slow to take what waits is let go, not buffered without end."""
        if self.is_over:
            return
        if self._behind >= MAX_BEHIND:
            self._pending.clear()
            self.end()
            return
        self._behind += 1
        self._pending.append(chunk)
        self._wake()

    def end(self, reason: str | None = None) -> None:
        """Close the stream after what waits, with a last frame that says why."""
        if self.is_over:
            return
        if reason is not None:
            self._pending.append(frames.end(reason))
        self._pending.append(None)
        self._wake()

    async def take(self) -> tuple[bytes, bool]:
        """A piece of what waits, and whether more may follow; sleeps while there is nothing."""
        while not (self._started and self._pending):
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        taken: list[bytes | memoryview] = []
        room = PIECE_BYTES
        while self._pending and room:
            chunk = self._pending.pop(0)
            if chunk is None:
                return b"".join(taken), False
            taken.append(chunk[:room])
            if len(chunk) > room:
                self._pending.insert(0, memoryview(chunk)[room:])
            room -= len(taken[-1])
        if not self._pending:
            self._behind = 0
        return b"".join(taken), True

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


# Topic, argument, and whether by people signed in: to them a public frame may say something else.
PublicKey = tuple[PublicTopic, Any, bool]


class Hub:
    """Who follows what."""

    def __init__(self) -> None:
        self.followers: set[Follower] = set()
        self._public: dict[PublicKey, set[Follower]] = {}
        self._private: dict[Key, set[Follower]] = {}
        self._slots: list[set[Follower]] = [set() for _second in range(BEAT_SECONDS)]
        self._turn = 0

    def add(self, follower: Follower) -> None:
        self.followers.add(follower)
        random.choice(self._slots).add(follower)  # noqa: S311 - no secret
        for key in follower.keys:
            if isinstance(key.topic, PublicTopic):
                public = (key.topic, key.argument, follower.signed_in)
                self._public.setdefault(public, set()).add(follower)
            else:
                self._private.setdefault(key, set()).add(follower)

    def remove(self, follower: Follower) -> None:
        self.followers.discard(follower)
        for slot in self._slots:
            slot.discard(follower)
        for key in follower.keys:
            if isinstance(key.topic, PublicTopic):
                _discard(self._public, (key.topic, key.argument, follower.signed_in), follower)
            else:
                _discard(self._private, key, follower)

    def followed_public(self) -> Mapping[PublicKey, set[Follower]]:
        """What is public and followed, by whom. As it is at any time, not a copy."""
        return self._public

    def followed_private(self) -> Mapping[Key, set[Follower]]:
        """What is private and followed, by whom: people signed in. As it is at any time, not a copy."""
        return self._private

    def beat(self, position: int) -> None:
        """A sign of life for the next slot; call once a second."""
        chunk = frames.beat(position)
        self._turn = (self._turn + 1) % BEAT_SECONDS
        for follower in self._slots[self._turn]:
            follower.offer(chunk)

    def close(self) -> None:
        """End every stream; browsers come back to another process, or to this one's successor."""
        for follower in self.followers:
            follower.end("restart")


def _discard(followed: dict[K, set[Follower]], key: K, follower: Follower) -> None:
    others = followed.get(key, set())
    others.discard(follower)
    if not others:
        followed.pop(key, None)
