"""The way into the outbox, and mail files (SPEC 5)."""

import email
import stat
from email import policy

import pytest
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import transaction

from notifications.models import OutgoingEmail
from notifications.services import queue_rendered
from tests.accounts.factories import UserFactory
from tests.notifications.smtp import Mailbox, smtp_server

pytestmark = pytest.mark.django_db

OUTBOX = "notifications.backends.OutboxBackend"
FILES = "notifications.backends.EmlFileBackend"
SMTP = "notifications.backends.SmtpBackend"


def confirmation(*to):
    message = EmailMultiAlternatives(
        "Confirm – please",
        "Grüße: https://evento.example/confirm/secret-key/",
        "Evento <tickets@evento.example>",
        list(to),
    )
    message.attach_alternative("<p>Grüße</p>", "text/html")
    return message


def test_mail_of_django_becomes_a_row_and_is_not_sent(mailoutbox):
    person = UserFactory()

    sent = get_connection(OUTBOX).send_messages([confirmation(person.email)])

    row = OutgoingEmail.objects.get()
    assert sent == 1
    assert mailoutbox == []
    assert (row.recipient, row.address, row.state) == (person, person.email, "queued")
    assert row.context == {}
    assert b"secret-key" in bytes(row.message)


def test_each_address_gets_its_own_row():
    get_connection(OUTBOX).send_messages([confirmation("a@example.org", "b@example.org")])

    assert sorted(OutgoingEmail.objects.values_list("address", flat=True)) == [
        "a@example.org",
        "b@example.org",
    ]


def test_mail_of_a_rolled_back_transaction_is_no_mail():
    with transaction.atomic():
        get_connection(OUTBOX).send_messages([confirmation("a@example.org")])
        transaction.set_rollback(True)

    assert OutgoingEmail.objects.count() == 0


def test_rendered_mail_goes_out_as_it_was_written(send_due):
    get_connection(OUTBOX).send_messages([confirmation("a@example.org")])
    written = bytes(OutgoingEmail.objects.get().message)

    [message] = send_due()

    assert message.recipients() == ["a@example.org"]
    assert message.from_email == "Evento <tickets@evento.example>"
    assert message.message().as_bytes() == written
    assert "Grüße" in message.message().get_payload()[0].get_payload(decode=True).decode()
    assert bytes(OutgoingEmail.objects.get().message) == b""


def test_rendered_mail_keeps_its_message_id_over_attempts(send_due):
    get_connection(OUTBOX).send_messages([confirmation("a@example.org")])
    [first] = (email.message_from_bytes(bytes(row.message)) for row in OutgoingEmail.objects.all())

    [message] = send_due()

    assert message.message()["Message-ID"] == first["Message-ID"]


def test_mail_to_an_address_being_verified_is_tied_to_its_person():
    person = UserFactory()
    person.emailaddress_set.create(email="next@example.org", verified=False, primary=False)

    queue_rendered("next@example.org", b"Subject: Confirm\n\nkey\n")

    row = OutgoingEmail.objects.get()
    assert (row.recipient, row.address) == (person, "next@example.org")


def test_rendered_mail_goes_to_its_address_and_not_to_the_persons_own(send_due):
    person = UserFactory()
    person.emailaddress_set.create(email="next@example.org", verified=False, primary=False)
    queue_rendered("next@example.org", b"Subject: Confirm\n\nkey\n")

    assert [message.to for message in send_due()] == [["next@example.org"]]


def test_mail_file_is_one_readable_message_for_its_owner_alone(settings):
    get_connection(FILES).send_messages([confirmation("a@example.org")])
    get_connection(FILES).send_messages([confirmation("b@example.org")])

    files = sorted(settings.MAIL_FILES_DIR.iterdir())
    messages = [
        email.message_from_bytes(file.read_bytes(), policy=policy.default) for file in files
    ]
    assert [file.suffix for file in files] == [".eml", ".eml"]
    assert [message["To"] for message in messages] == ["a@example.org", "b@example.org"]
    assert messages[0]["Subject"] == "Confirm – please"
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "address",
    [
        "ada.l+x@example.org",
        "Ada@Example.ORG",
        "ada@exämple.org",
        '"a b"@example.org',
        "Zoë <zoe@example.org>",
        "zoë@example.org",
    ],
)
def test_envelope_is_the_one_of_django(address):
    message = EmailMultiAlternatives("Hi", "Hi", "Zoë’s tickets <zoë@exämple.org>", [address])

    def envelope(backend):
        with (
            smtp_server(Envelopes()) as (server, port),
            get_connection(backend, host="127.0.0.1", port=port) as connection,
        ):
            assert connection.send_messages([message]) == 1
        return server.envelopes

    assert envelope(SMTP) == envelope("django.core.mail.backends.smtp.EmailBackend") != []


def test_smtp_backend_that_is_not_open_opens_and_closes_itself():
    with smtp_server() as (mailbox, port):
        connection = get_connection(SMTP, host="127.0.0.1", port=port)
        sent = connection.send_messages([confirmation("a@example.org")])

    assert (sent, mailbox.recipients) == (1, ["a@example.org"])
    assert connection.connection is None


class Envelopes(Mailbox):
    """Notes who sends to whom."""

    def __init__(self):
        super().__init__()
        self.envelopes = []

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802
        self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
        return "250 OK"
