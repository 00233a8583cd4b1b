"""Services against a model in plain Python, in any order, and whether the machine can fail.

The machine is `machine.py` (by hypothesis), the model `model.py`.
"""

from collections import Counter
from math import ceil

import pytest
from django.db import IntegrityError
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from events.availability import Availability
from events.models import Event
from events.services import places
from events.signals import public_state_changed
from tests.proof import figures
from tests.proof.history import History
from tests.proof.machine import Machine
from tickets import receivers
from tickets.services import booking, cancelling

pytestmark = pytest.mark.django_db

STEPS = 10_000 if figures.FULL else 500
STEPS_A_RUN = 50
STEPS_MADE = 48  # on average, of those that a run may have


def argue(steps, *, derandomize=True):
    """Make so many steps or a few more; how many. Raises what the first difference raises."""
    History.steps = 0
    History.outcomes.clear()
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=ceil(steps / STEPS_MADE),
            stateful_step_count=STEPS_A_RUN,
            derandomize=derandomize,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    return History.steps


def test_services_do_as_the_model_says():
    made, outcomes = 0, Counter()
    while made < STEPS:
        made += argue(500, derandomize=not figures.FULL)
        outcomes += History.outcomes
        # As it goes, so that a run that is stopped has its figures too.
        figures.record("machine", {"steps": made, "outcomes": dict(sorted(outcomes.items()))})


def nothing(*args, **kwargs):
    """Takes the place of what must be done."""


def sell_beyond_capacity(monkeypatch):
    statement = places.TAKE_PLACE.replace("places_taken < capacity AND", "")
    assert statement != places.TAKE_PLACE
    monkeypatch.setattr(places, "TAKE_PLACE", statement)
    monkeypatch.setattr(booking, "booking_refusal", nothing)


def keep_the_place(monkeypatch):
    monkeypatch.setattr(cancelling, "give_back_place", nothing)


def say_so_at_five_per_cent(monkeypatch):
    monkeypatch.setattr(
        Availability, "is_scarce", property(lambda counts: counts.left * 20 <= counts.capacity)
    )


def forget_what_was_told(monkeypatch):
    monkeypatch.setattr(places, "_latch", nothing)


def announce_each_booking(monkeypatch):
    def tell(event_id, _before, _after, now):
        public_state_changed.send(Event, event_id=event_id, now=now)

    monkeypatch.setattr(places, "_tell_public_state", tell)


def keep_tickets_of_closed_accounts(monkeypatch):
    monkeypatch.setattr(receivers, "give_back_tickets", nothing)


def tell_twice(monkeypatch):
    once = receivers.notice_rows

    def twice(recipient, *, key, **kwargs):
        rows = once(recipient, key=key, **kwargs)
        rows.extend(once(recipient, key=f"{key}:again", **kwargs))
        return rows

    monkeypatch.setattr(receivers, "notice_rows", twice)


BROKEN = [
    sell_beyond_capacity,
    keep_the_place,
    say_so_at_five_per_cent,
    forget_what_was_told,
    announce_each_booking,
    keep_tickets_of_closed_accounts,
    tell_twice,
]


@pytest.mark.sqlite
@pytest.mark.parametrize("break_rule", BROKEN)
def test_machine_finds_a_broken_rule(monkeypatch, break_rule):
    break_rule(monkeypatch)

    with pytest.raises((AssertionError, IntegrityError)):
        argue(500)
