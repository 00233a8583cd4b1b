"""Thousands of mixed operations by several processes at once: no deadlock, and every rule holds afterwards.

`mixing.py` has the operations. Locks in an order of one's own do end in deadlocks, and are then counted:
`test_races.py::test_two_accounts_with_the_same_two_events_are_deleted_at_once`.
"""

from collections import Counter

import pytest
from django.db import connection
from django.db.models import Count, F

from events.models import Event
from notifications.models import Announcement, Notification, OutgoingEmail
from notifications.sender import drain
from tests.accounts.factories import UserFactory
from tests.proof import figures
from tests.proof.chance import random_seed
from tests.proof.mixing import EVENTS, PEOPLE, new_event, new_person
from tests.proof.racers import Racers
from tickets.models import Ticket
from tickets.services import differing_places

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


def assert_rules_hold():
    assert differing_places() == []
    assert not Event.objects.filter(places_taken__gt=F("capacity")).exists()
    valid = Ticket.objects.valid()
    assert not valid.values("event", "holder").annotate(n=Count("pk")).filter(n__gt=1).exists()
    assert not valid.filter(holder__is_active=False, event__status="published").exists()
    # Whoever held a ticket of a cancelled event was told, once each; closed accounts keep no notices.
    told = Counter(
        Notification.objects.filter(kind="tickets.event_cancelled").values_list(
            "recipient", "context__ticket"
        )
    )
    holders = valid.filter(event__status="cancelled", holder__is_active=True)
    assert told == Counter((holder, str(pk)) for holder, pk in holders.values_list("holder", "pk"))
    # Whoever has a ticket was told so, and nothing waits or has failed.
    booked = Notification.objects.filter(kind="tickets.ticket_booked")
    assert booked.count() == Ticket.objects.filter(holder__is_active=True).count()
    assert not Announcement.objects.exclude(last_error="").exists()
    assert not Announcement.objects.filter(expanded_at=None).exists()
    assert not OutgoingEmail.objects.exclude(state__in=["sent", "dropped"]).exists()
