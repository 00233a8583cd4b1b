"""An error that nobody expected is 500; a database that is away, full or only readable is 503."""

import json
import sqlite3
from contextlib import closing

import psycopg
import pytest
from django.db import InternalError, OperationalError, ProgrammingError
from psycopg import errors

from evento.database import is_outage
from evento.errors import server_error


def caused(kind, cause):
    """As Django raises it: its own error, from the driver's."""
    error = kind(str(cause))
    error.__cause__ = cause
    return error


def of_sqlite(path, *statements, **options):
    with closing(sqlite3.connect(path, **options)) as file:
        try:
            for statement in statements:
                file.execute(statement)
        except sqlite3.Error as error:
            return caused(OperationalError, error)
    raise AssertionError("nothing went wrong")


@pytest.mark.parametrize(
    "error",
    [
        of_sqlite(":memory:", "PRAGMA query_only = ON", "CREATE TABLE a (b)"),
        of_sqlite(":memory:", "PRAGMA max_page_count = 1", "CREATE TABLE a (b)"),
        caused(OperationalError, psycopg.OperationalError("connection refused")),
        caused(OperationalError, errors.AdminShutdown()),
        caused(OperationalError, errors.CannotConnectNow()),
        caused(OperationalError, errors.DiskFull()),
        caused(OperationalError, errors.TooManyConnections()),
        caused(InternalError, errors.ReadOnlySqlTransaction()),
    ],
    ids=lambda error: str(error) or type(error.__cause__).__name__,
)
def test_database_as_a_whole_is_away(error):
    assert is_outage(error)


@pytest.mark.parametrize(
    "error",
    [
        of_sqlite(":memory:", "SELECT * FROM none_such"),
        caused(ProgrammingError, errors.UndefinedTable()),
        caused(OperationalError, errors.QueryCanceled()),
        OperationalError("of nobody knows what"),
        ValueError("x"),
    ],
    ids=lambda error: str(error) or type(error.__cause__).__name__,
)
def test_mistake_of_ours_is_no_outage(error):
    assert not is_outage(error)


def answer_to(error, request):
    try:
        raise error
    except type(error):
        return server_error(request)


def test_page_of_an_outage_promises_nothing_and_says_when_to_come_back(rf):
    error = caused(OperationalError, errors.CannotConnectNow())

    response = answer_to(error, rf.post("/events/owls/ticket/"))

    page = response.content.decode()
    assert (response.status_code, response["Retry-After"]) == (503, "30")
    assert "Evento cannot reach its data right now" in page
    assert "Nothing was changed" not in page


def test_program_is_told_of_an_outage_in_its_own_shape(rf):
    error = caused(OperationalError, errors.CannotConnectNow())

    response = answer_to(error, rf.get("/api/v1/events"))

    assert response.status_code == 503
    assert response["Content-Type"] == "application/problem+json"
    assert json.loads(response.content)["code"] == "unavailable"


def test_any_other_error_is_500(rf):
    response = answer_to(ValueError("x"), rf.get("/"))

    assert response.status_code == 500
    assert "Something broke on our side" in response.content.decode()
