"""The sender: claims what is due in the outbox, sends it, marks it (SPEC 5, DESIGN "Telling people").

Delivery is at least once. A row is claimed by a lease that outlives the mail server's timeouts, and
marked by a guarded UPDATE that only the lease's owner can make. Whatever a dead worker had claimed is
due again when its lease runs out; a mail that was sent but not marked is repeated with the same
Message-ID.
"""

import contextlib
import logging
import secrets
import smtplib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import OperationalError, transaction
from django.db.models import F, Q
from django.utils import timezone

from evento.database import is_conflict
from evento.statements import change
from notifications.expanding import expand_next
from notifications.mail import compose, stored
from notifications.models import OutgoingEmail
from notifications.reading import Reader

logger = logging.getLogger("notifications")

BATCH = 50
# One mail is several exchanges with the server, each of which may take EMAIL_TIMEOUT.
LEASE_IN_TIMEOUTS = 8
MAX_ATTEMPTS = 10
# A minute, then twice as long each time: the tenth attempt comes some eight hours after the first.
FIRST_PAUSE = timedelta(minutes=1)
SERVICE_NOT_AVAILABLE = 421
MARK_ATTEMPTS = 3

State = OutgoingEmail.State


class MailServerUnavailable(Exception):
    """The mail server cannot be reached. No mail's fault: nothing is counted, all of it waits."""


@dataclass
class Tally:
    """What became of the mails of one sender."""

    sent: int = 0
    failed: int = 0
    dropped: int = 0


class Sender:
    """Sends over one reused connection. `should_stop` is asked between mails."""

    def __init__(self, should_stop: Callable[[], bool] = lambda: False) -> None:
        self.tally = Tally()
        self._should_stop = should_stop
        self._connection: BaseEmailBackend | None = None
        self._reader = Reader()

    def step(self) -> bool:
        """Expand one chunk of announcements and send one batch of mails. Whether there was work.

        Raises MailServerUnavailable; then the batch is back in the outbox.
        """
        now = timezone.now()
        expanded = expand_next(now)
        free_expired_leases(now)
        mails = claim(now)
        if not mails:
            self.close()
            return expanded
        self._send_batch(mails)
        return True

    def close(self) -> None:
        """Close the connection; a server that says goodbye badly is no error."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.close()

    def _send_batch(self, mails: list[OutgoingEmail]) -> None:
        for n, mail in enumerate(mails):
            rest = mails[n:]
            if self._should_stop():
                release(rest)
                return
            if not keep_lease(mail, rest):
                continue  # another worker has it by now
            try:
                self._send_one(mail, rest)
            except MailServerUnavailable as error:
                release(rest, error=str(error))
                raise

    def _send_one(self, mail: OutgoingEmail, rest: list[OutgoingEmail]) -> None:
        try:
            message = self._message(mail, rest)
            if message is None:
                mark(mail, state=State.DROPPED, message=b"", last_error="", **_forgotten(mail))
                self.tally.dropped += 1
                return
            self._transmit(message)
        except MailServerUnavailable:
            raise
        except Exception as error:  # one bad mail must not keep the others
            if is_about_all_mails(error):
                self.close()
                raise MailServerUnavailable(describe(error)) from error
            self.tally.failed += 1
            fail(mail, error)
            return
        mark(mail, state=State.SENT, sent_at=timezone.now(), message=b"", last_error="")
        self.tally.sent += 1

    def _message(self, mail: OutgoingEmail, rest: list[OutgoingEmail]) -> EmailMessage | None:
        """What to send, from what is stored now; None when its cause is gone."""
        if mail.message:
            return stored(mail)
        letter = self._reader.letter(mail, rest)
        return None if letter is None else compose(mail, letter)

    def _transmit(self, message: EmailMessage) -> None:
        """Send; a server that has ended a used connection is called once more on a new one."""
        is_used = self._connection is not None
        try:
            taken = self._open().send_messages([message])
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            if not (is_used and was_hung_up(error)):
                raise
            taken = self._open().send_messages([message])
        if taken == 0:
            raise OSError("The mail backend did not take the mail.")

    def _open(self) -> BaseEmailBackend:
        if self._connection is None:
            connection = get_connection(settings.TRANSPORT_BACKEND)
            try:
                connection.open()
                _greet(connection)
            except (OSError, smtplib.SMTPException) as error:
                with contextlib.suppress(OSError):
                    connection.close()
                raise MailServerUnavailable(describe(error)) from error
            self._connection = connection
        return self._connection


def _greet(connection: BaseEmailBackend) -> None:
    """Say EHLO now: a server that refuses it refuses this site. With the first mail it would count as its."""
    server = getattr(connection, "connection", None)
    if isinstance(server, smtplib.SMTP):
        server.ehlo_or_helo_if_needed()


def drain() -> Tally:
    """Expand and send everything that is due now. Raises MailServerUnavailable."""
    sender = Sender()
    try:
        while sender.step():
            pass
    finally:
        sender.close()
    return sender.tally


def claim(now: datetime) -> list[OutgoingEmail]:
    """Take a batch of due mails for this worker, people who wait first; empty when there are none."""
    due = OutgoingEmail.objects.filter(state=State.QUEUED, next_attempt_at__lte=now)
    # Asking first keeps SQLite's one write lock free while there is nothing to do.
    if not due.exists():
        return []
    with transaction.atomic():
        rows = due.select_for_update(skip_locked=True).order_by("priority", "next_attempt_at")
        mails = list(rows[:BATCH])
        lease = {"state": State.SENDING, "leased_by": uuid.uuid4(), "leased_until": _lease_end()}
        due.filter(pk__in=[mail.pk for mail in mails]).update(attempts=F("attempts") + 1, **lease)
    for mail in mails:
        mail.attempts += 1
        for name, value in lease.items():
            setattr(mail, name, value)
    return mails


def free_expired_leases(now: datetime) -> None:
    """Make due again what a worker had claimed when it died; park what kills workers again and again."""
    expired = OutgoingEmail.objects.filter(state=State.SENDING, leased_until__lt=now)
    if not expired.exists():
        return
    expired.filter(attempts__gte=MAX_ATTEMPTS).update(
        state=State.PARKED, leased_by=None, last_error="The worker stopped while sending this mail."
    )
    expired.update(state=State.QUEUED, leased_by=None)


def keep_lease(mail: OutgoingEmail, rest: list[OutgoingEmail]) -> bool:
    """Whether `mail` is still this worker's for long enough to send it; extends the batch's lease."""
    until = mail.leased_until
    if until is not None and until - timezone.now() > _lease() / 2:
        return True
    end = _lease_end()
    held = OutgoingEmail.objects.filter(
        pk__in=[row.pk for row in rest], leased_by=mail.leased_by, state=State.SENDING
    )
    held.update(leased_until=end)
    ours = set(held.values_list("pk", flat=True))
    for row in rest:
        if row.pk in ours:
            row.leased_until = end
    return mail.pk in ours


def release(mails: list[OutgoingEmail], *, error: str = "") -> None:
    """Put claimed mails back as if they had not been tried."""
    held = OutgoingEmail.objects.filter(
        pk__in=[mail.pk for mail in mails], leased_by=mails[0].leased_by, state=State.SENDING
    )
    held.update(
        state=State.QUEUED, attempts=F("attempts") - 1, leased_by=None, last_error=error[:500]
    )


def mark(mail: OutgoingEmail, **values: object) -> None:
    """Write what became of a mail, if it is still this worker's; a busy database is asked again."""
    # Unless another worker has claimed it since.
    held = {"id": mail.pk, "leased_by": mail.leased_by, "state": State.SENDING}
    for attempt in range(1, MARK_ATTEMPTS + 1):
        try:
            marked = change(OutgoingEmail, held, leased_by=None, **values)
        except OperationalError as error:
            if attempt == MARK_ATTEMPTS or not is_conflict(error):
                raise
        else:
            if not marked:
                logger.warning("Mail %s was no longer this worker's when it was marked", mail.pk)
            return


def _forgotten(mail: OutgoingEmail) -> dict[str, Any]:
    """Nothing is kept of a person whose account closed while this mail was being written."""
    if mail.recipient is None or mail.recipient.is_active:
        return {}
    return {"address": "", "context": {}}


def fail(mail: OutgoingEmail, error: Exception) -> None:
    """Note a failed attempt: try again later, or park the mail for staff to see."""
    if is_permanent(error) or mail.attempts >= MAX_ATTEMPTS:
        mark(mail, state=State.PARKED, last_error=describe(error))
        # Not of what kind it is: the log is no place to read that somebody booked.
        logger.warning("Mail %s is parked: %s", mail.pk, type(error).__name__)
        return
    again_at = timezone.now() + pause_after(mail.attempts)
    mark(mail, state=State.QUEUED, next_attempt_at=again_at, last_error=describe(error))


def pause_after(attempts: int) -> timedelta:
    """Exponential back-off, with jitter so that what failed together does not return together."""
    return FIRST_PAUSE * 2 ** (attempts - 1) * secrets.SystemRandom().uniform(0.8, 1.2)


def is_permanent(error: Exception) -> bool:
    """Whether the mail server said that it will never take this mail (5xx).

    A refused sender is another matter: every mail has the same one, so what is wrong is the site's
    settings, and once they are mended all of it goes out by itself.
    """
    if isinstance(error, smtplib.SMTPSenderRefused):
        return False
    codes = _reply_codes(error)
    return bool(codes) and all(500 <= code < 600 for code in codes)


def is_about_all_mails(error: Exception) -> bool:
    """Whether the server wants no mail of this sender for now (4xx): every mail has the same one.

    So it may say that there are as many connections as it allows. A refusal for good (5xx) may be about a
    mail's size.
    """
    return isinstance(error, smtplib.SMTPSenderRefused) and 400 <= error.smtp_code < 500


def was_hung_up(error: Exception) -> bool:
    """Whether the server ended the connection, which says nothing about the mail."""
    hung_up = isinstance(error, smtplib.SMTPServerDisconnected)
    return hung_up or SERVICE_NOT_AVAILABLE in _reply_codes(error)


def describe(error: Exception) -> str:
    """An error in one line for staff, without the mail's text: the server's own words if it has any."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        words = "; ".join(_reply(*reply) for reply in error.recipients.values())
    elif isinstance(error, smtplib.SMTPResponseException):
        words = _reply(error.smtp_code, error.smtp_error)
    else:
        words = str(error)
    return " ".join(f"{type(error).__name__}: {words}".split())[:500]


def due_counts() -> dict[str, int]:
    """How many mails are due, wait for a later attempt, are being sent, and are parked."""
    now = timezone.now()
    due = Q(state=State.QUEUED, next_attempt_at__lte=now)
    mails = OutgoingEmail.objects
    return {
        "due": mails.filter(due).count(),
        "later": mails.filter(state=State.QUEUED).exclude(due).count(),
        "sending": mails.filter(state=State.SENDING).count(),
        "parked": mails.filter(state=State.PARKED).count(),
    }


def _reply_codes(error: Exception) -> list[int]:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return [code for code, _reply in error.recipients.values()]
    return [error.smtp_code] if isinstance(error, smtplib.SMTPResponseException) else []


def _reply(code: int, text: bytes | str) -> str:
    words = text.decode(errors="replace") if isinstance(text, bytes) else text
    return f"{code} {words}"


def _lease() -> timedelta:
    return timedelta(seconds=settings.EMAIL_TIMEOUT * LEASE_IN_TIMEOUTS)


def _lease_end() -> datetime:
    return timezone.now() + _lease()
