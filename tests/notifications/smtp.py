"""A real SMTP server for tests (aiosmtpd), which can kill its client at a chosen mail."""

import contextlib
import email
import os
import signal
import threading
from email import policy

from aiosmtpd.controller import Controller

from tests.patience import PATIENCE
from tests.ports import free_port

WAIT_SECONDS = 600  # for thousands of mails


class Mailbox:
    """What the server has accepted. `kill(pid, at=n, accept=...)` ends the client at the nth mail."""

    def __init__(self):
        self.deliveries = []
        self.connections = set()
        self._changed = threading.Condition()
        self._kill = None

    async def handle_DATA(self, _server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.connections.add(session.peer)
        pid = self._due_to_die()
        if pid is None or self._kill_after:
            self._accept(envelope)
        if pid is not None:
            self._kill = None
            os.kill(pid, signal.SIGKILL)
        return "250 OK"

    def kill(self, pid, *, at, accept):
        """SIGKILL `pid` when it hands over the mail that would be the `at`th. With `accept` the mail
        has arrived by then but is not marked; without, it has not arrived.
        """
        self._kill_after = accept
        self._kill = (pid, at)

    def wait_for(self, count):
        """Until so many different messages have arrived."""
        with self._changed:
            arrived = self._changed.wait_for(
                lambda: len(self.message_ids) >= count, timeout=WAIT_SECONDS
            )
        assert arrived, f"{len(self.message_ids)} of {count} mails arrived"

    def mail_to(self, address, *, number=1):
        """The mail that is the `number`th to `address`, once it has arrived."""

        def theirs():
            found = zip(self.messages(), self.recipients, strict=True)
            return [message for message, to in found if to == address]

        with self._changed:
            arrived = self._changed.wait_for(lambda: len(theirs()) >= number, timeout=WAIT_SECONDS)
        assert arrived, f"{len(theirs())} of {number} mails to {address} arrived"
        return theirs()[number - 1]

    @property
    def message_ids(self):
        return {message_id for message_id, _to, _content in self.deliveries}

    @property
    def recipients(self):
        return [to for _message_id, to, _content in self.deliveries]

    def messages(self):
        return [
            email.message_from_bytes(content, policy=policy.default)
            for _message_id, _to, content in self.deliveries
        ]

    def _due_to_die(self):
        if self._kill is None or len(self.deliveries) + 1 < self._kill[1]:
            return None
        return self._kill[0]

    def _accept(self, envelope):
        message = email.message_from_bytes(envelope.content)
        with self._changed:
            for to in envelope.rcpt_tos:
                self.deliveries.append((message["Message-ID"], to, envelope.content))
            self._changed.notify_all()


@contextlib.contextmanager
def smtp_server(mailbox=None):
    """A running server: its mailbox and its port."""
    mailbox = mailbox or Mailbox()
    port = free_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, ready_timeout=PATIENCE)
    controller.start()
    try:
        yield mailbox, port
    finally:
        controller.stop()
