"""What mails say is read for the next few at once, and never long before they are sent."""

import uuid

import pytest
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.services import close_account
from events.services import cancel_event
from notifications import reading
from notifications.models import OutgoingEmail
from notifications.reading import Reader, letters_of
from notifications.sender import drain
from notifications.services import opt_out
from tests.accounts.factories import UserFactory
from tests.tickets.factories import TicketFactory
from tickets import notices
from tickets.models import HolderMessage
from tickets.services import book_ticket, cancel_ticket

pytestmark = pytest.mark.django_db


class Transport(BaseEmailBackend):
    """A mail server that takes everything; while it takes a mail, a test changes the world."""

    sent: list = []
    meanwhile = None

    def send_messages(self, messages):
        self.sent.extend(messages)
        if type(self).meanwhile is not None:
            type(self).meanwhile()
        return len(messages)


@pytest.fixture
def transport(settings):
    settings.TRANSPORT_BACKEND = f"{__name__}.Transport"
    Transport.sent, Transport.meanwhile = [], None
    return Transport


def row(ticket, kind=notices.CHANGED, **values):
    about = {"ticket": str(ticket.pk), "changes": {}}
    told = {"recipient": ticket.holder, "address": ticket.holder.email, "context": about}
    return OutgoingEmail.objects.create(**told | {"kind": kind, "key": str(uuid.uuid4())} | values)


def later(change):
    """Do this once, while the first mail is being sent."""

    def meanwhile():
        Transport.meanwhile = None
        change()

    return staticmethod(meanwhile)


@pytest.mark.parametrize("kind", [notices.CHANGED, notices.BOOKED, notices.MESSAGE])
def test_ten_mails_are_read_by_as_many_queries_as_one(event, organiser, now, kind):
    message = HolderMessage.objects.create(
        event=event,
        sender=organiser,
        subject="Boots",
        text="Bring some.",
        holder_count=1,
        sent_at=now,
    )
    rows = [row(TicketFactory(event=event), kind) for _n in range(10)]
    for mail in rows:
        mail.context["message"] = str(message.pk)

    def queries(mails):
        with CaptureQueriesContext(connection) as captured:
            letters = letters_of(mails)
        assert None not in letters.values()
        return len(captured)

    assert queries(rows) == queries(rows[:1])


def test_next_few_are_read_together_and_the_others_later(event, monkeypatch):
    monkeypatch.setattr(reading, "TOGETHER", 2)
    monkeypatch.setattr(reading, "FRESH_SECONDS", 3600)
    rows = [row(TicketFactory(event=event)) for _n in range(3)]
    reader, queries = Reader(), []
    for n, mail in enumerate(rows):
        with CaptureQueriesContext(connection) as captured:
            assert reader.letter(mail, rows[n:]) is not None
        queries.append(len(captured))

    assert queries[0] == queries[2] > 0
    assert queries[1] == 0


@pytest.mark.parametrize("seconds", [-1, 60])
def test_ticket_given_back_while_another_mail_is_sent(event, transport, monkeypatch, seconds):
    monkeypatch.setattr(reading, "FRESH_SECONDS", seconds)
    tickets = [TicketFactory(event=event) for _n in range(2)]
    for ticket in tickets:
        row(ticket)

    def give_back():
        [left] = [it for it in tickets if it.holder.email not in transport.sent[0].to]
        cancel_ticket(left, by=left.holder)

    transport.meanwhile = later(give_back)
    drain()

    # What was read a moment ago holds; what was read longer ago is read anew.
    changed = [it for it in transport.sent if it.subject.startswith("Changed:")]
    assert len(changed) == (2 if seconds > 0 else 1)


def test_what_is_read_holds_for_a_second():
    assert reading.FRESH_SECONDS == 1


def test_new_title_address_and_choice_are_in_the_next_mail(event, transport, monkeypatch):
    monkeypatch.setattr(reading, "FRESH_SECONDS", -1)
    people = [TicketFactory(event=event).holder for _n in range(2)]
    for person in people:
        row(person.tickets.get())

    def change():
        type(event).objects.filter(pk=event.pk).update(title="Newts")
        for person in people:
            type(person).objects.filter(pk=person.pk).update(email=f"new-{person.email}")

    transport.meanwhile = later(change)
    drain()

    first, second = transport.sent
    assert (first.subject, second.subject) == (f"Changed: {event.title}", "Changed: Newts")
    assert second.to[0].startswith("new-")


def test_account_that_closes_while_another_mail_is_sent_gets_none(event, transport, monkeypatch):
    monkeypatch.setattr(reading, "FRESH_SECONDS", -1)
    people = [UserFactory() for _n in range(2)]
    for person in people:
        book_ticket(event, holder=person)

    def close():
        [left] = [it for it in people if it.email not in transport.sent[0].to]
        close_account(left)

    transport.meanwhile = later(close)
    drain()

    assert len(transport.sent) == 1


def test_mail_about_somebody_elses_ticket_is_dropped(event, attendee):
    mail = row(TicketFactory(event=event), recipient=attendee)

    assert letters_of([mail]) == {mail.pk: None}


def test_choice_against_a_kind_counts_for_that_person_and_kind_alone(event, organiser, now):
    cancel_event(event, by=None)
    people = [UserFactory() for _n in range(2)]
    for person in people:
        event.organiser_rows.create(user=person, added_at=now)
    opt_out(people[0], kind="events.event_cancelled")
    opt_out(people[1], kind="events.event_full")
    mails = [
        OutgoingEmail(recipient=it, kind="events.event_cancelled", context={"event": str(event.pk)})
        for it in people
    ]

    letters = letters_of(mails)

    assert [letters[mail.pk] is None for mail in mails] == [True, False]


def test_mails_that_cannot_be_read_keep_no_other(event, transport):
    rows = [row(TicketFactory(event=event)) for _n in range(5)]
    OutgoingEmail.objects.filter(pk=rows[1].pk).update(kind="gone.kind")
    OutgoingEmail.objects.filter(pk=rows[3].pk).update(context={})

    tally = drain()

    assert (tally.sent, tally.failed, len(transport.sent)) == (3, 2, 3)
