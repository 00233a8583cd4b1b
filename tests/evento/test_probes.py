"""`/healthz`, `/readyz` and `/metrics`: what machines are answered, and under which name."""

import json
import socket
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.models import OutgoingEmail, WorkerHeartbeat
from tests.evento.test_asgi import request
from tests.patience import PATIENCE
from tests.ports import free_port
from tests.servers import CSRF_SECRET, database_for_servers, running

PROBES = ["/healthz", "/readyz", "/metrics"]
TOKEN = "a-long-and-random-token"
BEARER = {"headers": {"Authorization": f"Bearer {TOKEN}"}}


@pytest.fixture
def token(settings):
    settings.METRICS_TOKEN = TOKEN


@pytest.fixture
def beat(db):
    """A worker's sign of life, so many minutes ago."""

    def make(minutes=0):
        moment = timezone.now() - timedelta(minutes=minutes)
        WorkerHeartbeat.objects.create(started_at=moment, beaten_at=moment)

    return make


def overdue(minutes, priority=OutgoingEmail.Priority.ONE):
    due = timezone.now() - timedelta(minutes=minutes)
    OutgoingEmail.objects.create(
        key=f"{minutes} {priority}", kind="x", next_attempt_at=due, priority=priority
    )


# --- All three ---


@pytest.mark.parametrize("probe", PROBES)
def test_probe_is_answered_under_any_host_name_and_by_plain_http(
    client, db, settings, token, probe
):
    settings.ALLOWED_HOSTS = ["tickets.example.org"]
    settings.SECURE_SSL_REDIRECT = True

    response = client.get(probe, headers=BEARER["headers"] | {"Host": "10.42.0.17:8000"})

    assert response.status_code == 200


def test_pages_are_as_strict_with_host_names_as_before(client, db, settings):
    settings.ALLOWED_HOSTS = ["tickets.example.org"]

    assert client.get("/", headers={"Host": "10.42.0.17:8000"}).status_code == 400
    assert client.get("/healthz/", headers={"Host": "10.42.0.17:8000"}).status_code == 400


@pytest.mark.parametrize("probe", PROBES)
def test_probe_has_no_session_no_cookie_and_is_kept_by_nobody(client, db, attendee, token, probe):
    client.force_login(attendee)
    session = client.cookies["sessionid"].value

    response = client.get(probe, **BEARER)

    assert response.cookies == {}
    assert "Cookie" not in response.get("Vary", "")
    assert response["Cache-Control"] == "no-store"
    assert client.cookies["sessionid"].value == session


@pytest.mark.parametrize("probe", PROBES)
def test_probe_answers_get_and_head_alone(client, db, token, probe):
    answers = {
        method: getattr(client, method)(probe, **BEARER).status_code
        for method in ("get", "head", "post", "put", "delete")
    }

    assert answers == {"get": 200, "head": 200, "post": 405, "put": 405, "delete": 405}


# --- /healthz ---


def test_healthz_asks_no_database(client):
    """Without the `db` mark a query is an error."""
    response = client.get("/healthz")

    assert (response.status_code, response.content) == (200, b"ok\n")


# --- /readyz ---


def test_readyz_names_each_check(client, beat):
    beat()

    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json() == {
        "status": "ready",
        "checks": {"database": "ok", "migrations": "ok", "worker": "ok", "mail": "ok"},
    }


@pytest.mark.parametrize(("minutes", "word"), [(2, "ok"), (4, "failing")])
def test_readyz_silent_worker_is_reported_and_takes_no_page_away(client, beat, minutes, word):
    beat(minutes)

    plain, included = client.get("/readyz"), client.get("/readyz?include=worker")

    assert (plain.status_code, plain.json()["checks"]["worker"]) == (200, word)
    assert included.status_code == (200 if word == "ok" else 503)


def test_readyz_no_worker_ever_is_reported(client, db):
    assert client.get("/readyz").json()["checks"]["worker"] == "failing"


def test_readyz_no_worker_is_needed_where_mails_are_sent_on_commit(client, db, settings):
    settings.NOTIFICATIONS_SEND = "on_commit"

    assert client.get("/readyz?include=worker").json()["checks"]["worker"] == "ok"


@pytest.mark.parametrize(
    ("minutes", "priority", "word"),
    [(14, 0, "ok"), (16, 0, "failing"), (170, 1, "ok"), (190, 1, "failing")],
)
def test_readyz_late_mail_is_reported_and_takes_no_page_away(client, beat, minutes, priority, word):
    beat()
    overdue(minutes, priority)

    plain, included = client.get("/readyz"), client.get("/readyz?include=worker&include=mail")

    assert (plain.status_code, plain.json()["checks"]["mail"]) == (200, word)
    assert included.status_code == (200 if word == "ok" else 503)


def test_readyz_asked_for_what_it_does_not_check_says_so(client, db):
    response = client.get("/readyz?include=coffee")

    assert response.status_code == 400
    assert "coffee" in response.json()["error"]


def test_readyz_missing_migration_is_not_ready(client, beat):
    beat()
    MigrationRecorder.Migration.objects.filter(app="tickets", name="0001_initial").delete()

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json() == {
        "status": "not ready",
        "checks": {
            "database": "ok",
            "migrations": "failing",
            "worker": "unknown",
            "mail": "unknown",
        },
    }


def test_readyz_migrations_of_the_version_that_comes_are_no_trouble(client, beat):
    beat()
    MigrationRecorder.Migration.objects.create(app="tickets", name="0999_of_tomorrow")

    assert client.get("/readyz").status_code == 200


def test_readyz_asks_as_often_however_full_the_outbox_is(client, beat):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            client.get("/readyz")
        return len(captured)

    client.get("/readyz")  # what a process remembers for good
    empty = queries()
    for minutes in range(40):
        overdue(minutes)
        beat(minutes)

    assert queries() == empty <= 12


# --- A running server ---


@pytest.mark.server
@pytest.mark.sqlite
def test_without_a_database_the_process_lives_and_is_not_ready(tmp_path):
    nobody = f"postgres://evento:hidden@127.0.0.1:{free_port()}/evento"
    env = {"METRICS_TOKEN": TOKEN}
    with running(tmp_path, database_url=nobody, **env) as server:
        alive, _body = request(server, "/healthz")
        ready, checks = request(server, "/readyz")
        _metrics, lines = request(server, "/metrics", [("Authorization", f"Bearer {TOKEN}")])

    assert (alive.status, ready.status) == (200, 503)
    assert json.loads(checks)["checks"]["database"] == "failing"
    assert b"hidden" not in checks
    assert b"evento_database_up 0.0" in lines
    assert b"evento_worker" not in lines


@pytest.mark.server
@pytest.mark.django_db(transaction=True)
def test_no_probe_waits_for_pages(tmp_path):
    """All threads for pages are held by large forms that trickle in, as by a rush that waits for a lock."""
    head = (
        "POST /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n"
        f"Cookie: csrftoken={CSRF_SECRET}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n\r\ncsrfmiddlewaretoken="
    )
    url = database_for_servers(tmp_path)
    with running(tmp_path, database_url=url, threads=1) as server:
        held = [socket.create_connection(("127.0.0.1", server.port)) for _form in range(3)]
        for form in held:
            form.sendall(head.encode())
        page = threading.Thread(target=request, args=(server, "/"), daemon=True)
        page.start()
        answers = [request(server, probe)[0].status for probe in ("/healthz", "/readyz")]
        page_waits = page.is_alive()
        for form in held:
            form.close()
        page.join(PATIENCE)

    assert answers == [200, 200]
    assert page_waits
