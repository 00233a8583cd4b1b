"""Thousands of mixed operations by several processes at once: no deadlock, and every rule holds afterwards.

`mixing.py` has the operations. Locks in an order of one's own do end in deadlocks, and are then counted:
`test_races.py::test_two_accounts_with_the_same_two_events_are_deleted_at_once`.
"""

from collections import Counter

import pytest
from django.db import connection

from notifications.sender import drain
from tests.accounts.factories import UserFactory
from tests.proof import figures
from tests.proof.chance import random_seed
from tests.proof.mixing import EVENTS, PEOPLE, assert_rules_hold, new_event, new_person
from tests.proof.racers import Racers

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.server,
    pytest.mark.django_db(transaction=True),
]

OPERATIONS = 10_000 if figures.FULL else 400
PROCESSES = 4


def deadlocks():
    """How many the server has ended in this database; a process that has ended has told of all of its own."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()",
        )
        return cursor.fetchone()[0]


def test_mixed_operations_end_in_no_deadlock_and_break_no_rule():
    seed = random_seed()
    organiser = UserFactory(organiser=True)
    for _n in range(EVENTS):
        new_event(organiser)
    for n in range(PEOPLE):
        new_person(n)
    before = deadlocks()

    with Racers(PROCESSES) as racers:
        parts = racers.all_at(
            "mix",
            [
                {"name": f"{seed}-{n}", "organiser": organiser.pk, "count": OPERATIONS // PROCESSES}
                for n in range(PROCESSES)
            ],
        )
        outcomes = sum(map(Counter, parts), Counter())
        said = [racers.race(*[("deadlocks_seen", {})] * PROCESSES)]
    drain()

    figures.record("mixed", {"outcomes": dict(sorted(outcomes.items())), "seed": seed})
    assert outcomes.total() == OPERATIONS, outcomes
    assert not [word for word in outcomes if "Error" in word], outcomes
    assert not [word for word in outcomes if word.endswith("busy")], outcomes
    assert said == [["0"] * PROCESSES]
    assert deadlocks() == before
    assert_rules_hold()
