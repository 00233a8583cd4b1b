"""The feed of public changes: what who comes, or comes back, is told, whatever happens meanwhile (SPEC 6)."""

import asyncio
import threading

import pytest
from django.db import connections, transaction
from django.db.models import F

from events.services import change_event
from notifications.live import database
from notifications.live.changes import ChangesLost, last_change
from notifications.live.database import DatabaseThreads
from notifications.live.hub import Follower, Hub, Key
from notifications.live.public import PublicFeed
from notifications.live.topics import find
from notifications.models import PublicChange
from tests.events.factories import EventFactory
from tests.loops import run
from tests.notifications.live.conftest import edit
from tests.patience import PATIENCE

LONG = 10**9  # seconds


class Stage:
    """A feed at work on the test's database, and a thread to do what people do meanwhile."""

    def __init__(self, hub=None):
        self.hub = hub or Hub()
        self.threads = [DatabaseThreads(1) for _n in range(4)]
        reading, asking, snapshotting, self.people = self.threads
        self.feed = PublicFeed(self.hub, reading, asking, snapshotting)

    async def __aenter__(self):
        self.following = asyncio.create_task(self.feed.follow())
        return self

    async def __aexit__(self, *exception):
        self.following.cancel()
        await asyncio.wait([self.following])
        for threads in self.threads:
            await threads.run(connections.close_all)
            threads.close()

    async def do(self, act, *args):
        return await self.people.run(act, *args)

    async def come(self, *, last=None, age=None):
        """What somebody new is told first."""
        stream = follower()
        self.hub.add(stream)
        async with asyncio.timeout(PATIENCE):
            return b"".join(await self.feed.missed(stream, last=last, age=age))

    async def read_everything(self):
        newest = await self.do(last_change)
        async with asyncio.timeout(PATIENCE):
            while self.feed.position != newest:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)


def follower(words="list::"):
    name, _colon, argument = words.partition(":")
    topic = find(name)
    return Follower({words: Key(topic, topic.parse(argument))}, None)


@pytest.fixture
def event(database):
    return EventFactory(title="Bats of the river")


def test_each_change_is_announced_and_not_only_found_by_asking_now_and_then(event, monkeypatch):
    monkeypatch.setattr(database, "ASK_ANYWAY_SECONDS", LONG)

    async def play():
        async with Stage() as stage:
            for _change in range(2):
                await stage.do(edit, event)
                await stage.read_everything()
            return await stage.do(last_change), stage.feed.position

    last, position = run(play())

    assert position == last > 0


def test_change_after_a_snapshot_reaches_who_gets_that_snapshot_later(event):
    """A snapshot is made once for all who come within a moment; what happened since is told beside it."""

    async def play():
        async with Stage() as stage:
            await stage.come(age=LONG)
            await stage.do(edit, event)
            await stage.read_everything()
            return await stage.come(age=LONG)

    told = run(play())

    assert b"event: snapshot" in told
    assert b"Bats of the river again" in told


def test_who_is_a_moment_ahead_of_this_process_misses_nothing_and_gets_no_snapshot(event):
    """Another process may have told of a change that this one has not read yet."""

    async def play():
        async with Stage() as stage:
            await stage.come()
            stage.following.cancel()  # this process reads nothing for now
            await asyncio.wait([stage.following])
            await stage.do(edit, event)
            return await stage.come(last=await stage.do(last_change))

    assert run(play()) == b""


def test_who_has_seen_more_than_ever_was_gets_a_snapshot(event):
    """The database is another one, or its changes were deleted."""

    async def play():
        async with Stage() as stage:
            return await stage.come(last=10**6)

    assert b"event: snapshot" in run(play())


def test_hub_is_asked_on_its_own_loop_alone(event):
    """Streams come and go meanwhile: another thread would find its collections changing under it."""

    class WatchfulHub(Hub):
        asked_in = set()

        def followed_public(self):
            self.asked_in.add(threading.get_ident())
            return super().followed_public()

    async def play():
        async with Stage(WatchfulHub()) as stage:
            await stage.come()
            await stage.do(edit, event)
            await stage.read_everything()

    run(play())

    assert WatchfulHub.asked_in == {threading.get_ident()}


def leave_a_hole():
    PublicChange.objects.update(id=F("id") + 10)


def test_lost_changes_end_every_stream_and_who_comes_back_gets_a_snapshot(event):
    """A process that read nothing for hours, or a table that was emptied, leaves a hole behind."""

    async def play():
        async with Stage() as stage:
            stream = follower()
            stage.hub.add(stream)
            stream.start([])
            await stage.do(edit, event)
            await stage.read_everything()
            await stage.do(leave_a_hole)
            await stage.do(edit, event)
            with pytest.raises(ChangesLost):
                await asyncio.wait_for(stage.following, PATIENCE)
            ended, goes_on = await stream.take()
            stage.following = asyncio.create_task(stage.feed.follow())
            return ended, goes_on, await stage.come(last=1)

    ended, goes_on, told = run(play())

    assert ended.endswith(b'event: end\ndata: {"reason":"restart"}\n\n')
    assert not goes_on
    assert b"event: snapshot" in told


def rename_all(events):
    with transaction.atomic():
        for event in events:
            change_event(event, changes={"title": f"{event.title} again"}, by=None)


def test_many_changes_at_once_make_nobody_a_slow_reader(database):
    events = EventFactory.create_batch(250)

    async def play():
        async with Stage() as stage:
            stream = follower()
            stage.hub.add(stream)
            stream.start([])
            await stage.come()
            await stage.do(rename_all, events)
            told = b""
            async with asyncio.timeout(PATIENCE):
                while told.count(b"event: public") < len(events):
                    chunk, goes_on = await stream.take()
                    assert goes_on
                    told += chunk
            return told

    told = run(play())

    assert all(event.slug.encode() in told for event in events)
