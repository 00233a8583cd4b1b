"""The sender: claims, leases, marks, retries, parks (SPEC 5)."""

import smtplib
import uuid
from datetime import timedelta

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from evento.statements import change
from notifications import sender as sending
from notifications.models import OutgoingEmail
from notifications.sender import MailServerUnavailable, Sender, drain
from tickets.services import book_ticket

pytestmark = pytest.mark.django_db

State = OutgoingEmail.State
HERE = f"{__name__}"


class Transport(BaseEmailBackend):
    """A mail server whose answers a test sets: one error, or None, for each message in turn."""

    answers: list = []
    opened = 0

    def open(self):
        type(self).opened += 1
        return True

    def send_messages(self, messages):
        answer = self.answers.pop(0) if self.answers else None
        if answer == 0:
            return 0
        if answer is not None:
            raise answer
        mail.outbox.extend(messages)
        return len(messages)


@pytest.fixture
def transport(settings):
    settings.TRANSPORT_BACKEND = f"{HERE}.Transport"
    Transport.answers, Transport.opened = [], 0
    return Transport


def rendered(subject="Hello", **values):
    """An outbox row whose mail is rendered already."""
    message = f"Subject: {subject}\nFrom: e@example.org\nTo: a@example.org\n\nHello\n".encode()
    values = {"address": "a@example.org", "kind": "accounts.mail", "message": message} | values
    return OutgoingEmail.objects.create(key=str(uuid.uuid4()), **values)


def claim():
    return sending.claim(timezone.now())


def subjects():
    return [message.subject for message in mail.outbox]


def test_step_says_whether_there_was_work():
    rendered()

    sender = Sender()

    assert sender.step()
    assert not sender.step()
    assert sender.tally.sent == 1


def test_sent_mail_is_marked_and_its_text_emptied(now):
    row = rendered()

    drain()

    row.refresh_from_db()
    assert (row.state, bytes(row.message), row.leased_by) == (State.SENT, b"", None)
    assert row.sent_at >= now


def test_mails_to_one_person_go_before_mails_to_many(now):
    rendered("many", priority=OutgoingEmail.Priority.MANY, next_attempt_at=now - timedelta(hours=1))
    rendered("one")

    drain()

    assert subjects() == ["one", "many"]


def test_mail_of_a_later_attempt_waits(now):
    rendered(next_attempt_at=now + timedelta(minutes=1))

    assert drain().sent == 0


def test_claimed_mail_is_claimed_by_nobody_else():
    rendered()

    first, second = claim(), claim()

    assert (len(first), len(second)) == (1, 0)


def test_claim_takes_one_batch(monkeypatch):
    monkeypatch.setattr(sending, "BATCH", 2)
    for _n in range(3):
        rendered()

    assert [len(claim()) for _n in range(3)] == [2, 1, 0]


def test_claimed_mails_are_as_they_are_stored_now():
    rendered()
    with CaptureQueriesContext(connection) as asked:
        [row] = claim()

    stored = OutgoingEmail.objects.get()
    for name in ("state", "attempts", "leased_by", "leased_until"):
        assert getattr(row, name) == getattr(stored, name)
    assert (row.state, row.attempts) == (State.SENDING, 1)
    # Whether there is one; which; and the lease.
    assert len([it for it in asked if "notifications_outgoingemail" in it["sql"]]) == 3


def test_lease_outlives_the_mail_servers_timeouts(now, settings):
    rendered()

    [row] = claim()

    assert row.leased_until - now > timedelta(seconds=settings.EMAIL_TIMEOUT * 6)


def test_mail_of_a_dead_worker_is_sent_when_its_lease_runs_out(now):
    rendered()
    claim()
    assert drain().sent == 0

    OutgoingEmail.objects.update(leased_until=now - timedelta(seconds=1))

    assert drain().sent == 1


def test_mark_of_a_worker_that_lost_its_lease_changes_nothing(now, caplog):
    row = rendered()
    [slow] = claim()
    OutgoingEmail.objects.update(leased_until=now - timedelta(seconds=1))
    sending.free_expired_leases(timezone.now())
    [fast] = claim()

    sending.mark(slow, state=State.PARKED)

    row.refresh_from_db()
    assert (row.state, row.leased_by) == (State.SENDING, fast.leased_by)
    assert "no longer this worker's" in caplog.text


def test_worker_does_not_send_what_it_no_longer_holds(now, monkeypatch):
    row = rendered()
    [mine] = claim()
    mine.leased_until = now
    OutgoingEmail.objects.update(leased_by=uuid.uuid4())

    Sender()._send_batch([mine])

    row.refresh_from_db()
    assert subjects() == []
    assert row.state == State.SENDING


def test_slow_batch_extends_its_lease(now):
    first, second = rendered(), rendered()
    batch = claim()
    for row in batch:
        row.leased_until = now + timedelta(seconds=1)
    OutgoingEmail.objects.update(leased_until=now + timedelta(seconds=1))

    assert sending.keep_lease(batch[0], batch)

    for row in (first, second):
        row.refresh_from_db()
        assert row.leased_until > now + timedelta(minutes=1)
    assert batch[1].leased_until == second.leased_until


def test_mail_that_kills_its_workers_is_parked(now):
    row = rendered(
        state=State.SENDING,
        attempts=sending.MAX_ATTEMPTS,
        leased_by=uuid.uuid4(),
        leased_until=now - timedelta(seconds=1),
    )

    assert drain().sent == 0

    row.refresh_from_db()
    assert row.state == State.PARKED
    assert "stopped while sending" in row.last_error


def test_failed_mail_is_tried_again_later(transport, now):
    transport.answers = [smtplib.SMTPDataError(451, b"try later")]
    row = rendered()

    tally = drain()

    row.refresh_from_db()
    assert (tally.sent, tally.failed) == (0, 1)
    assert (row.state, row.attempts) == (State.QUEUED, 1)
    assert "451" in row.last_error
    assert timedelta(seconds=40) < row.next_attempt_at - now < timedelta(seconds=90)


def test_mail_that_the_backend_did_not_take_is_not_sent(transport):
    transport.answers = [0]
    row = rendered()

    drain()

    row.refresh_from_db()
    assert (row.state, row.attempts) == (State.QUEUED, 1)


def test_mail_goes_to_the_address_its_person_has_now(event, attendee):
    book_ticket(event, holder=attendee)
    attendee.email = "moved@example.org"
    attendee.save(update_fields=["email"])

    drain()

    assert [message.to for message in mail.outbox] == [["moved@example.org"]]


def test_mail_to_a_closed_account_is_dropped(event, attendee):
    book_ticket(event, holder=attendee)
    attendee.is_active = False
    attendee.save(update_fields=["is_active"])

    assert drain().dropped == 1
    assert subjects() == []
    assert list(OutgoingEmail.objects.values_list("address", "context")) == [("", {})]


def test_later_success_clears_the_error(transport):
    transport.answers = [smtplib.SMTPDataError(451, b"try later")]
    row = rendered()
    drain()
    OutgoingEmail.objects.update(next_attempt_at=timezone.now())

    drain()

    row.refresh_from_db()
    assert (row.state, row.attempts, row.last_error) == (State.SENT, 2, "")


def test_one_bad_mail_keeps_no_other(transport):
    transport.answers = [None, smtplib.SMTPDataError(451, b"try later"), None]
    for number in range(3):
        rendered(str(number))

    assert (drain().sent, len(subjects())) == (2, 2)


def test_mail_that_cannot_be_composed_keeps_no_other(now):
    rendered(kind="gone.kind", message=b"", next_attempt_at=now - timedelta(minutes=1))
    rendered("fine")

    tally = drain()

    assert (tally.sent, tally.failed) == (1, 1)
    assert subjects() == ["fine"]


def test_mail_is_parked_after_the_last_attempt(transport, caplog):
    transport.answers = [smtplib.SMTPDataError(451, b"never")]
    row = rendered(attempts=sending.MAX_ATTEMPTS - 1)

    drain()

    row.refresh_from_db()
    assert row.state == State.PARKED
    assert bytes(row.message) != b""
    assert "a@example.org" not in caplog.text


@pytest.mark.parametrize(
    "error",
    [
        smtplib.SMTPDataError(554, b"no"),
        smtplib.SMTPRecipientsRefused({"a@example.org": (550, b"unknown")}),
    ],
)
def test_mail_that_the_server_will_never_take_is_parked_at_once(transport, error):
    transport.answers = [error]
    row = rendered()

    drain()

    row.refresh_from_db()
    assert (row.state, row.attempts) == (State.PARKED, 1)


@pytest.mark.parametrize(
    "error",
    [
        smtplib.SMTPRecipientsRefused({"a@example.org": (450, b"greylisted")}),
        smtplib.SMTPSenderRefused(530, b"authentication required", "e@example.org"),
        smtplib.SMTPServerDisconnected("gone"),
        TimeoutError("slow"),
        RuntimeError("a fault of ours"),
    ],
)
def test_passing_trouble_parks_nothing(transport, error):
    transport.answers = [error, error]
    row = rendered()

    drain()

    row.refresh_from_db()
    assert row.state == State.QUEUED


def test_pauses_grow_to_hours():
    pauses = [sending.pause_after(attempts) for attempts in (1, 2, 5, 9)]

    assert timedelta(seconds=48) <= pauses[0] <= timedelta(seconds=72)
    assert timedelta(seconds=96) <= pauses[1] <= timedelta(seconds=144)
    assert timedelta(minutes=12) <= pauses[2] <= timedelta(minutes=20)
    assert timedelta(hours=3) <= pauses[3] <= timedelta(hours=6)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (smtplib.SMTPDataError(451, b"4.7.1 try\r\nlater"), "SMTPDataError: 451 4.7.1 try later"),
        (
            smtplib.SMTPRecipientsRefused({"a@example.org": (550, b"unknown")}),
            "SMTPRecipientsRefused: 550 unknown",
        ),
        (TimeoutError("timed out"), "TimeoutError: timed out"),
    ],
)
def test_error_is_described_in_the_servers_words(error, words):
    assert sending.describe(error) == words


def test_one_connection_carries_many_mails(transport):
    for number in range(3):
        rendered(str(number))

    drain()

    assert (len(subjects()), transport.opened) == (3, 1)


@pytest.mark.parametrize(
    "error",
    [smtplib.SMTPServerDisconnected("idle"), smtplib.SMTPSenderRefused(421, b"enough", "e@x")],
)
def test_server_that_hangs_up_a_used_connection_is_called_again(transport, error):
    transport.answers = [None, error, None]
    for number in range(2):
        rendered(str(number))

    tally = drain()

    assert (tally.sent, tally.failed, transport.opened) == (2, 0, 2)


def test_unreachable_server_counts_against_no_mail(settings):
    settings.TRANSPORT_BACKEND = "notifications.backends.SmtpBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    for _n in range(2):
        rendered()

    for _time in range(sending.MAX_ATTEMPTS + 1):
        with pytest.raises(MailServerUnavailable):
            Sender().step()

    rows = OutgoingEmail.objects.all()
    assert {(row.state, row.attempts, row.leased_by) for row in rows} == {(State.QUEUED, 0, None)}
    assert all("Connection refused" in row.last_error for row in rows)


def test_stopping_finishes_the_mail_in_hand_and_puts_the_rest_back(transport):
    for number in range(3):
        rendered(str(number))
    sender = Sender(should_stop=lambda: bool(mail.outbox))

    sender.step()

    assert len(subjects()) == 1
    waiting = OutgoingEmail.objects.filter(state=State.QUEUED)
    assert [(row.attempts, row.leased_by) for row in waiting] == [(0, None), (0, None)]


def test_busy_database_is_asked_again_to_mark(monkeypatch):
    row = rendered()
    [mine] = claim()
    asked = []

    def busy(*where, **values):
        asked.append(values)
        if len(asked) < sending.MARK_ATTEMPTS:
            raise OperationalError("database is locked")
        return change(*where, **values)

    monkeypatch.setattr(sending, "change", busy)

    sending.mark(mine, state=State.SENT)

    row.refresh_from_db()
    assert (len(asked), row.state) == (sending.MARK_ATTEMPTS, State.SENT)


def test_broken_database_is_no_busy_one(monkeypatch):
    rendered()
    [mine] = claim()

    def broken(*where, **values):
        raise OperationalError("disk I/O error")

    monkeypatch.setattr(sending, "change", broken)

    with pytest.raises(OperationalError):
        sending.mark(mine, state=State.SENT)


def test_counts_tell_due_later_sending_and_parked(now):
    rendered()
    rendered(next_attempt_at=now + timedelta(hours=1))
    rendered(state=State.SENDING, leased_until=now + timedelta(hours=1))
    rendered(state=State.PARKED)
    rendered(state=State.SENT)

    assert sending.due_counts() == {"due": 1, "later": 1, "sending": 1, "parked": 1}
