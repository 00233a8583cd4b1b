"""The live stream as its readers get it, from real server processes (SPEC 6)."""

import contextlib
import http.client
import signal
import uuid
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.utils import timezone

from accounts.services import close_account
from events.services import add_organiser, cancel_event, change_event, remove_organiser
from notifications.live.changes import last_change
from notifications.models import Notification, PublicChange
from notifications.services import mark_all_read
from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory
from tests.notifications.live.conftest import cookie_of, edit
from tests.patience import PATIENCE
from tests.servers import running
from tickets.services import book_ticket, cancel_ticket

pytestmark = pytest.mark.server

EVERYTHING = "list::"


def fill(event, places=1):
    return [book_ticket(event, holder=UserFactory()).ticket for _place in range(places)]


@pytest.fixture
def small(database, organiser):
    """An event with one place: its next booking is a public change."""
    return EventFactory(title="Bats of the river", capacity=1, organiser=organiser)


@pytest.fixture
def wide(database, organiser):
    """An event with so many places that nobody is told how full it is."""
    return EventFactory(title="Open day", capacity=1000, organiser=organiser)


# --- What everybody may know ---


def test_visitor_sees_an_event_fill_up_and_free_again(server, read, small):
    reader = read(server, EVERYTHING)
    [ticket] = fill(small)
    full = reader.next("public")
    cancel_ticket(ticket, by=ticket.holder)
    free = reader.next("public")

    assert (full.data["topic"], full.data["slug"]) == ("list", small.slug)
    assert "FULL" in full.data["html"]
    assert "FULL" not in free.data["html"]
    assert int(free.id) == int(full.id) + 1


def test_answer_is_a_stream_that_no_cache_keeps_and_no_proxy_holds_back(server, read):
    reader = read(server, EVERYTHING)

    assert reader.status == 200
    assert reader.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert reader.headers["cache-control"] == "no-store, no-transform"
    assert reader.headers["x-accel-buffering"] == "no"


def test_booking_that_changes_nothing_public_makes_no_frame_and_no_gap(server, read, small, wide):
    reader = read(server, EVERYTHING, f"event:{wide.slug}")
    edit(small)
    before = reader.next("public")

    [ticket, *_others] = fill(wide, places=5)
    cancel_ticket(ticket, by=ticket.holder)
    change_event(wide, changes={"capacity": 900}, by=None)
    edit(small)
    after = reader.next()

    assert after.data["slug"] == small.slug
    assert int(after.id) == int(before.id) + 1


def test_rolled_back_change_makes_no_frame_and_no_gap(server, read, small, wide):
    reader = read(server, EVERYTHING)
    edit(wide)
    before = reader.next("public")

    with transaction.atomic():
        fill(small)
        transaction.set_rollback(True)
    edit(wide)
    after = reader.next()

    assert after.data["slug"] == wide.slug
    assert int(after.id) == int(before.id) + 1


def test_reader_gets_only_what_its_page_shows(server, read, small):
    later = EventFactory(starts_at=small.starts_at + timedelta(days=30))
    day = small.starts_on.isoformat()
    reader = read(server, f"list:{day}:{day}")
    own = read(server, f"event:{small.slug}")

    edit(later)
    edit(small)

    assert reader.next("public").data["slug"] == small.slug
    assert own.next("public").data["slug"] == small.slug


def test_new_event_and_its_cancellation_reach_lists_and_calendars(server, read, database):
    listing, calendar = read(server, EVERYTHING), read(server, "month::")
    event = EventFactory(status="draft", title="Night walk")
    publish = change_event(event, changes={}, by=None, publish=True)

    assert "Night walk" in listing.next("public").data["html"]
    assert calendar.next("public").data["day"] == event.starts_on.isoformat()
    cancel_event(publish, by=None)
    assert listing.next("public").data["status"] == "cancelled"
    assert calendar.next("public").data["status"] == "cancelled"


def test_signed_in_readers_get_the_button_and_visitors_the_way_to_sign_in(
    server, read, small, attendee
):
    visitor = read(server, EVERYTHING)
    person = read(server, EVERYTHING, cookie=cookie_of(attendee))
    edit(small)

    assert "Request a ticket" in person.next("public").data["html"]
    html = visitor.next("public").data["html"]
    assert "Sign in to get a ticket" in html
    assert "Request a ticket" not in html


# --- What is one person's ---


def test_bell_rings_for_its_owner_alone_and_falls_silent_when_read(
    server, read, wide, attendee, other_organiser
):
    mine = read(server, "mine", cookie=cookie_of(attendee))
    others = read(server, "mine", EVERYTHING, cookie=cookie_of(other_organiser))
    assert mine.next("private").data["unread"] == 0
    assert others.next("private").data["unread"] == 0

    book_ticket(wide, holder=attendee)
    rung = mine.next("private").data
    mark_all_read(attendee)
    read_now = mine.next("private").data
    edit(wide)

    assert (rung["topic"], rung["unread"], read_now["unread"]) == ("mine", 1, 0)
    assert 'id="bell"' in rung["parts"]["bell"]
    assert others.next().event == "public"


def test_organisers_see_each_count_and_nobody_else_may_ask(server, read, wide, organiser):
    reader = read(server, f"organised:{wide.pk}", cookie=cookie_of(organiser))
    assert reader.next("private").data["taken"] == 0

    fill(wide, places=12)
    seen = [reader.next("private").data]
    while seen[-1]["taken"] < 12:
        seen.append(reader.next("private").data)

    assert seen[-1]["capacity"] == 1000
    assert [frame["taken"] for frame in seen] == sorted({frame["taken"] for frame in seen})


REFUSED = [
    (["mine"], 401),
    (["organised:{event}"], 401),
    (["nonsense"], 400),
    (["list:yesterday:"], 400),
    (["list::", "nonsense:1"], 400),
    ([], 400),
    ([f"event:e{n}" for n in range(21)], 400),
]
NONSENSE = [{"last": "-1"}, {"last": "soon"}, {"last": "9" * 30}, {"age": "1e9"}]


def test_visitor_is_refused_what_is_private_or_nonsense(server, read, wide):
    answers = [
        read(server, *(each.format(event=wide.pk) for each in topics)).status
        for topics, _status in REFUSED
    ]

    assert answers == [status for _topics, status in REFUSED]
    assert {read(server, EVERYTHING, **query).status for query in NONSENSE} == {400}


def test_attendee_may_not_follow_an_organisers_counts_nor_learn_what_exists(
    server, read, wide, attendee
):
    book_ticket(wide, holder=attendee)
    cookie = cookie_of(attendee)
    readers = [
        read(server, f"organised:{event}", cookie=cookie)
        for event in (wide.pk, uuid.UUID(int=1), "nonsense", "")
    ]

    answers = {(reader.status, reader.answer.read()) for reader in readers}

    assert answers == {(403, b"You may not follow this.\n")}


def test_no_more_streams_than_allowed(database, read, tmp_path):
    with running(tmp_path, database_url=database, LIVE_MAX_STREAMS="1") as server:
        first = read(server, EVERYTHING)
        first.next("retry")
        second = read(server, EVERYTHING)

    assert (second.status, second.headers["retry-after"]) == (503, "60")


def test_rush_lets_in_no_more_streams_than_allowed_either(database, tmp_path, attendee):
    """Those who are just being asked for count too."""
    cookie = cookie_of(attendee)
    with (
        running(tmp_path, database_url=database, LIVE_MAX_STREAMS="3") as server,
        contextlib.ExitStack() as rush,
    ):
        people = [
            http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
            for _n in range(12)
        ]
        for each in people:
            rush.callback(each.close)
            each.request("GET", f"/live/?topic={EVERYTHING}", headers={"Cookie": cookie})
        answers = [rush.enter_context(each.getresponse()) for each in people]

    assert sorted(answer.status for answer in answers) == [200] * 3 + [503] * 9


def test_few_streams_cannot_follow_ever_so_many_things(database, read, tmp_path):
    with running(tmp_path, database_url=database, LIVE_MAX_STREAMS="30") as server:
        many = [read(server, *(f"event:e{n}-{m}" for m in range(20))) for n in range(3)]
        many[0].close()

    assert [reader.status for reader in many] == [200, 200, 503]


# --- When it may no longer be followed ---


def sign_out(person, event):
    for session in Session.objects.all():
        if session.get_decoded()["_auth_user_id"] == str(person.pk):
            session.delete()


def close(person, event):
    close_account(person)


def demote(person, event):
    remove_organiser(event, user=person)


def test_stream_ends_when_its_reader_may_no_longer_follow(server, read, wide):
    losses = [(sign_out, "signed_out"), (close, "signed_out"), (demote, "forbidden")]
    people = UserFactory.create_batch(len(losses))
    readers = []
    for person in people:
        add_organiser(wide, user=person, by=None)
        readers.append(read(server, f"organised:{wide.pk}", cookie=cookie_of(person)))
        readers[-1].next("private")

    for (lose, _reason), person in zip(losses, people, strict=True):
        lose(person, wide)
    ends = [reader.until_closed()[-1] for reader in readers]

    assert [(last.event, last.data["reason"]) for last in ends] == [
        ("end", reason) for _lose, reason in losses
    ]


def test_stream_of_somebody_else_goes_on(server, read, wide, attendee, organiser):
    lost = read(server, EVERYTHING, cookie=cookie_of(attendee))
    kept = read(server, EVERYTHING, cookie=cookie_of(organiser))
    close_account(attendee)
    lost.until_closed()
    edit(wide)

    assert kept.next("public").data["slug"] == wide.slug


# --- Coming back ---


def test_reader_who_comes_back_gets_what_was_missed_and_no_more(server, read, small, wide):
    first, witness = read(server, EVERYTHING), read(server, EVERYTHING)
    edit(small)
    seen = first.next("public")
    first.close()
    edit(wide)
    edit(wide)
    while int(witness.next("public").id) < last_change():
        pass

    second = read(server, EVERYTHING, last=seen.id)
    missed = second.next()
    edit(small)

    assert (missed.data["slug"], int(missed.id)) == (wide.slug, last_change() - 1)
    assert second.next().data["slug"] == small.slug


def test_last_event_id_counts_as_a_header_too(server, read, small):
    witness = read(server, EVERYTHING)
    edit(small)
    edit(small)
    while int(witness.next("public").id) < last_change():
        pass

    reader = read(server, EVERYTHING, headers={"Last-Event-ID": str(last_change() - 1)})

    assert reader.next().id == str(last_change())


def test_last_event_id_of_the_header_is_the_newer_one(server, read, small):
    """A browser that comes back by itself asks at the address it had at first."""
    witness = read(server, EVERYTHING)
    for _n in range(3):
        edit(small)
    while int(witness.next("public").id) < last_change():
        pass

    newest = str(last_change())
    reader = read(server, EVERYTHING, last=0, headers={"Last-Event-ID": newest})
    edit(small)

    assert reader.next().id == str(int(newest) + 1)


def test_young_page_gets_what_happened_since_it_was_asked_for(server, read, small):
    ready = read(server, EVERYTHING)
    edit(small)
    ready.next("public")

    assert read(server, EVERYTHING, age=300).next("public").data["slug"] == small.slug


def test_after_a_long_break_there_is_one_fresh_snapshot(database, read, tmp_path, small, wide):
    edit(small)
    PublicChange.objects.update(changed_at=timezone.now() - timedelta(minutes=50))
    edit(wide)
    fill(small)
    with running(tmp_path, database_url=database) as server:
        reader = read(server, EVERYTHING, last=0)
        snapshot = reader.next("public", "snapshot")
        edit(wide)
        after = reader.next("public", "snapshot")

    assert snapshot.event == "snapshot"
    assert snapshot.data["argument"] == EVERYTHING
    assert {frame["slug"] for frame in snapshot.data["frames"]} == {small.slug, wide.slug}
    assert "FULL" in next(f for f in snapshot.data["frames"] if f["slug"] == small.slug)["html"]
    assert (after.event, int(after.id)) == ("public", int(snapshot.id) + 1)


def test_very_old_page_gets_a_snapshot(server, read, small):
    assert read(server, EVERYTHING, age=86_400).next("public", "snapshot").event == "snapshot"


def test_killed_server_loses_nothing_for_who_comes_back(database, read, tmp_path, small, wide):
    with running(tmp_path, database_url=database) as server:
        reader = read(server, EVERYTHING)
        edit(wide)
        seen = reader.next("public")
        server.kill(signal.SIGKILL)
        reader.until_closed()
    fill(small)
    edit(wide)
    with running(tmp_path, database_url=database) as server:
        back = read(server, EVERYTHING, last=seen.id)
        missed = [back.next("public", "snapshot") for _n in range(2)]

    assert [frame.data["slug"] for frame in missed] == [small.slug, wide.slug]
    assert "FULL" in missed[0].data["html"]


def test_stopping_server_says_so_and_does_not_wait_for_its_readers(database, read, tmp_path):
    with running(tmp_path, database_url=database) as server:
        reader = read(server, EVERYTHING)
        reader.next("retry")

    assert reader.until_closed()[-1].data == {"reason": "restart"}
    assert "Traceback" not in server.log.read_text()


@pytest.mark.postgresql
def test_every_process_tells_its_readers(database, read, tmp_path, small):
    with running(tmp_path, database_url=database, workers=2) as server:
        # So many that no process has none.
        readers = [read(server, EVERYTHING) for _n in range(12)]
        for reader in readers:
            reader.next("retry")
        fill(small)
        frames = [reader.next("public") for reader in readers]

    assert {frame.data["slug"] for frame in frames} == {small.slug}
    assert {frame.id for frame in frames} == {str(last_change())}


def lose_connections():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.mark.postgresql
def test_lost_database_connections_are_made_anew(server, read, small, attendee):
    reader = read(server, EVERYTHING, "mine", cookie=cookie_of(attendee))
    reader.next("private")
    lose_connections()
    fill(small)
    Notification.objects.create(recipient=attendee, kind="tests.any", key="any")

    frames = {reader.next("public", "private").event for _n in range(2)}

    assert frames == {"public", "private"}


@pytest.mark.postgresql
def test_nobody_is_refused_because_database_connections_were_lost(server, read, attendee):
    cookie = cookie_of(attendee)
    before = [read(server, EVERYTHING, cookie=cookie) for _n in range(4)]
    lose_connections()

    after = [read(server, EVERYTHING, cookie=cookie) for _n in range(4)]

    assert {reader.status for reader in before + after} == {200}
