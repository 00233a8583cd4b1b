"""`/metrics` says how the site is, and never how popular an event is (SPEC 2 "the secrecy rule").

docs/decisions/0023-what-is-measured.md names each line that an observer may see change.
"""

import contextlib
import os
import re
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from evento import metrics
from evento.metrics.counting import Instruments
from notifications.models import OutgoingEmail, WorkerHeartbeat
from tests.accounts.factories import UserFactory
from tests.evento.test_asgi import request
from tests.events.factories import EventFactory
from tests.live import Reader, database_shared_with_servers
from tests.servers import post_at_once, running, sign_in
from tickets.models import Ticket
from tickets.services import book_ticket, cancel_ticket

TOKEN = "a-long-and-random-token"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
WORKERS = 2 if connection.vendor == "postgresql" else 1
# What any request changes, and what a busy machine may: the rest is the same for every observer.
MAY_CHANGE = re.compile(r'^(process_|evento_troubled_seconds_total\{kind="slow"\})')


@pytest.fixture(autouse=True)
def token(settings):
    settings.METRICS_TOKEN = TOKEN


def told(text):
    """What an observer of two scrapes can compare."""
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return sorted(line for line in lines if not MAY_CHANGE.match(line))


@pytest.fixture
def scrape(client):
    def ask():
        response = client.get("/metrics", headers=BEARER)
        assert response.status_code == 200
        return response.content.decode()

    return ask


def value_of(text, name, **labels):
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return sample.value
    return None


# --- Who may read ---


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Basic {TOKEN}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        "Bearer ä",
    ],
)
def test_without_the_token_there_is_nothing(client, header):
    response = client.get("/metrics", headers={"Authorization": header} if header else {})

    assert (response.status_code, response.content) == (404, b"Not found\n")


def test_without_a_token_in_the_settings_nothing_opens_it(client, settings):
    settings.METRICS_TOKEN = ""

    for header in ("Bearer ", "Bearer", f"Bearer {TOKEN}"):
        assert client.get("/metrics", headers={"Authorization": header}).status_code == 404


# --- What it says ---


@pytest.mark.django_db
def test_every_line_can_be_read_by_prometheus(scrape):
    families = {family.name: family for family in text_string_to_metric_families(scrape())}

    assert all(family.documentation for family in families.values())
    assert {
        "evento_build_info",
        "evento_database_up",
        "evento_live_streams",
        "evento_live_streams_max",
        "evento_mail_failing",
        "evento_mail_overdue_seconds",
        "evento_mail_parked",
        "evento_migrations_pending",
        "evento_troubled_seconds",
        "evento_worker_heartbeat_age_seconds",
        "evento_workers",
        "process_cpu_seconds",
        "process_resident_memory_bytes",
    } <= families.keys()


@pytest.mark.django_db
def test_worker_and_mail_are_told(scrape, now):
    before = scrape()
    beaten_at = now - timedelta(seconds=70)
    WorkerHeartbeat.objects.create(started_at=beaten_at, beaten_at=beaten_at)
    OutgoingEmail.objects.create(key="x", kind="x", next_attempt_at=now - timedelta(minutes=9))
    after = scrape()

    assert value_of(before, "evento_worker_heartbeat_age_seconds") == float("inf")
    assert 70 <= value_of(after, "evento_worker_heartbeat_age_seconds") < 130
    assert value_of(after, "evento_workers") == 1
    assert value_of(after, "evento_mail_overdue_seconds", to="one") == 9 * 60
    assert value_of(after, "evento_mail_overdue_seconds", to="many") == 0


@pytest.mark.django_db
def test_it_asks_as_often_however_much_there_is(scrape):
    scrape()
    with CaptureQueriesContext(connection) as few:
        scrape()
    for _n in range(20):
        book_ticket(EventFactory(), holder=UserFactory())
    with CaptureQueriesContext(connection) as many:
        scrape()

    assert len(many) == len(few) <= 12


@pytest.mark.parametrize(
    ("status", "seconds", "kinds"),
    [
        (200, 0.9, []),
        (302, 0.1, []),
        (404, 0.1, []),
        (409, 0.1, []),
        (429, 0.1, ["rate_limited"]),
        (500, 0.1, ["server_error"]),
        (502, 0.1, ["server_error"]),
        (503, 0.1, ["busy"]),
        (200, 1.1, ["slow"]),
        (503, 30, ["busy", "slow"]),
    ],
)
def test_answer_tells_of_trouble(status, seconds, kinds):
    counted = Instruments()

    counted.note(status, seconds)

    samples = next(iter(counted.registry.collect())).samples
    assert sorted(each.labels["kind"] for each in samples if each.value) == sorted(kinds)


def test_seconds_are_counted_and_not_answers(monkeypatch):
    counted = Instruments()
    clock = iter([7.0, 7.1, 7.2, 7.9, 8.0, 8.5])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))

    for _answer in range(6):
        counted.note(503, 0.1)

    assert counted.registry.get_sample_value("evento_troubled_seconds_total", {"kind": "busy"}) == 2


# --- What it does not say ---


@pytest.mark.django_db
def test_bookings_and_cancellations_change_no_line(scrape):
    event = EventFactory(capacity=60)
    people = UserFactory.create_batch(60)
    worlds = [told(scrape())]

    tickets = [book_ticket(event, holder=person).ticket for person in people[:3]]
    worlds.append(told(scrape()))
    tickets += [
        book_ticket(event, holder=person).ticket for person in people[3:]
    ]  # until it is full
    worlds.append(told(scrape()))
    for ticket in tickets[:20]:
        cancel_ticket(ticket, by=ticket.holder)
    worlds.append(told(scrape()))

    assert Ticket.objects.count() == 60
    assert OutgoingEmail.objects.filter(state="queued").count() > 60
    assert worlds[1:] == worlds[:1] * 3


@pytest.mark.django_db
def test_while_no_worker_works_one_booking_looks_like_fifty(scrape):
    event = EventFactory(capacity=60)
    worlds = []

    for count in (1, 49):
        for person in UserFactory.create_batch(count):
            book_ticket(event, holder=person)
        OutgoingEmail.objects.update(
            next_attempt_at=timezone.now() - timedelta(minutes=20, seconds=30), priority=0
        )
        worlds.append(told(scrape()))

    assert worlds[0] == worlds[1]
    assert 'evento_mail_overdue_seconds{to="one"} 1200.0' in worlds[0]


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["queued", "parked"])
def test_one_refused_mail_looks_like_fifty(scrape, state):
    worlds = []
    later = timezone.now() + timedelta(minutes=5)

    for count in (1, 49):
        for n in range(count):
            OutgoingEmail.objects.create(
                key=f"{count} {n}", kind="x", state=state, attempts=7, next_attempt_at=later
            )
        worlds.append(told(scrape()))

    assert worlds[0] == worlds[1]


@contextlib.contextmanager
def served(folder):
    with (
        database_shared_with_servers(folder) as url,
        running(
            folder, database_url=url, workers=WORKERS, METRICS_TOKEN=TOKEN, TMPDIR=str(folder)
        ) as server,
    ):
        yield server


def scraped(server):
    answer, body = request(server, "/metrics", list(BEARER.items()))
    assert answer.status == 200
    return body.decode()


@pytest.mark.server
@pytest.mark.django_db(transaction=True)
def test_real_bookings_change_no_line(tmp_path):
    """Through the web server, which sees each request from outside Django."""
    event = EventFactory(capacity=10)
    cookies = sign_in(UserFactory.create_batch(15))
    with served(tmp_path) as server:
        pids = r'^process_start_time_seconds\{pid="(\d+)"\}'
        while len(re.findall(pids, text := scraped(server), re.MULTILINE)) < WORKERS:
            pass  # the other process is still starting
        before = told(text)
        answers = post_at_once(server, f"/events/{event.slug}/ticket/", cookies)
        after = told(scraped(server))

    places = [answer.headers["Location"] for answer in answers]
    assert sum(place.startswith("/tickets/") for place in places) == 10
    assert after == before


@pytest.mark.server
@pytest.mark.django_db(transaction=True)
def test_all_processes_of_a_server_are_told_by_each(tmp_path):
    with served(tmp_path) as server:
        with Reader(server, "list::") as one, Reader(server, "list::") as other:
            for reader in (one, other):
                reader.next("retry")
            texts = [scraped(server) for _scrape in range(6)]
        # Each connection may meet another process: all say the same.
        streams = {value_of(text, "evento_live_streams") for text in texts}
        while value_of(scraped(server), "evento_live_streams"):
            pass  # the server sees in its own time that the readers have gone

    assert streams == {2}


@pytest.mark.server
@pytest.mark.django_db(transaction=True)
def test_trouble_of_the_server_is_counted(tmp_path):
    limited = {"METRICS_TOKEN": TOKEN, "TMPDIR": str(tmp_path), "LIVE_MAX_STREAMS": "1"}
    with (
        database_shared_with_servers(tmp_path) as url,
        running(tmp_path, database_url=url, **limited) as server,
        Reader(server, "list::") as stream,
    ):
        stream.next("retry")
        refused, _body = request(server, "/live/?topic=list::")
        text = scraped(server)

    assert refused.status == 503
    assert value_of(text, "evento_troubled_seconds_total", kind="busy") == 1
    assert value_of(text, "evento_troubled_seconds_total", kind="server_error") == 0


# --- The files that processes share ---


def test_folder_of_a_server_that_has_gone_is_removed(tmp_path, monkeypatch):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    place = tmp_path / "temporary"
    left, own = (place / f"evento-metrics-{pid}" for pid in (gone.pid, os.getpid()))
    left.mkdir(parents=True)
    (left / "counter_1.db").touch()
    monkeypatch.setattr(metrics, "FOLDER", own)

    metrics.prepare_folder()

    assert [folder.name for folder in place.iterdir()] == [own.name]
    assert own.stat().st_mode & 0o777 == 0o700


def test_folder_that_somebody_else_has_laid_is_refused(tmp_path, monkeypatch):
    own = tmp_path / f"evento-metrics-{os.getpid()}"
    (tmp_path / "elsewhere").mkdir()
    own.symlink_to(tmp_path / "elsewhere")
    monkeypatch.setattr(metrics, "FOLDER", own)

    with pytest.raises(PermissionError, match="somebody else"):
        metrics.prepare_folder()


def test_commands_leave_no_files(tmp_path):
    place = tmp_path / "temporary"
    place.mkdir()
    environment = os.environ | {"METRICS_TOKEN": TOKEN, "TMPDIR": str(place)}
    subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=Path(metrics.__file__).resolve().parents[2],
        env=environment | {"DJANGO_SETTINGS_MODULE": "evento.settings"},
        check=True,
        capture_output=True,
    )

    assert list(place.iterdir()) == []
