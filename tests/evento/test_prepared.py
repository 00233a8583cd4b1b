"""What a rush asks goes past the cursors, and nobody can tell: same rows, same errors, same transactions."""

import os
import socket
import uuid
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import (
    DataError,
    IntegrityError,
    OperationalError,
    ProgrammingError,
    connection,
    transaction,
)
from django.test.utils import CaptureQueriesContext
from psycopg.types.json import Jsonb

from evento.database import is_outage, violates
from evento.statements import Rows, change, execute, execute_in_a_rush
from events.models import Event
from notifications.models import Notification
from tests.events.factories import EventFactory

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

COUNT = "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'evento_%'"
GIVEN = {
    "uuid": uuid.uuid4(),
    "timestamptz": datetime(2026, 11, 29, 1, 2, 3, 456789, tzinfo=UTC),
    "text": "Ärger & “Ende” $1 ' --",
    "int2": 7,
    "int4": 70_000,
    "int8": 7_000_000_000,
    "bool": True,
    "bytea": b"\x00\xff",
    "jsonb": Jsonb({"title": "Ünïcode", "none": None}),
    "interval": timedelta(hours=3),
    "numeric": None,
}
EVERY_KIND = f"SELECT {', '.join(f'%s::{kind}' for kind in GIVEN)}"


def prepared():
    """How many statements the connection has that went past cursors."""
    return execute(COUNT.replace("%'", "%%'"), [])[0]


@pytest.fixture(autouse=True)
def new_connection():
    connection.close()
    yield
    connection.close()


def test_row_is_the_one_that_a_cursor_finds():
    for _each in range(3):
        found = execute_in_a_rush(EVERY_KIND, [*GIVEN.values()])
        assert found == execute(EVERY_KIND, [*GIVEN.values()])

    assert prepared() == 1


def test_types_of_what_is_given_may_change():
    for number in (7, 70_000, None, 7_000_000_000, 8):
        assert execute_in_a_rush("SELECT %s::numeric + 1", [number]) == execute(
            "SELECT %s::numeric + 1", [number]
        )


def test_no_row_is_none():
    assert execute_in_a_rush("SELECT 1 WHERE %s::int = 2", [1]) is None


def test_rows_that_were_changed_are_counted(attendee):
    for number in range(3):
        Rows(Notification(recipient=attendee, kind="a", key=str(number))).store()

    for url in ("/a/", "/b/"):
        assert change(Notification, {"kind": "a"}, url=url, read_at=None) == 3
    assert change(Notification, {"kind": "a", "key": "1"}, url="/c/", read_at=None) == 1
    assert change(Notification, {"kind": "a", "key": "3"}, url="/c/", read_at=None) == 0

    assert sorted(Notification.objects.values_list("url", flat=True)) == ["/b/", "/b/", "/c/"]
    assert prepared() == 2


def test_change_in_a_transaction_is_undone_with_it(attendee):
    Rows(Notification(recipient=attendee, kind="a", key="a", url="/a/")).store()

    with transaction.atomic():
        assert change(Notification, {"key": "a"}, url="/b/") == 1
        transaction.set_rollback(True)

    assert (Notification.objects.get().url, prepared()) == ("/a/", 0)


def test_change_that_breaks_a_constraint_says_which(attendee):
    for key in "ab":
        Rows(Notification(recipient=attendee, kind="a", key=key)).store()

    with pytest.raises(IntegrityError) as raised:
        change(Notification, {"key": "b"}, key="a")

    assert violates(raised.value, constraint="notifications_notification_key_key")


def test_transaction_is_undone_with_what_was_asked_in_it(event):
    change = "UPDATE events_event SET revision = 7 WHERE id = %s RETURNING revision"
    with transaction.atomic():
        assert execute_in_a_rush(change, [event.pk]) == (7,)
        transaction.set_rollback(True)

    assert Event.objects.get().revision == event.revision
    assert prepared() == 0

    execute_in_a_rush(change, [event.pk])

    assert Event.objects.get().revision == 7


def test_who_logs_or_wraps_statements_sees_them():
    wrapped = []

    def wrapper(run, sql, *arguments):
        wrapped.append(sql)
        return run(sql, *arguments)

    with CaptureQueriesContext(connection) as captured:
        execute_in_a_rush("SELECT %s::int", [1])
    with connection.execute_wrapper(wrapper):
        execute_in_a_rush("SELECT %s::int", [2])

    assert ([it["sql"] for it in captured], wrapped) == (["SELECT 1::int"], ["SELECT %s::int"])
    assert prepared() == 0


def test_nothing_is_prepared_where_a_pooler_forbids_it():
    connection.ensure_connection()
    connection.connection.prepare_threshold = None

    assert execute_in_a_rush("SELECT %s::int", [1]) == (1,)

    assert prepared() == 0


def test_statement_that_the_server_forgot_is_prepared_again():
    """A ROLLBACK lets psycopg forget what it prepared, and the server forget everything."""
    execute_in_a_rush("SELECT %s::int", [1])
    with transaction.atomic():
        for _each in range(7):
            execute("SELECT %s::text", ["a"])
        transaction.set_rollback(True)
    execute("SELECT %s::text", ["a"])
    assert prepared() == 0

    assert execute_in_a_rush("SELECT %s::int", [2]) == (2,)

    assert prepared() == 1


def test_statement_that_fails_again_and_again_is_prepared_once():
    """Whoever asks twice for a ticket makes the booking's statement fail each time."""
    for _forgotten in range(2):
        for _each in range(5):
            with pytest.raises(DataError):
                execute_in_a_rush("SELECT 1 / %s::int", [0])
        assert prepared() == 1
        with connection.cursor() as cursor:
            cursor.execute("DEALLOCATE ALL")


def test_statement_goes_on_when_a_column_becomes_another(event):
    title = "SELECT title FROM events_event WHERE id = %s"
    assert execute_in_a_rush(title, [event.pk]) == (event.title,)
    alter = "ALTER TABLE events_event ALTER COLUMN title TYPE varchar({length})"
    with connection.cursor() as cursor:
        cursor.execute(alter.format(length=160))
    try:
        assert execute_in_a_rush(title, [event.pk]) == (event.title,)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(alter.format(length=150))


def test_column_is_read_by_what_was_given():
    for given in (1, "a", 70_000, "b"):
        assert execute_in_a_rush("SELECT %s", [given]) == (given,)


def test_connection_that_fails_its_check_is_replaced(monkeypatch):
    execute_in_a_rush("SELECT %s::int", [1])
    monkeypatch.setattr(connection, "health_check_enabled", True)
    monkeypatch.setattr(connection, "health_check_done", False)
    ended_by_the_server()

    assert execute_in_a_rush("SELECT %s::int", [2]) == (2,)


def test_new_connection_prepares_anew():
    for number in (1, 2):
        assert execute_in_a_rush("SELECT %s::int", [number]) == (number,)
        assert prepared() == 1
        connection.close()


@pytest.mark.parametrize(
    ("error", "statement", "parameter"),
    [
        (ProgrammingError, "SELECT %s FROM none_such", 1),
        (DataError, "SELECT 1 / %s::int", 0),
        (DataError, "SELECT %s::int", "a"),
    ],
)
def test_error_is_the_one_that_a_cursor_raises(error, statement, parameter):
    said = []
    for run in (execute, execute_in_a_rush, execute_in_a_rush):
        with pytest.raises(error) as raised:
            run(statement, [parameter])
        said.append((str(raised.value).split("\n")[0], raised.value.__cause__.sqlstate))

    assert said[1:] == said[:1] * 2
    assert execute_in_a_rush("SELECT %s::int", [1]) == (1,)


def test_constraint_that_was_broken_is_named():
    event = EventFactory(capacity=3)
    taking = "UPDATE events_event SET places_taken = %s WHERE id = %s RETURNING 1"

    with pytest.raises(IntegrityError) as raised:
        execute_in_a_rush(taking, [4, event.pk])

    assert violates(raised.value, constraint="events_event_places_within_capacity")


def ended_by_the_server():
    with psycopg.connect(**connection.get_connection_params()) as other:
        pid = connection.connection.info.backend_pid
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def cut():
    """Nobody says a word any more."""
    with socket.socket(fileno=os.dup(connection.connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


def closed():
    connection.connection.pgconn.finish()


@pytest.mark.parametrize("lose", [ended_by_the_server, cut, closed])
def test_lost_connection_is_an_outage_and_the_next_request_gets_a_new_one(lose):
    execute_in_a_rush("SELECT %s::int", [1])
    lose()

    with pytest.raises(OperationalError) as raised:
        execute_in_a_rush("SELECT %s::int", [2])

    assert is_outage(raised.value)
    connection.close_if_unusable_or_obsolete()
    assert execute_in_a_rush("SELECT %s::int", [3]) == (3,)
