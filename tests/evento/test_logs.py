"""What is logged, and what never is (docs/decisions/0024-what-is-logged.md)."""

import io
import json
import logging
import smtplib

import psycopg
import pytest
from django.db import IntegrityError, OperationalError
from django.http import HttpResponse
from django.urls import path

from evento.logs import JsonLineFormatter, LineFormatter, words_of
from tests.evento.test_asgi import request
from tests.events.factories import EventFactory
from tests.live import database_shared_with_servers
from tests.servers import post_at_once, running, sign_in

TICKET = "0b6c7f4e-58a1-4f6c-9d0e-2f3a4b5c6d7e"
PERSONAL = ["ann@example.org", "ann%40example.org", TICKET, "203.0.113.9", "wheelchair", "q=jazz"]


ANN = "ann@example.org"


def failing(request, **parts):
    """Source lines are shown: what is personal must not stand in them."""
    error = ValueError(f"{ANN} wrote {request.POST.get('note')}")
    unique = 'duplicate key value violates unique constraint "one_each"'
    raise IntegrityError(f"{unique}\nDETAIL:  Key (email)=({ANN}) already exists.") from error


def busy(request, **parts):
    return HttpResponse("no", status=503)


def full(request, **parts):
    return HttpResponse("no", status=409)


def gone(request, **parts):
    return HttpResponse("no", status=404)


urlpatterns = [
    path("tickets/<uuid:pk>/", failing, name="ticket"),
    path("busy/<uuid:pk>/", busy, name="busy"),
    path("full/<uuid:pk>/", full, name="full"),
    path("gone/<uuid:pk>/", gone, name="gone"),
]


@pytest.fixture
def logged(settings):
    """All that the site's own handler would write, with each formatter."""
    streams = {}
    handlers = []
    for formatter in (LineFormatter(), JsonLineFormatter()):
        streams[type(formatter)] = io.StringIO()
        handler = logging.StreamHandler(streams[type(formatter)])
        handler.setFormatter(formatter)
        handlers.append(handler)
        logging.getLogger().addHandler(handler)
    yield lambda kind: streams[kind].getvalue()
    for handler in handlers:
        logging.getLogger().removeHandler(handler)


@pytest.fixture
def ask(client, settings):
    settings.ROOT_URLCONF = __name__
    settings.TRUSTED_PROXY_COUNT = 1
    client.raise_request_exception = False

    def call(address):
        return client.post(
            f"{address}?q=jazz&email=ann%40example.org",
            {"note": "wheelchair"},
            headers={
                "X-Forwarded-For": "203.0.113.9",
                "X-Request-ID": "a1b2c3d4",
                "Cookie": "sessionid=ann@example.org",
                "User-Agent": "wheelchair",
            },
        )

    return call


# --- Requests ---


@pytest.mark.parametrize("kind", [LineFormatter, JsonLineFormatter])
def test_failed_request_is_named_by_route_and_id_and_nobody_in_it(ask, logged, kind):
    response = ask(f"/tickets/{TICKET}/")

    text = logged(kind)
    assert response.status_code == 500
    assert "Internal Server Error: ticket" in text
    assert "a1b2c3d4" in text
    assert "in failing\\n" in text or "in failing\n" in text
    assert "IntegrityError: duplicate key value violates unique constraint" in text
    assert [word for word in PERSONAL if word in text] == []


def test_json_is_one_object_for_each_line(ask, logged):
    ask(f"/tickets/{TICKET}/")
    logging.getLogger("notifications").info("Two\nlines")

    failed, plain = (json.loads(line) for line in logged(JsonLineFormatter).splitlines())
    assert failed.keys() == {
        *("time", "level", "logger", "message", "request_id", "route", "status", "exception")
    }
    assert (failed["level"], failed["logger"], failed["route"]) == (
        "ERROR",
        "django.request",
        "ticket",
    )
    assert (failed["status"], failed["request_id"]) == (500, "a1b2c3d4")
    assert failed["time"].endswith("+00:00")
    assert plain.keys() == {"time", "level", "logger", "message"}
    assert plain["message"] == "Two\nlines"


def test_busy_site_is_logged(ask, logged):
    ask(f"/busy/{TICKET}/")

    assert "Service Unavailable: busy" in logged(LineFormatter)
    assert TICKET not in logged(LineFormatter)


@pytest.mark.parametrize("address", ["full", "gone"])
def test_answers_below_500_make_no_line(ask, logged, address):
    """A refused booking is one: how many there were tells how popular an event is."""
    assert ask(f"/{address}/{TICKET}/").status_code in {404, 409}

    assert logged(LineFormatter) == ""


def test_what_is_handed_over_beside_the_message_is_not_logged(logged):
    logging.getLogger("x").error("Trouble", extra={"person": "Ann", "request": "GET /tickets/"})

    assert "Ann" not in logged(JsonLineFormatter)
    assert "tickets" not in logged(JsonLineFormatter)


def test_address_in_a_message_of_a_library_is_taken_out(logged):
    logging.getLogger("library").warning("Cannot write to %s", "ann@example.org")

    assert "Cannot write to [address]" in logged(LineFormatter)


# --- What exceptions say ---


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (AttributeError("'NoneType' object has no attribute 'pk'"), None),
        (ConnectionRefusedError(111, "Connection refused"), None),
        (OperationalError("database is locked"), None),
        (
            psycopg.OperationalError("server closed the connection unexpectedly\nmore"),
            "server closed the connection unexpectedly",
        ),
        (
            psycopg.DataError('invalid input syntax for type uuid: "Ann"'),
            "invalid input syntax for type uuid: [value]",
        ),
        (OSError("cannot open /media/" + TICKET), "cannot open /media/[id]"),
        (
            TypeError("bad: ann@example.org at 203.0.113.9 or 2001:db8::7"),
            "bad: [address] at [IP address] or [IP address]",
        ),
        (TypeError("code 1234 5678 9012 3456 7890"), "code [code]"),
        (TypeError(f"code {'1234567890' * 2}."), "code [code]."),
        (ValueError("Ann Smith"), ""),
        (KeyError("ann"), ""),
        (Exception("Ann Smith"), ""),
        (smtplib.SMTPRecipientsRefused({"ann@example.org": (550, b"no Ann here")}), ""),
        (smtplib.SMTPDataError(554, b"Ann is no more"), ""),
        (OSError(), ""),
    ],
)
def test_words_of_an_exception(error, words):
    assert words_of(error) == (str(error) if words is None else words)


def test_causes_and_groups_are_told_once_and_without_end(logged):
    own = OSError("disk full")
    group = ExceptionGroup("Ann", [own, ValueError("Ann")])
    own.__cause__ = group  # a circle
    logging.getLogger("x").error("Trouble", exc_info=group)

    text = logged(LineFormatter)
    assert "OSError: disk full" in text
    assert "ValueError" in text
    assert "Ann" not in text


def test_developers_are_shown_everything(logged, settings):
    settings.DEBUG = True
    logging.getLogger("x").error("Trouble", exc_info=ValueError("Ann Smith"))

    assert "ValueError: Ann Smith" in logged(LineFormatter)
    assert "ValueError: Ann Smith" in json.loads(logged(JsonLineFormatter))["exception"]


# --- A running server ---


@pytest.mark.server
@pytest.mark.django_db(transaction=True)
def test_bookings_and_refusals_leave_no_line(tmp_path, attendee, organiser):
    event = EventFactory(capacity=1)
    env = {"LOG_FORMAT": "json", "TRUSTED_PROXY_COUNT": "1"}
    headers = [("X-Request-ID", "a1b2c3d4"), ("X-Forwarded-For", "203.0.113.9")]
    with (
        database_shared_with_servers(tmp_path) as url,
        running(tmp_path, database_url=url, **env) as server,
    ):
        cookies = sign_in([attendee, organiser])
        booked = post_at_once(server, f"/events/{event.slug}/ticket/", cookies)
        stream, _refused = request(server, "/live/?topic=no-such", headers)
        log = server.log.read_text()

    assert sorted(answer.headers["Location"].split("/")[1] for answer in booked) == [
        "events",
        "tickets",
    ]
    assert stream.headers["X-Request-ID"] == "a1b2c3d4"
    assert [line for line in log.splitlines() if line.startswith("{")] == []
    assert event.slug not in log
