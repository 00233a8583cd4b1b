"""Writing to everybody with a ticket for an event (SPEC 5)."""

from datetime import timedelta

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.services import close_account, export_personal_data
from evento.refusals import Refusal
from events.models import Event
from events.services import add_organiser, archive_event, cancel_event
from notifications import kinds
from notifications.models import Announcement, EmailOptOut, Notification, OutgoingEmail
from notifications.sender import drain
from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory
from tests.signals import heard
from tests.tickets.factories import TicketFactory
from tickets import notices
from tickets.models import HolderMessage
from tickets.services import (
    book_ticket,
    cancel_ticket,
    messages_left,
    messaging_refusal,
    send_message,
)
from tickets.signals import holders_messaged

pytestmark = pytest.mark.django_db

HOSTILE = "Come {0} %s %(title)s {{ settings.SECRET_KEY }} <script>alert(1)</script>"


@pytest.fixture
def ticket(event):
    return TicketFactory(event=event)


def write(event, by, *, subject="Bring a torch", text="It gets dark at six.", now=None):
    return send_message(event, subject=subject, text=text, by=by, now=now)


def refused_code(call, *args, **kwargs):
    with pytest.raises(Refusal) as refused:
        call(*args, **kwargs)
    return refused.value.code


def told():
    """Who has a notice of a message, after the worker has done its work."""
    drain()
    return {notice.recipient for notice in Notification.objects.filter(kind=notices.MESSAGE)}


def test_message_is_recorded_with_sender_words_and_how_many_it_reached(
    event, organiser, ticket, now
):
    TicketFactory(event=event)
    TicketFactory(event=event, status="cancelled")

    with heard(holders_messaged) as calls:
        sent = write(
            event, organiser, subject=" Bring\na torch ", text=" Dark\r\nat six. \n", now=now
        )

    message = HolderMessage.objects.get()
    assert sent.created
    assert (message.event, message.sender, message.sent_at) == (event, organiser, now)
    assert (message.subject, message.text) == ("Bring a torch", "Dark\nat six.")
    assert message.holder_count == 2
    assert calls == [{"message": message, "now": now}]


def test_message_reaches_valid_holders_of_this_event_and_nobody_else(event, organiser, attendee):
    holders = {TicketFactory(event=event).holder for _n in range(3)}
    TicketFactory(event=event, status="cancelled")
    TicketFactory()
    add_organiser(event, user=attendee, by=organiser)  # a co-organiser without a ticket
    closed = TicketFactory(event=event).holder
    type(closed).objects.filter(pk=closed.pk).update(is_active=False)

    write(event, organiser)

    assert told() == holders
    addressed = OutgoingEmail.objects.filter(kind=notices.MESSAGE).values_list("address", flat=True)
    assert set(addressed) == {holder.email for holder in holders}


def test_sender_with_a_ticket_gets_the_message_once_like_every_holder(event, organiser, ticket):
    TicketFactory(event=event, holder=organiser)

    write(event, organiser)

    assert told() == {ticket.holder, organiser}
    assert Notification.objects.filter(kind=notices.MESSAGE, recipient=organiser).count() == 1


def test_who_books_later_or_gave_the_ticket_back_is_not_written_to(event, organiser, ticket):
    gone = book_ticket(event, holder=UserFactory()).ticket

    write(event, organiser)
    cancel_ticket(gone, by=gone.holder)
    TicketFactory(event=event)

    assert told() == {ticket.holder}


def test_mail_of_a_ticket_given_back_meanwhile_is_dropped(event, organiser, ticket):
    write(event, organiser)
    Announcement.objects.update(next_attempt_at=timezone.now())
    from_outbox = OutgoingEmail(
        recipient=ticket.holder,
        kind=notices.MESSAGE,
        context={
            "ticket": str(ticket.pk),
            "message": str(HolderMessage.objects.get().pk),
        },
    )
    letters = kinds.get(notices.MESSAGE).letters
    [before] = letters([from_outbox])

    cancel_ticket(ticket, by=ticket.holder)

    assert before is not None
    assert letters([from_outbox]) == [None]


def test_message_rolled_back_is_neither_recorded_nor_told(event, organiser, ticket):
    with transaction.atomic():
        write(event, organiser)
        transaction.set_rollback(True)

    assert not HolderMessage.objects.exists()
    assert told() == set()


def test_message_costs_the_request_the_same_for_1_and_30_holders(organiser):
    def statements(holders):
        event = EventFactory()
        TicketFactory.create_batch(holders, event=event)
        with CaptureQueriesContext(connection) as captured:
            write(event, organiser)
        return len(captured)

    assert statements(1) == statements(30)


def test_bell_shows_subject_and_words(event, organiser, ticket):
    write(event, organiser, text="First\n\nSecond")
    drain()

    [notice] = Notification.objects.filter(recipient=ticket.holder)
    bell = kinds.get(notice.kind).bell(notice.context)
    assert bell == kinds.Bell(f"“{event.title}”: Bring a torch", "First\n\nSecond")
    assert notice.url == ticket.get_absolute_url()


def test_mail_has_the_words_the_event_and_the_ticket_but_no_code(
    event, organiser, ticket, settings
):
    event.organiser_name, event.contact = "Lea Valley Walks", "walks@example.org"
    event.save(update_fields=["organiser_name", "contact"])
    write(event, organiser, text="First\n\nSecond")
    drain()

    [message] = mail.outbox
    html = message.alternatives[0].content
    assert message.to == [ticket.holder.email]
    assert message.subject == f"{event.title}: Bring a torch"
    for words in (message.body, html):
        assert "Lea Valley Walks" in words
        assert "walks@example.org" in words
        assert "First" in words
        assert event.location in words
        assert f"{settings.SITE_URL}{ticket.get_absolute_url()}" in words
        assert ticket.code not in words.replace(" ", "")
        assert organiser.name not in words
        assert organiser.email not in words
    assert "<p>Second</p>" in html
    assert len(message.alternatives) == 1  # no calendar entry: nothing about the ticket is new


def test_hostile_words_stay_data_in_mail_and_bell(event, organiser, ticket):
    event.title = HOSTILE[:150]
    event.save(update_fields=["title"])

    write(event, organiser, subject=f"{HOSTILE[:60]}\r\nBcc: x@y.example", text=HOSTILE)
    drain()

    [message] = mail.outbox
    html = message.alternatives[0].content
    notice = Notification.objects.get()
    assert message.message()["Bcc"] is None
    assert message.recipients() == [ticket.holder.email]
    assert HOSTILE in message.body
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert kinds.get(notice.kind).bell(notice.context).words == HOSTILE


def test_mail_can_be_switched_off_and_the_bell_shows_it_all_the_same(event, organiser, ticket):
    EmailOptOut.objects.create(user=ticket.holder, kind=notices.MESSAGE)

    write(event, organiser)

    assert told() == {ticket.holder}
    assert mail.outbox == []


def test_mail_offers_one_click_to_switch_it_off(event, organiser, ticket):
    write(event, organiser)
    drain()

    [message] = mail.outbox
    assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_mails_are_the_same_however_full_the_event_is(organiser):
    def words(taken):
        event = EventFactory(title="Owls", capacity=20, slug=f"owls-{taken}")
        TicketFactory.create_batch(taken, event=event)
        mine = TicketFactory(event=event, holder__display_name="Ada")
        write(event, organiser)
        drain()
        [message] = [m for m in mail.outbox if m.to == [mine.holder.email]]
        notice = Notification.objects.get(recipient=mine.holder)
        text = f"{message.subject}{message.body}{message.alternatives[0].content}{notice.context}"
        private = (str(mine.pk), event.slug, str(event.pk), notice.context["message"])
        for secret in private:
            text = text.replace(secret, "")
        return text.split("/unsubscribe/")[0]

    assert words(0) == words(18)


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("draft", "not_published"),
        ("cancelled", "event_cancelled"),
        ("archived", "event_ended"),
        ("long over", "event_ended"),
        ("empty", "no_holders"),
    ],
)
def test_message_is_refused_where_nobody_expects_one(organiser, now, state, code):
    days = {"long over": -15, "archived": -2}.get(state, 2)
    event = EventFactory(
        organiser=organiser,
        starts_at=now + timedelta(days=days),
        status=Event.Status.DRAFT if state == "draft" else Event.Status.PUBLISHED,
    )
    if state not in {"draft", "empty"}:
        TicketFactory(event=event)
    if state == "cancelled":
        cancel_event(event, by=organiser)
    if state == "archived":
        archive_event(event)

    assert refused_code(write, event, organiser) == code
    assert messaging_refusal(Event.objects.get(pk=event.pk), now).code == code
    assert not HolderMessage.objects.exists()


def test_message_goes_out_until_two_weeks_after_the_end(organiser, now):
    event = EventFactory(organiser=organiser, starts_at=now - timedelta(days=3))
    TicketFactory(event=event)
    closes = event.ends_at + timedelta(days=14)

    assert write(event, organiser, now=closes - timedelta(seconds=1)).created
    assert refused_code(write, event, organiser, text="Late", now=closes) == "event_ended"


def test_sixth_message_of_a_day_is_refused_and_says_when_to_come_back(
    event, organiser, other_organiser, ticket, now
):
    other = EventFactory(organiser=other_organiser)
    TicketFactory(event=other)
    for n in range(5):
        assert messages_left(event, now) == 5 - n
        write(event, organiser, text=f"Message {n}", now=now + timedelta(minutes=n))

    with pytest.raises(Refusal) as refused:
        write(event, organiser, text="One more", now=now + timedelta(hours=20))

    assert (refused.value.code, refused.value.status) == ("too_many_messages", 429)
    assert refused.value.retry_after == timedelta(hours=4)
    assert messages_left(event, now + timedelta(hours=20)) == 0
    assert write(other, other_organiser, now=now + timedelta(hours=20)).created
    assert write(event, organiser, text="One more", now=now + timedelta(days=1)).created


def test_same_words_again_lead_to_the_same_message_and_tell_nobody_twice(
    event, organiser, ticket, now
):
    first = write(event, organiser, now=now)

    with heard(holders_messaged) as calls:
        second = write(event, organiser, subject="Bring a torch ", now=now + timedelta(minutes=1))

    assert (second.message, second.created, calls) == (first.message, False, [])
    assert write(event, organiser, now=now + timedelta(days=1)).created


def test_same_words_for_another_event_are_another_message(event, organiser, ticket):
    other = EventFactory(organiser=organiser)
    TicketFactory(event=other)

    write(event, organiser)

    assert write(other, organiser).created


@pytest.mark.parametrize(
    ("subject", "text"), [(" \n ", "Words"), ("Words", "\r\n"), ("x" * 101, "x"), ("x", "x" * 2001)]
)
def test_words_that_are_missing_or_too_long_are_an_error(event, organiser, ticket, subject, text):
    with pytest.raises(ValidationError):
        write(event, organiser, subject=subject, text=text)

    assert not HolderMessage.objects.exists()


def test_personal_data_has_the_messages_i_sent(event, organiser, other_organiser, ticket):
    add_organiser(event, user=other_organiser, by=organiser)
    write(event, organiser)
    write(event, other_organiser, text="Somebody else’s")

    [message] = export_personal_data(organiser)["messages_to_holders"]

    assert (message["event__title"], message["subject"]) == (event.title, "Bring a torch")


def test_record_stays_when_its_sender_closes_the_account(event, organiser, ticket, attendee):
    add_organiser(event, user=attendee, by=organiser)
    write(event, organiser)

    close_account(organiser)

    message = HolderMessage.objects.select_related("sender").get()
    assert (message.text, message.sender.display_name) == ("It gets dark at six.", "")


def test_holder_who_closes_the_account_leaves_no_word_of_it(event, organiser, ticket):
    write(event, organiser)
    drain()

    close_account(ticket.holder)

    assert not Notification.objects.exists()
    assert all(row.context == {} for row in OutgoingEmail.objects.all())
