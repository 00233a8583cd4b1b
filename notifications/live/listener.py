"""The one listener of a server process (SPEC 6): every loop that keeps its open streams up to date."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from notifications.live import frames
from notifications.live.database import DatabaseThreads
from notifications.live.hub import Follower, Hub
from notifications.live.private import PrivateFeed
from notifications.live.public import PublicFeed

logger = logging.getLogger("notifications.live")

# After trouble with the database: not all processes at once.
TROUBLE_SECONDS = (1.0, 4.0)


class Listener:
    """Reads for all open streams of a process: never one reader for each browser."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        # One thread for what everybody waits for, two for readers who come, one for snapshots, which take
        # long and must keep no other reader waiting, and one for what is private.
        self._threads = [DatabaseThreads(count) for count in (1, 2, 1, 1)]
        reading, self.asking, snapshotting, private_reading = self._threads
        self._public = PublicFeed(hub, reading, self.asking, snapshotting)
        self._private = PrivateFeed(hub, private_reading)

    async def run(self) -> None:
        """Listen until cancelled. Trouble with the database ends nothing: it is asked again."""
        try:
            async with asyncio.TaskGroup() as loops:
                for loop in (
                    self._public.follow,
                    self._private.follow,
                    self._private.follow_sign_ins,
                ):
                    loops.create_task(_kept_up(loop))
                loops.create_task(self._beat())
        finally:
            for threads in self._threads:
                threads.close()

    async def begin(self, follower: Follower, *, last: int | None, age: float | None) -> None:
        """Let a stream out, first with what its reader has missed. It is in the hub already."""
        missed = await self._public.missed(follower, last=last, age=age)
        follower.start([frames.retry(), *missed, *self._private.present(follower)])

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(1)
            self._hub.beat(self._public.position)


async def _kept_up(loop: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await loop()
        except Exception:
            logger.exception("The live stream's listener has trouble and goes on in a moment")
        await asyncio.sleep(random.uniform(*TROUBLE_SECONDS))  # noqa: S311 - no secret
