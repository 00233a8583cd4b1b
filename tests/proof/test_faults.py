"""`kill -9` of web processes, the worker and PostgreSQL at random moments while people book.

`site.py` has the processes and the people. Afterwards nothing that somebody was told is untrue: every
answered booking is there, the counters are right, and who held a ticket of a cancelled event is told once.
"""

import random
from collections import Counter
from functools import partial

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from events.services import change_event
from notifications.models import Notification, OutgoingEmail
from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory
from tests.live import Reader
from tests.proof import figures
from tests.proof.chance import random_seed
from tests.proof.site import Crowd, Site, database_to_kill
from tests.servers import get, sign_in
from tickets.models import Ticket

pytestmark = pytest.mark.server

ROUNDS = 50 if figures.FULL else 2
PEOPLE = 24
# SQLite has one web process and lives in it, so there is nothing else to kill.
VICTIMS = {
    "postgresql": ["database", "worker", "web_process", "database_process", "web_server"],
    "sqlite": ["web_server", "worker"],
}[connection.vendor]
# While one of these is killed, one mail may have arrived and not have been marked, on each connection.
MAY_REPEAT = {"worker", "database", "database_process"}
CONNECTIONS = 1 if settings.IS_SQLITE else settings.MAIL_CONNECTIONS


@pytest.fixture(scope="module")
def site(tmp_path_factory, django_db_blocker):
    folder = tmp_path_factory.mktemp("site")
    with (
        django_db_blocker.unblock(),
        database_to_kill(folder) as (url, cluster),
        Site(folder, url, cluster).up() as processes,
    ):
        yield processes


def crowd_of(count):
    people = UserFactory.create_batch(count)
    return list(zip(people, sign_in(people), strict=True))


def test_killed_processes_lose_nothing_that_anybody_was_told(site):
    seed = random_seed()
    tried = {"rounds": 0, "victims": Counter(), "answers": Counter(), "repeated": 0, "mails": 0}
    people = crowd_of(PEOPLE)
    [(organiser, organisers_cookie)] = crowd_of(1)
    for n in range(ROUNDS):
        victim = VICTIMS[n % len(VICTIMS)]
        chance = random.Random(f"{seed}-{n}")
        events = EventFactory.create_batch(2, organiser=organiser, capacity=chance.randint(8, 30))
        crowd = Crowd(site)
        threads = crowd.visit(people, events, chance)
        doings = [
            partial(crowd.cancel, events[0], organisers_cookie),
            partial(site.kill, victim, chance),
        ]
        moments = sorted(chance.sample(range(2, PEOPLE * 2), 2))
        for moment, doing in zip(moments, chance.sample(doings, 2), strict=True):
            crowd.wait_for_answers(moment)
            doing()
        for thread in threads:
            thread.join()
        if victim.startswith("database") and not figures.FULL:
            site.start_worker()  # after trouble it takes a rest, which the long form waits for
        site.wait_until_all_is_sent()

        assert_true(crowd, events, f"round {n}, {victim} killed, PROOF_SEED={seed}")
        repeated = repeated_mails(site)
        assert repeated - tried["repeated"] <= CONNECTIONS * (victim in MAY_REPEAT)
        tried["rounds"] += 1
        tried["victims"][victim] += 1
        tried["answers"] += Counter({str(word): n for word, n in crowd.answers.items()})
        tried |= {"repeated": repeated, "mails": len(site.mailbox.message_ids), "seed": seed}
        figures.record("kills", tried)


def assert_true(crowd, events, words):
    """What people were told, against what is stored."""
    call_command("audit_places")
    unexpected = set(crowd.answers) - {200, 302, 503, "lost"}
    assert not unexpected, f"{words}: {crowd.answers}"
    stored = {str(ticket.pk): ticket for ticket in Ticket.objects.filter(event__in=events)}
    for key, (event, person) in crowd.booked.items():
        assert key in stored, f"{words}: a ticket that was shown is not there"
        ticket = stored[key]
        assert (ticket.event_id, ticket.holder_id) == (event, person), words
        assert ticket.is_valid or key in crowd.asked_back, f"{words}: a ticket was lost"
    # Of the cancelled event some were void before they could be given back, which is said in a sentence.
    back = [stored[key] for key in crowd.given_back if crowd.booked[key][0] == events[1].pk]
    assert not [ticket for ticket in back if ticket.is_valid], words
    kept = [ticket for ticket in stored.values() if ticket.is_valid]
    assert len({(ticket.event_id, ticket.holder_id) for ticket in kept}) == len(kept), words
    # One notice for each cause, and no other.
    cancelled = [str(ticket.pk) for ticket in kept if ticket.event_id == events[0].pk]
    assert told("tickets.event_cancelled", events[:1]) == Counter(cancelled), words
    assert told("tickets.ticket_booked", events) == Counter(stored.keys()), words


def told(kind, events):
    keys = [str(event.pk) for event in events]
    notices = Notification.objects.filter(kind=kind, context__event__in=keys)
    return Counter(notices.values_list("context__ticket", flat=True))


def repeated_mails(site):
    """How many mails arrived twice; every one that was to be sent arrived, and none came a third time."""
    arrived = Counter(message_id for message_id, _to, _text in site.mailbox.deliveries)
    keys = {message_id.strip("<").split("@")[0] for message_id in arrived}
    state = {str(key): state for key, state in OutgoingEmail.objects.values_list("pk", "state")}
    assert set(state.values()) <= {"sent", "dropped"}
    assert {key for key, word in state.items() if word == "sent"} <= keys <= set(state)
    # In flight when something was killed, and dropped after that: its ticket had been given back.
    assert sum(state[key] == "dropped" for key in keys) <= CONNECTIONS * site.kills
    assert max(arrived.values()) <= 2
    return sum(times - 1 for times in arrived.values())


@pytest.mark.postgresql
def test_site_without_its_database_says_so_and_goes_on_by_itself_when_it_is_back(site):
    [(person, cookie)] = crowd_of(1)
    event = EventFactory()
    path = event.get_absolute_url()
    assert get(site.server, path, cookie).status == 200
    connection.close()

    with Reader(site.server, "list::", cookie=cookie) as stream:
        site.cluster.kill()
        page = get(site.server, path, cookie)
        program = get(site.server, f"/api/v1/events/{event.slug}", cookie)
        crowd = Crowd(site)
        booking, _location = crowd.ask(f"/events/{event.slug}/ticket/", cookie)
        site.cluster.start()

        assert (page.status, page.headers["Retry-After"]) == (503, "30")
        assert "Evento cannot reach its data right now" in page.body
        assert (program.status, booking) == (503, 503)
        assert '"code": "unavailable"' in program.body
        # Each thread of each process notices once that its connection is gone.
        assert crowd.book(event, person, cookie) is not None
        assert set(crowd.answers) <= {302, 503}
        assert person.tickets.count() == 1
        # A page that was open all the while follows on.
        change_event(event, changes={"title": "Bats of the river"}, by=None)
        assert any("Bats of the river" in str(stream.next("public").data) for _frame in range(20))
