"""Workers' signs of life."""

import contextlib
import os
import signal
import uuid
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications import heartbeat
from notifications.heartbeat import Heartbeat, forget_old_heartbeats, newest_heartbeats
from notifications.management.commands import send_notifications
from notifications.models import OutgoingEmail, WorkerHeartbeat
from notifications.sender import Sender
from tests.notifications.smtp import smtp_server
from tests.notifications.test_killed_worker import worker
from tests.servers import database_for_servers, reading

pytestmark = pytest.mark.django_db
LONG = 3600


@pytest.fixture
def row():
    def make(**ago):
        moment = timezone.now() - timedelta(**ago)
        return WorkerHeartbeat.objects.create(started_at=moment, beaten_at=moment)

    return make


def test_beat_writes_once_in_ten_seconds():
    assert heartbeat.BEAT_SECONDS == 10


def test_beat_writes_at_most_once_in_that_time(monkeypatch):
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", LONG)
    own = Heartbeat()
    with CaptureQueriesContext(connection) as captured:
        own.beat()
        first = len(captured)
        for _mail in range(1000):
            own.beat()

    assert len(captured) == first
    assert WorkerHeartbeat.objects.count() == 1


def test_beat_renews_its_own_row(monkeypatch):
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0)
    own, another = Heartbeat(), Heartbeat()
    own.beat()
    another.beat()
    WorkerHeartbeat.objects.update(beaten_at=timezone.now() - timedelta(minutes=4))

    own.beat()

    newest, alive = newest_heartbeats(timezone.now())
    assert WorkerHeartbeat.objects.count() == 2
    assert alive == 1
    assert timezone.now() - newest < timedelta(minutes=1)


def test_row_that_was_taken_away_is_written_anew(monkeypatch):
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0)
    own = Heartbeat()
    own.beat()
    WorkerHeartbeat.objects.all().delete()

    own.beat()

    assert WorkerHeartbeat.objects.count() == 1


def test_database_that_does_not_take_it_stops_no_worker():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE notifications_workerheartbeat RENAME TO elsewhere")

    Heartbeat().beat()

    assert OutgoingEmail.objects.count() == 0  # the transaction around is whole


def test_several_workers_the_newest_counts(row):
    row(minutes=10)
    row(minutes=1)
    latest = row(seconds=5)

    assert newest_heartbeats(timezone.now()) == (latest.beaten_at, 2)


def test_no_worker_ever():
    assert newest_heartbeats(timezone.now()) == (None, 0)


def test_rows_of_long_ago_go_and_the_newest_stays(row):
    row(days=3)
    newest = row(days=2)

    assert forget_old_heartbeats() == 1
    assert WorkerHeartbeat.objects.get() == newest


def test_once_beats_too():
    call_command("send_notifications", "--once")

    assert WorkerHeartbeat.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_long_batch_gives_signs_of_life_between_mails(monkeypatch):
    """Each mail may take minutes with a slow mail server, and a batch has fifty."""
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0)
    for _n in range(3):
        OutgoingEmail.objects.create(
            key=str(uuid.uuid4()), kind="accounts.mail", message=b"A: b\n\n"
        )
    beats = []

    def transmit(self, message):
        beats.append(WorkerHeartbeat.objects.get().beaten_at)

    def step(self):
        os.kill(os.getpid(), signal.SIGTERM) if beats else None
        return Sender.step(self)

    slow = type("Slow", (Sender,), {"_transmit": transmit, "step": step})
    monkeypatch.setattr(send_notifications, "Sender", slow)
    call_command("send_notifications")

    assert len(set(beats)) == 3


@pytest.mark.server
@pytest.mark.django_db(transaction=True)
def test_killed_worker_leaves_a_row_and_its_successor_another(tmp_path):
    def rows():
        with reading(database_url) as query:
            [[count]] = query("SELECT COUNT(*) FROM notifications_workerheartbeat")
        return count

    database_url = database_for_servers(tmp_path)
    with smtp_server() as (_mailbox, port):
        for expected in (1, 2):
            with worker(database_url, port) as process, contextlib.ExitStack() as ending:
                ending.callback(process.kill)
                while process.poll() is None and rows() < expected:
                    pass
            assert rows() == expected
