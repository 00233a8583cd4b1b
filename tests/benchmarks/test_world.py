"""The database that a benchmark works on: the same questions on both engines."""

import pytest

from benchmarks.world import World
from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory
from tests.servers import database_for_servers

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE, EVENTS = 3, 2


@pytest.fixture
def place(tmp_path):
    events = EventFactory.create_batch(EVENTS)
    UserFactory.create_batch(PEOPLE)
    slugs = [event.slug for event in events]
    return World(database_for_servers(tmp_path), slugs, month="", cookies=[], csrf_secret="")


def test_everybody_is_given_tickets_and_nobody_has_any_after_a_reset(place):
    place.give_tickets(EVENTS)

    assert place.tickets() == PEOPLE * EVENTS

    place.reset()

    assert place.tickets() == 0
    assert place.rows("accounts_user") == PEOPLE


def test_a_full_event_has_no_place_left_and_no_ticket(place):
    place.fill(place.slugs[0])

    left = place.database.ask("SELECT slug FROM events_event WHERE places_taken < capacity")
    assert left == [(place.slugs[1],)]
    assert place.rows("tickets_ticket") == 0


@pytest.mark.parametrize("change", ["+ 1", "- 1"])
def test_tickets_that_the_events_count_otherwise_are_an_error(place, change):
    place.give_tickets(1)
    place.database.ask(
        f"UPDATE events_event SET places_taken = places_taken {change} WHERE places_taken > 0"
    )

    with pytest.raises(AssertionError, match="3 tickets, but"):
        place.tickets()
