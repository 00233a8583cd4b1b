"""Mail servers that fall silent, refuse, say "later" or hang up, at each step of a mail: nothing is lost.

`faulty_smtp.py` is the server. What it will never take is parked, where staff see it and send it again.
"""

import itertools
import socket
from collections import Counter

import pytest
from django.utils import timezone

from evento.statements import Rows
from notifications.models import OutgoingEmail
from notifications.sender import MAX_ATTEMPTS, MailServerUnavailable, drain, due_counts
from tests.patience import PATIENCE
from tests.proof import figures
from tests.proof.faulty_smtp import STEPS, WORDS, faulty_smtp
from tests.tickets.factories import TicketFactory
from tickets.notices import BOOKED
from tickets.receivers import tell_booked

pytestmark = pytest.mark.django_db

MAILS = 3
FAULTS = [
    (step, fault)
    for step, fault in itertools.product(STEPS, ["falls silent", "hangs up", *WORDS])
    if not (step == "message" and fault in WORDS)  # nobody answers half-way
]
# A refusal that is about one mail. Any other is about the site, and all mail waits until it is mended.
ABOUT_ONE_MAIL = {("rcpt", "refuses"), ("data", "refuses"), ("end", "refuses")}
ARRIVED_UNANSWERED = {("end", "falls silent"), ("end", "hangs up")}
TRIED = Counter()
IMPATIENT = 0.2  # seconds


@pytest.fixture
def mails(settings):
    """Mails about tickets, due now, over SMTP; the server's port is still to be said."""
    settings.TRANSPORT_BACKEND = "notifications.backends.SmtpBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_TIMEOUT = PATIENCE
    for ticket in TicketFactory.create_batch(MAILS):
        rows = Rows()
        tell_booked(None, ticket=ticket, rows=rows)
        rows.store()
    return OutgoingEmail.objects.filter(kind=BOOKED)


def send_as_time_passes(mails, *, rounds):
    """What workers do, again and again; each round is after every pause."""
    for _n in range(rounds):
        mails.filter(state="queued").update(next_attempt_at=timezone.now())
        try:
            drain()
        except MailServerUnavailable:
            continue
        if not mails.filter(state="queued").exists():
            return


@pytest.fixture
def impatient_for_silence(settings):
    """Give up soon while the server is to fall silent `times` more, and then no more.

    On a slow machine those whom it serves would give up too. What to call at each silence.
    """

    def begin(times):
        silences = itertools.count(1)

        def on_silence():
            if next(silences) == times:
                settings.EMAIL_TIMEOUT = PATIENCE

        settings.EMAIL_TIMEOUT = IMPATIENT
        return on_silence

    return begin


def states(mails):
    return Counter(mails.values_list("state", flat=True))


@pytest.mark.parametrize("times", [1, 2] if figures.FULL else [1])
@pytest.mark.parametrize(("step", "fault"), FAULTS)
def test_mail_server_that_goes_wrong_loses_nothing(
    settings, mails, impatient_for_silence, step, fault, times
):
    options = {"on_silence": impatient_for_silence(times)} if fault == "falls silent" else {}
    with faulty_smtp(step, fault, times=times, **options) as server:
        settings.EMAIL_PORT = server.port
        send_as_time_passes(mails, rounds=6)

    parked = times if (step, fault) in ABOUT_ONE_MAIL else 0
    repeated = times if (step, fault) in ARRIVED_UNANSWERED else 0
    assert states(mails) == Counter({"sent": MAILS - parked, "parked": parked})
    assert due_counts()["parked"] == parked
    assert len(set(server.arrived)) == MAILS - parked
    # Only what had arrived and was not answered for comes again, as the same mail.
    assert len(server.arrived) == MAILS - parked + repeated
    TRIED[fault] += 1
    figures.record("smtp", TRIED)


@pytest.mark.parametrize("step", ["rcpt", "data", "end"])
def test_server_that_says_later_for_ever_parks_mails_with_its_words_for_staff(
    settings, mails, step, staff, client
):
    with faulty_smtp(step, "says later", times=-1) as server:
        settings.EMAIL_PORT = server.port
        send_as_time_passes(mails, rounds=MAX_ATTEMPTS)

    assert server.arrived == []
    assert set(mails.values_list("state", "attempts")) == {("parked", MAX_ATTEMPTS)}
    client.force_login(staff)
    page = client.get("/admin/notifications/outgoingemail/", {"state__exact": "parked"})
    assert page.status_code == 200
    for mail in mails:
        assert mail.address in page.content.decode()
        assert "451 4.3.0 try again later" in mail.last_error


def test_parked_mail_that_staff_send_again_arrives(settings, mails, staff, client):
    with faulty_smtp("rcpt", "refuses", times=MAILS) as server:
        settings.EMAIL_PORT = server.port
        send_as_time_passes(mails, rounds=2)
        assert states(mails) == {"parked": MAILS}
        client.force_login(staff)
        keys = [str(mail.pk) for mail in mails]
        client.post(
            "/admin/notifications/outgoingemail/",
            {"action": "send_again", "_selected_action": keys},
        )
        send_as_time_passes(mails, rounds=2)

    assert states(mails) == {"sent": MAILS}
    assert len(server.arrived) == MAILS


@pytest.mark.parametrize("step", ["banner", "ehlo"])
@pytest.mark.parametrize("fault", ["falls silent", "hangs up", *WORDS])
def test_server_that_lets_nobody_in_is_waited_for_however_long(settings, mails, step, fault):
    settings.EMAIL_TIMEOUT = IMPATIENT
    with faulty_smtp(step, fault, times=-1) as server:
        settings.EMAIL_PORT = server.port
        send_as_time_passes(mails, rounds=MAX_ATTEMPTS + 2)

    assert set(mails.values_list("state", "attempts")) == {("queued", 0)}


def test_server_that_wants_no_mail_of_this_sender_for_now_is_waited_for(settings, mails):
    with faulty_smtp("mail", "says later", times=-1) as server:
        settings.EMAIL_PORT = server.port
        send_as_time_passes(mails, rounds=MAX_ATTEMPTS + 2)

    assert set(mails.values_list("state", "attempts")) == {("queued", 0)}
    assert any("451 4.3.0 try again later" in mail.last_error for mail in mails)


def test_server_that_is_not_there_is_waited_for_however_long(settings, mails):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        settings.EMAIL_PORT = taken.getsockname()[1]
        send_as_time_passes(mails, rounds=MAX_ATTEMPTS + 2)

    assert set(mails.values_list("state", "attempts")) == {("queued", 0)}
