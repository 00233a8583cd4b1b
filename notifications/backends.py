"""Mail backends: the way into the outbox, and mail files for trying Evento without a mail server."""

import os
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction

from notifications.services import queue_rendered


class OutboxBackend(BaseEmailBackend):
    """Django's EMAIL_BACKEND: allauth's mails become rows of the outbox, in the caller's transaction."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        with transaction.atomic():
            for message in email_messages:
                raw = message.message().as_bytes()
                for address in message.recipients():
                    queue_rendered(address, raw)
        return len(email_messages)


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
