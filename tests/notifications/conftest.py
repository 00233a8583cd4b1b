import pytest
from django.core import mail

from notifications.sender import Sender


@pytest.fixture
def send_due(db):
    """Expand and send everything that is due; the messages that went out."""

    def send():
        before = len(mail.outbox)
        sender = Sender()
        while sender.step():
            pass
        sender.close()
        return mail.outbox[before:]

    return send
