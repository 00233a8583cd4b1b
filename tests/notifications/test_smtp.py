"""Mails over a real SMTP server, as they arrive (SPEC 5)."""

import pytest
from aiosmtpd.smtp import SMTP

from events.services import cancel_event
from notifications.models import OutgoingEmail
from notifications.sender import drain
from notifications.services import queue_rendered
from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory
from tests.notifications.smtp import Mailbox, smtp_server
from tests.tickets.factories import TicketFactory
from tickets.services import book_ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def by_smtp(settings):
    """Send to a server that a test has started."""

    def use(port):
        settings.TRANSPORT_BACKEND = "notifications.backends.SmtpBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""

    return use


def test_ticket_arrives_whole(by_smtp):
    event = EventFactory(title="Bats & owls – Nachtführung", location="Łódź, gate 4")
    person = UserFactory(display_name="Zoë")
    ticket = book_ticket(event, holder=person).ticket

    with smtp_server() as (mailbox, port):
        by_smtp(port)
        drain()

    [message] = mailbox.messages()
    row = OutgoingEmail.objects.get()
    assert mailbox.recipients == [person.email]
    assert message["Subject"] == "Your ticket for Bats & owls – Nachtführung"
    assert str(row.pk) in message["Message-ID"]
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe"] is None
    plain = message.get_body(("plain",)).get_content()
    rich = message.get_body(("html",)).get_content()
    for text in (plain, rich):
        assert ticket.code_in_groups in text
        assert "Łódź, gate 4" in text
    assert "Zoë" in plain
    types = [part.get_content_type() for part in message.walk()]
    assert types == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "text/calendar",
        "text/calendar",
    ]
    assert row.state == "sent"


def test_title_with_line_breaks_adds_no_header(by_smtp):
    event = EventFactory(title="Owls\r\nBcc: victim@example.org\r\n\r\nBody")
    person = TicketFactory(event=event).holder
    cancel_event(event, by=None)

    with smtp_server() as (mailbox, port):
        by_smtp(port)
        drain()

    [message] = mailbox.messages()
    assert mailbox.recipients == [person.email]
    assert message["Bcc"] is None
    assert message["Subject"] == "Cancelled: Owls Bcc: victim@example.org Body"


def test_account_mail_arrives_as_it_was_written(by_smtp):
    written = "Subject: Confirm\r\nTo: a@example.org\r\n\r\nOpen https://x.example/ – now\r\n"
    queue_rendered("a@example.org", written.encode())

    with smtp_server() as (mailbox, port):
        by_smtp(port)
        drain()

    assert mailbox.deliveries[0][2] == written.encode()


def test_many_mails_share_one_connection(by_smtp):
    event = EventFactory()
    TicketFactory.create_batch(60, event=event)
    cancel_event(event, by=None)

    with smtp_server() as (mailbox, port):
        by_smtp(port)
        tally = drain()

    assert (tally.sent, len(mailbox.message_ids), len(mailbox.connections)) == (60, 60, 1)


class Choosy(Mailbox):
    """Refuses one address for good and another one for now."""

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802
        if address.startswith("gone@"):
            return "550 5.1.1 no such mailbox"
        if address.startswith("grey@"):
            return "450 4.2.0 greylisted"
        envelope.rcpt_tos.append(address)
        return "250 OK"


def test_refused_address_is_parked_greylisted_one_waits_others_arrive(by_smtp):
    for name in ("gone", "grey", "fine"):
        queue_rendered(f"{name}@example.org", b"Subject: Hello\n\nHello\n")

    with smtp_server(Choosy()) as (mailbox, port):
        by_smtp(port)
        drain()

    states = dict(OutgoingEmail.objects.values_list("address", "state"))
    assert mailbox.recipients == ["fine@example.org"]
    assert states == {
        "gone@example.org": "parked",
        "grey@example.org": "queued",
        "fine@example.org": "sent",
    }
    parked = OutgoingEmail.objects.get(state="parked")
    assert "550" in parked.last_error
    assert parked.attempts == 1


class Grumpy(Mailbox):
    """Ends each connection after two mails, as some servers do."""

    async def handle_MAIL(self, server: SMTP, session, envelope, address, _options):  # noqa: N802
        taken = [peer for peer in self.peers if peer == session.peer]
        if len(taken) >= 2:
            return "421 4.7.0 enough for one connection"
        self.peers.append(session.peer)
        envelope.mail_from = address
        return "250 OK"

    def __init__(self):
        super().__init__()
        self.peers = []


def test_server_with_a_limit_for_each_connection_gets_them_all(by_smtp):
    for number in range(5):
        queue_rendered(f"{number}@example.org", b"Subject: Hello\n\nHello\n")

    with smtp_server(Grumpy()) as (mailbox, port):
        by_smtp(port)
        tally = drain()

    assert (tally.sent, tally.failed, len(mailbox.deliveries)) == (5, 0, 5)
    assert len(mailbox.connections) == 3
