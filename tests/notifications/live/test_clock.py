"""The live stream while the clock of the machine jumps by hours, forwards and back (SPEC 6)."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from notifications.live.changes import forget_old_changes, last_change
from tests.events.factories import EventFactory
from tests.loops import run
from tests.notifications.live.conftest import edit
from tests.notifications.live.test_public import Stage


@pytest.fixture
def event(database):
    return EventFactory(title="Bats of the river", starts_at=timezone.now() + timedelta(days=60))


@pytest.mark.parametrize("hours", [-5, 5])
def test_who_follows_or_comes_back_misses_nothing_when_the_clock_jumps(event, now, hours):
    with time_machine.travel(now) as clock:

        async def play():
            async with Stage() as stage:
                await stage.do(edit, event)
                await stage.read_everything()
                seen = await stage.do(last_change)
                clock.shift(timedelta(hours=hours))
                await stage.do(forget_old_changes)
                await stage.do(edit, event)
                await stage.read_everything()
                back = await stage.come(last=seen)
                young = await stage.come(age=300)
            # Another process starts after the jump.
            async with Stage() as stage:
                await stage.come()
                later = await stage.come(last=seen)
                await stage.do(edit, event)
                await stage.read_everything()
                return back, young, later, await stage.come(last=seen)

        back, young, later, last = run(play())

    for told in (back, young, later):
        assert b"Bats of the river again again" in told
    assert b"Bats of the river again again again" in last
