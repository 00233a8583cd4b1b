"""The worker command (SPEC 10)."""

import os
import signal
import uuid
from datetime import timedelta

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone

from events.services import cancel_event
from notifications.live.changes import record_public_change
from notifications.management.commands import send_notifications
from notifications.models import OutgoingEmail, PublicChange
from notifications.sender import MailServerUnavailable, Sender
from tests.tickets.factories import TicketFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def queued():
    return OutgoingEmail.objects.create(
        key=str(uuid.uuid4()),
        kind="accounts.mail",
        address="a@example.org",
        message=b"Subject: Hello\nFrom: e@example.org\n\nHello\n",
    )


def test_once_expands_sends_and_says_what_it_did(event, queued, capsys):
    TicketFactory(event=event)
    cancel_event(event, by=event.organisers.get())

    call_command("send_notifications", "--once", "--verbosity", "2")

    assert len(mail.outbox) == 2
    assert "2 sent, 0 failed, 0 dropped." in capsys.readouterr().out


def test_what_cron_gets_tells_no_number_of_mails(queued, capsys):
    call_command("send_notifications", "--once")

    assert len(mail.outbox) == 1
    assert capsys.readouterr().out == ""


def test_dry_run_counts_and_sends_nothing(event, queued, capsys):
    cancel_event(event, by=None)

    call_command("send_notifications", "--dry-run")

    assert mail.outbox == []
    assert "1 announcements to expand; mails: 1 due" in capsys.readouterr().out


def test_once_without_a_mail_server_is_an_error(queued, settings):
    settings.TRANSPORT_BACKEND = "notifications.backends.SmtpBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1

    with pytest.raises(CommandError, match="cannot be reached"):
        call_command("send_notifications", "--once")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_worker_ends_on_a_signal_and_gives_the_handlers_back(queued, number, monkeypatch, caplog):
    before = signal.getsignal(number)

    def end_when_idle(_self):
        if not OutgoingEmail.objects.filter(state="queued").exists():
            os.kill(os.getpid(), number)
        return Sender.step(_self)

    monkeypatch.setattr(
        send_notifications, "Sender", type("Ending", (Sender,), {"step": end_when_idle})
    )
    call_command("send_notifications")

    assert len(mail.outbox) == 1
    assert caplog.messages[-1] == "The worker has ended."
    assert signal.getsignal(number) is before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (MailServerUnavailable("no route"), "mail server cannot be reached: no route"),
        (OperationalError("gone away"), "database did not answer"),
    ],
)
def test_trouble_with_a_server_ends_no_worker(queued, trouble, words, monkeypatch, caplog):
    monkeypatch.setattr(send_notifications, "TROUBLE_SECONDS", 0.01)
    troubles = [trouble]

    def step(self):
        if troubles:
            raise troubles.pop()
        os.kill(os.getpid(), signal.SIGTERM)
        return Sender.step(self)

    monkeypatch.setattr(send_notifications, "Sender", type("Troubled", (Sender,), {"step": step}))
    call_command("send_notifications")

    assert words in caplog.text


@pytest.fixture
def changes():
    """Make public changes of long ago; the last of them stays, so that numbers go on from it."""

    def make(count):
        for _change in range(count):
            record_public_change(uuid.uuid4())
        PublicChange.objects.update(changed_at=timezone.now() - timedelta(days=1))

    return make


def test_once_takes_away_public_changes_of_long_ago(changes):
    changes(3)

    call_command("send_notifications", "--once")

    assert PublicChange.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("pause", "left"), [(0, 1), (600, 4)])
def test_worker_takes_them_away_again_and_again_with_a_pause(changes, pause, left, monkeypatch):
    monkeypatch.setattr(send_notifications, "TIDY_SECONDS", pause)
    rounds = iter([lambda: changes(3), lambda: os.kill(os.getpid(), signal.SIGTERM)])

    def step(self):
        next(rounds)()
        return True

    changes(3)
    monkeypatch.setattr(send_notifications, "Sender", type("Idle", (Sender,), {"step": step}))
    call_command("send_notifications")

    assert PublicChange.objects.count() == left


def test_help_explains_once_and_dry_run(capsys):
    with pytest.raises(SystemExit):
        call_command("send_notifications", "--help")

    text = capsys.readouterr().out
    assert "--once" in text
    assert "--dry-run" in text
