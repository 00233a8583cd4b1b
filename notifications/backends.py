"""Mail backends: the way into the outbox, and mail files for trying Evento without a mail server."""

import functools
import os
import re
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend
from django.core.mail.message import sanitize_address
from django.db import transaction

from notifications.services import queue_rendered

# An address that is written as it stands.
_PLAIN = re.compile(r"[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


class OutboxBackend(BaseEmailBackend):
    """Django's EMAIL_BACKEND: allauth's mails become rows of the outbox, in the caller's transaction."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        with transaction.atomic():
            for message in email_messages:
                raw = message.message().as_bytes()
                for address in message.recipients():
                    queue_rendered(address, raw)
        return len(email_messages)


class SmtpBackend(EmailBackend):
    """Django's, which takes each address apart by a whole grammar: a sixth of what a mail costs."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        if self.connection is None:
            return super().send_messages(email_messages)
        for message in email_messages:
            self.connection.sendmail(
                _sender(message.from_email),
                [it if _PLAIN.fullmatch(it) else _sanitized(it) for it in message.recipients()],
                message.message().as_bytes(linesep="\r\n"),  # type: ignore[call-arg] # of Django's own parts
            )
        return len(email_messages)


def _sanitized(address: str) -> str:
    return sanitize_address(address, settings.DEFAULT_CHARSET)


_sender = functools.lru_cache(maxsize=10)(_sanitized)


class EmlFileBackend(BaseEmailBackend):
    """Writes each mail as one `.eml` file into MAIL_FILES_DIR, whole or not at all."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        directory = Path(settings.MAIL_FILES_DIR)
        directory.mkdir(parents=True, exist_ok=True)
        for message in email_messages:
            self._write(directory, message.message().as_bytes())
        return len(email_messages)

    @staticmethod
    def _write(directory: Path, content: bytes) -> None:
        moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
        # Readable by its owner only: mails hold links that sign in and codes that admit.
        handle, name = tempfile.mkstemp(prefix=f"{moment}-", suffix=".tmp", dir=directory)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(Path(name).with_suffix(".eml"))
