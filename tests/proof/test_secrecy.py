"""SPEC 2 "the secrecy rule" as non-interference: twin worlds that differ in hidden popularity alone.

Hypothesis makes two histories of who booked, cancelled and signed in, with the same public history. Everybody
who does not organise the events then asks everything there is; all of it must be the same, byte for byte.
"""

import pytest
import time_machine
from hypothesis import HealthCheck, Phase, assume, example, given, settings

from tests.proof import figures
from tests.proof.asking import differences, everything, see_answers, see_mails, see_stream
from tests.proof.chance import undone
from tests.proof.worlds import NOW, STARTS, build, crowded, hiddens, populate

pytestmark = pytest.mark.django_db

# Of all requests each reader makes one in so many in each pair of worlds; in full, each in some pair.
SHARE = 8 if figures.FULL else 32
EXAMPLES = 8 if figures.FULL else 1  # beside the two extremes
SETTINGS = settings(
    max_examples=EXAMPLES,
    derandomize=not figures.FULL,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def seen_in(world, hidden, clock, turn):
    """Build the world, ask, and leave nothing behind."""
    with undone():
        build(world, hidden, clock)
        answers = see_answers(world, everything(world), share=SHARE, turn=turn)
        return answers | see_stream(world) | see_mails(world)


def test_twin_worlds_cannot_be_told_apart():
    tried = {"pairs": 0, "answers": 0}
    with time_machine.travel(NOW, tick=False) as clock:
        world = populate()

        @SETTINGS
        @given(hiddens(), hiddens())
        @example(crowded(), crowded(*STARTS))
        def check(one, other):
            assume(one != other)
            worlds = [seen_in(world, hidden, clock, tried["pairs"]) for hidden in (one, other)]
            assert differences(*worlds) == []
            tried["pairs"] += 1
            tried["answers"] += len(worlds[0])
            figures.record("secrecy", tried)  # as it goes, for a run that is stopped

        check()
    assert tried["pairs"] > EXAMPLES
