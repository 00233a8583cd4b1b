"""A worker with several connections to the mail server, each with one of its own to the database."""

import asyncio
import os
import signal
import threading

import pytest
from django.core.management import call_command
from django.db import connection

from notifications import ending
from notifications import sender as sending
from notifications.management.commands import send_notifications
from notifications.models import OutgoingEmail
from notifications.sender import Sender
from notifications.services import queue_rendered
from tests.notifications.smtp import Mailbox, smtp_server
from tests.patience import PATIENCE

only_on_postgresql = [
    pytest.mark.skipif(connection.vendor == "sqlite", reason="one connection on SQLite"),
    pytest.mark.django_db(transaction=True),
]
SMTP = "notifications.backends.SmtpBackend"
FILES = "notifications.backends.EmlFileBackend"


@pytest.fixture
def by_smtp(settings, monkeypatch):
    """Send to this port over so many connections, in batches of two."""
    monkeypatch.setattr(sending, "BATCH", 2)
    monkeypatch.setattr(send_notifications, "TROUBLE_SECONDS", 0.01)

    def use(port, connections):
        settings.TRANSPORT_BACKEND, settings.MAIL_CONNECTIONS = SMTP, connections
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        # The server holds mails until something has happened.
        settings.EMAIL_TIMEOUT = 10 * PATIENCE
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""

    return use


def queue(count):
    for number in range(count):
        queue_rendered(f"{number}@example.org", f"Message-ID: <{number}@x>\n\nHello\n".encode())


def states():
    found = list(OutgoingEmail.objects.values_list("state", flat=True))
    return {state: found.count(state) for state in set(found)}


def end_worker():
    os.kill(os.getpid(), signal.SIGTERM)


class Ending(Mailbox):
    """Ends the worker with the mail that is the last of so many."""

    def __init__(self, count):
        super().__init__()
        self._count = count

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        answer = await super().handle_DATA(server, session, envelope)
        if len(self.deliveries) == self._count:
            end_worker()
        return answer


class Holding(Ending):
    """Takes no mail before what it holds them for has happened; sends the worker home if it never does."""

    def __init__(self, count):
        super().__init__(count)
        self._happened = asyncio.Event()

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        try:
            await asyncio.wait_for(self._happened.wait(), PATIENCE)
        except TimeoutError:
            end_worker()
            return "451 alone"
        return await super().handle_DATA(server, session, envelope)


class Together(Holding):
    """Takes no mail before it has been offered so many at once; then does `when_together`."""

    def __init__(self, together, count, when_together=lambda: None):
        super().__init__(count)
        self._together, self._offered, self._when = together, 0, when_together

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self._offered += 1
        if self._offered == self._together:
            self._when()
            self._happened.set()
        return await super().handle_DATA(server, session, envelope)


class OneAtATime(Holding):
    """Turns a second connection away, and takes no mail before there was one."""

    session = None

    async def handle_EHLO(self, _server, session, _envelope, hostname, responses):  # noqa: N802
        self.session = self.session or session
        if session is not self.session:
            return ["421 4.7.0 too many connections"]
        session.host_name = hostname
        return responses

    async def handle_HELO(self, _server, _session, _envelope, _hostname):  # noqa: N802
        self._happened.set()
        return "421 4.7.0 too many connections"

    async def handle_QUIT(self, _server, session, _envelope):  # noqa: N802
        self.session = None if session is self.session else self.session
        return "221 Bye"


class TestOnPostgreSQL:
    pytestmark = only_on_postgresql

    def test_worker_sends_over_all_its_connections_at_once(self, by_smtp):
        queue(12)

        with smtp_server(Together(3, 12)) as (mailbox, port):
            by_smtp(port, 3)
            call_command("send_notifications")

        assert states() == {"sent": 12}
        assert len(mailbox.connections) == 3
        assert len(mailbox.deliveries) == len(mailbox.message_ids) == 12

    def test_ending_worker_finishes_the_mails_in_hand_and_puts_the_rest_back(
        self, by_smtp, monkeypatch
    ):
        queue(12)
        told = ending.Ending()
        monkeypatch.setattr(send_notifications, "Ending", lambda: told)

        def end_and_see():
            end_worker()
            told.wait(PATIENCE)

        with smtp_server(Together(2, -1, when_together=end_and_see)) as (mailbox, port):
            by_smtp(port, 2)
            call_command("send_notifications")

        assert states() == {"sent": 2, "queued": 10}
        assert len(mailbox.deliveries) == 2
        waiting = OutgoingEmail.objects.filter(state="queued")
        assert set(waiting.values_list("attempts", "leased_by")) == {(0, None)}

    def test_server_that_takes_one_connection_gets_all_mails(self, by_smtp, caplog):
        queue(12)

        with smtp_server(OneAtATime(12)) as (mailbox, port):
            by_smtp(port, 2)
            call_command("send_notifications")

        assert states() == {"sent": 12}
        assert len(mailbox.deliveries) == 12
        assert set(OutgoingEmail.objects.values_list("attempts", flat=True)) == {1}

    def test_fault_of_a_helper_ends_the_worker(self, by_smtp, monkeypatch):
        class Faulty(Sender):
            def step(self):
                self._should_stop()
                if threading.current_thread() is not threading.main_thread():
                    raise RuntimeError("a fault of ours")
                return False

        monkeypatch.setattr(send_notifications, "Sender", Faulty)
        by_smtp(1, 2)

        with pytest.raises(RuntimeError, match="a fault of ours"):
            call_command("send_notifications")


@pytest.mark.parametrize(
    ("backend", "is_sqlite", "connections"), [(SMTP, False, 5), (SMTP, True, 1), (FILES, False, 1)]
)
def test_where_several_connections_are_of_use(settings, backend, is_sqlite, connections):
    settings.TRANSPORT_BACKEND, settings.IS_SQLITE = backend, is_sqlite
    settings.MAIL_CONNECTIONS = 5

    assert send_notifications.connections_of_a_worker() == connections
