"""What ticket holders are told, by whom it is caused, and what it says (SPEC 5)."""

import io
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from icalendar import Calendar
from PIL import Image

from accounts.services import close_account, export_personal_data
from events.models import EventOrganiser
from events.services import cancel_event, change_event
from notifications import kinds
from notifications.models import Announcement, Notification, OutgoingEmail
from notifications.sender import drain
from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory
from tests.tickets.factories import TicketFactory
from tickets import notices
from tickets.services import book_ticket, cancel_ticket

pytestmark = pytest.mark.django_db

HOSTILE = (
    "Walk {0} %s %(title)s {{ settings.SECRET_KEY }} <script>alert(1)</script>\r\nBcc: x@y.example"
)


def sent():
    """What the worker sends now, oldest first."""
    before = len(mail.outbox)
    drain()
    return mail.outbox[before:]


def parts(message):
    """The MIME parts of a message by content type."""
    found = {}
    for part in message.message().walk():
        found.setdefault(part.get_content_type(), []).append(part)
    return found


def text_of(part):
    return part.get_payload(decode=True).decode()


def html(message):
    return text_of(parts(message)["text/html"][0])


def entry(message):
    """The calendar entry of a message, as a mail program finds it, and its method."""
    part = parts(message)["text/calendar"][0]
    calendar = Calendar.from_ical(text_of(part))
    assert part.get_param("method") == calendar["METHOD"]
    return calendar.events[0], str(calendar["METHOD"])


def bell_words(person):
    shown = Notification.objects.filter(recipient=person).order_by("created_at")
    return [kinds.get(notice.kind).bell(notice.context).text for notice in shown]


def test_booking_writes_one_notice_and_one_mail_for_the_holder(event, attendee):
    TicketFactory(event=event)

    ticket = book_ticket(event, holder=attendee).ticket

    [notice] = Notification.objects.all()
    [waiting] = OutgoingEmail.objects.all()
    assert (notice.recipient, notice.kind) == (attendee, notices.BOOKED)
    assert notice.url == ticket.get_absolute_url()
    assert (waiting.recipient, waiting.address) == (attendee, attendee.email)
    assert bell_words(attendee) == [f"You have a ticket for “{event.title}”."]


def test_booking_again_tells_nothing_new(event, attendee):
    book_ticket(event, holder=attendee)
    book_ticket(event, holder=attendee)

    assert Notification.objects.count() == OutgoingEmail.objects.count() == 1


def test_booking_rolled_back_tells_nobody(event, attendee):
    with transaction.atomic():
        book_ticket(event, holder=attendee)
        transaction.set_rollback(True)

    assert Notification.objects.count() == OutgoingEmail.objects.count() == 0
    assert sent() == []


def test_booked_mail_carries_barcode_digits_link_and_calendar(event, attendee, settings):
    ticket = book_ticket(event, holder=attendee).ticket

    [message] = sent()

    link = f"{settings.SITE_URL}{ticket.get_absolute_url()}"
    picture = parts(message)["image/png"][0]
    assert message.to == [attendee.email]
    assert message.subject == f"Your ticket for {event.title}"
    for words in (message.body, html(message)):
        assert ticket.code_in_groups in words
        assert link in words
        assert event.title in words
        assert event.location in words
        assert "London time" in words
    assert 'src="cid:barcode"' in html(message)
    assert picture["Content-ID"] == "<barcode>"
    assert picture["Content-Disposition"].startswith("inline")
    assert Image.open(io.BytesIO(picture.get_payload(decode=True))).width > 300


def test_booked_mail_shows_its_picture_inside_the_html(event, attendee):
    book_ticket(event, holder=attendee)

    [message] = sent()

    [related] = parts(message)["multipart/related"]
    assert [part.get_content_type() for part in related.get_payload()] == ["text/html", "image/png"]
    [alternative] = parts(message)["multipart/alternative"]
    kinds_offered = [part.get_content_type() for part in alternative.get_payload()]
    assert kinds_offered == ["text/plain", "multipart/related", "text/calendar"]
    assert parts(message)["text/calendar"][1].get_filename() == "invite.ics"


def test_booked_calendar_names_ticket_holder_and_organiser(event, attendee, settings):
    settings.DEFAULT_FROM_EMAIL = "Evento <tickets@evento.example>"
    event.organiser_name = "Lea Valley Walks"
    event.save(update_fields=["organiser_name"])
    ticket = book_ticket(event, holder=attendee).ticket

    found, method = entry(sent()[0])

    assert method == "REQUEST"
    assert str(ticket.pk) in found["UID"]
    assert found["SEQUENCE"] == event.revision == 0
    assert found["ORGANIZER"] == "mailto:tickets@evento.example"
    assert found["ORGANIZER"].params["CN"] == "Lea Valley Walks"
    assert found["ATTENDEE"] == f"mailto:{attendee.email}"
    assert found["ATTENDEE"].params["CN"] == attendee.name
    assert found["DTSTART"].dt == event.starts_at
    assert found["DTEND"].dt == event.ends_at
    assert found["STATUS"] == "CONFIRMED"
    assert ticket.code not in found.to_ical().decode()


def test_online_link_reaches_the_holder(event, attendee):
    change_event(event, changes={"online_url": "https://meet.example/room"}, by=None)
    book_ticket(event, holder=attendee)

    [message] = sent()

    assert "https://meet.example/room" in message.body
    assert "https://meet.example/room" in html(message)
    assert "https://meet.example/room" in entry(message)[0]["DESCRIPTION"]


def test_no_context_holds_a_code_or_the_online_link(event, attendee):
    change_event(event, changes={"online_url": "https://meet.example/old"}, by=None)
    ticket = book_ticket(event, holder=attendee).ticket
    change_event(event, changes={"online_url": "https://meet.example/room"}, by=None)
    cancel_event(event, by=None, reason="Storm")
    drain()

    rows = [*Notification.objects.all(), *OutgoingEmail.objects.all(), *Announcement.objects.all()]
    stored = "".join(str(row.context) for row in rows)
    assert "Storm" in stored
    assert ticket.code not in stored
    assert "meet.example" not in stored


def test_booked_mail_is_dropped_when_the_ticket_was_given_back_before(event, attendee):
    ticket = book_ticket(event, holder=attendee).ticket
    cancel_ticket(ticket, by=attendee)

    [message] = sent()

    assert message.subject == f"Ticket cancelled: {event.title}"
    states = dict(OutgoingEmail.objects.values_list("kind", "state"))
    assert states == {notices.BOOKED: "dropped", notices.GIVEN_BACK: "sent"}


def test_given_back_ticket_is_taken_out_of_the_calendar(event, attendee):
    ticket = book_ticket(event, holder=attendee).ticket
    booked, _method = entry(sent()[0])
    cancel_ticket(ticket, by=attendee)

    [message] = sent()

    cancelled, method = entry(message)
    assert method == "CANCEL"
    assert cancelled["UID"] == booked["UID"]
    assert cancelled["SEQUENCE"] > booked["SEQUENCE"]
    assert cancelled["STATUS"] == "CANCELLED"
    assert bell_words(attendee)[-1] == f"You cancelled your ticket for “{event.title}”."


def test_new_ticket_has_a_new_calendar_entry(event, attendee):
    first = book_ticket(event, holder=attendee).ticket
    before = entry(sent()[0])[0]["UID"]
    cancel_ticket(first, by=attendee)
    sent()
    book_ticket(event, holder=attendee)

    assert entry(sent()[0])[0]["UID"] != before


def test_change_tells_every_holder_what_changed_once(event, organiser, attendee):
    holder, bystander = TicketFactory(event=event).holder, TicketFactory().holder
    gone = TicketFactory(event=event, status="cancelled").holder
    old = event.location

    changes = {"location": "Town hall", "duration": timedelta(hours=3, minutes=30)}
    change_event(event, changes=changes, by=organiser)
    [message] = sent()

    assert message.to == [holder.email]
    assert list(Notification.objects.values_list("recipient", flat=True)) == [holder.pk]
    for words in (message.body, html(message)):
        assert f"The place is now Town hall (it was {old})." in words
        assert "It now lasts 3 hours 30 minutes (it was 2 hours)." in words
    changed, method = entry(message)
    assert method == "REQUEST"
    assert changed["SEQUENCE"] == 1
    assert changed["LOCATION"] == "Town hall"
    assert bell_words(bystander) == bell_words(gone) == []


def test_change_is_not_told_to_who_booked_afterwards(event, organiser):
    change_event(event, changes={"location": "Town hall"}, by=organiser)
    ticket = TicketFactory(event=event)

    drain()

    assert bell_words(ticket.holder) == []


def test_change_is_told_to_who_booked_while_it_waited_for_its_lock(event, organiser):
    asked = timezone.now() - timedelta(seconds=5)
    ticket = TicketFactory(event=event, booked_at=asked + timedelta(seconds=4))

    change_event(event, changes={"location": "Town hall"}, by=organiser, now=asked)
    drain()

    assert bell_words(ticket.holder) == [f"“{event.title}” has changed."]


def test_queued_mails_are_dropped_when_their_cause_is_gone(event, attendee):
    ticket = TicketFactory(event=event, holder=attendee, status="cancelled")
    for kind in (notices.CHANGED, notices.CANCELLED):
        OutgoingEmail.objects.create(
            recipient=attendee,
            address=attendee.email,
            kind=kind,
            key=kind,
            context={"ticket": str(ticket.pk), "changes": {}},
        )

    assert sent() == []
    assert set(OutgoingEmail.objects.values_list("state", flat=True)) == {"dropped"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"online_url": ["", "https://a.example"]}, "The online link is new."),
        ({"online_url": ["https://a.example", ""]}, "There is no online link now."),
        ({"duration": [timedelta(days=1), timedelta(days=2, hours=1)]}, "2 days 1 hour"),
    ],
)
def test_change_is_said_in_a_sentence(changes, sentence):
    [line] = notices.change_lines(notices.change_context(changes))

    assert sentence in line


def test_cancelling_tells_holders_and_co_organisers_each_once(event, organiser):
    holder = TicketFactory(event=event).holder
    both = TicketFactory(event=event).holder
    helper = UserFactory()
    for person in (both, helper):
        EventOrganiser.objects.create(
            event=event, user=person, added_by=organiser, added_at=timezone.now()
        )
    TicketFactory()

    cancel_event(event, by=organiser, reason="The river has flooded.")
    messages = sent()

    assert sorted(message.to[0] for message in messages) == sorted(
        [holder.email, both.email, helper.email]
    )
    told = dict(Notification.objects.values_list("recipient", "kind"))
    assert told == {
        holder.pk: notices.CANCELLED,
        both.pk: notices.CANCELLED,
        helper.pk: "events.event_cancelled",
    }
    for message in messages:
        assert message.subject == f"Cancelled: {event.title}"
        assert "The river has flooded." in message.body
        assert "The river has flooded." in html(message)


def test_cancelling_takes_the_event_out_of_holders_calendars(event, organiser, attendee):
    book_ticket(event, holder=attendee)
    booked, _method = entry(sent()[0])

    cancel_event(event, by=organiser)
    cancelled, method = entry(sent()[0])

    assert method == "CANCEL"
    assert cancelled["UID"] == booked["UID"]
    assert cancelled["SEQUENCE"] > booked["SEQUENCE"]


def test_canceller_who_holds_a_ticket_gets_the_holders_mail(event, organiser):
    TicketFactory(event=event, holder=organiser)

    cancel_event(event, by=organiser)

    assert [message.to for message in sent()] == [[organiser.email]]
    assert list(Notification.objects.values_list("kind", flat=True)) == [notices.CANCELLED]


def test_cancelling_is_told_to_who_booked_while_it_waited_for_its_lock(event):
    asked = timezone.now()
    ticket = TicketFactory(event=event, booked_at=asked + timedelta(minutes=1))

    cancel_event(event, by=None, now=asked)
    drain()

    assert len(bell_words(ticket.holder)) == 1


@pytest.mark.parametrize("change", ["cancel", "move"])
def test_telling_many_costs_the_request_the_same_for_2_and_30_holders(change):
    def queries(holders):
        event = EventFactory(capacity=100)
        TicketFactory.create_batch(holders, event=event)
        with CaptureQueriesContext(connection) as captured:
            if change == "cancel":
                cancel_event(event, by=None)
            else:
                change_event(event, changes={"location": "Town hall"}, by=None)
        return len(captured)

    assert queries(2) == queries(30)


def test_mails_to_holders_are_the_same_however_full_the_event_is(attendee):
    def bodies(taken):
        event = EventFactory(title="Owls", capacity=20, slug=f"owls-{taken}")
        TicketFactory.create_batch(taken, event=event)
        holder = UserFactory(display_name="Ada")
        ticket = book_ticket(event, holder=holder).ticket
        drain()
        change_event(event, changes={"location": "Weir"}, by=None)
        drain()
        cancel_event(event, by=None)
        drain()
        mine = [m for m in mail.outbox if m.to == [holder.email]]
        private = (str(ticket.pk), ticket.code, ticket.code_in_groups, event.slug)
        words = [m.subject + m.body + html(m) for m in mine]
        for secret in private:
            words = [text.replace(secret, "") for text in words]
        return words

    empty, full = bodies(0), bodies(19)
    assert len(empty) == 3
    assert empty == full


def test_hostile_words_stay_data_in_every_part(organiser, attendee):
    event = EventFactory(
        organiser=organiser, title=HOSTILE, location=HOSTILE, organiser_name='"Evil"\r\n;X=Y:'
    )
    attendee.display_name = '"; CN=evil\r\nATTENDEE:mailto:x@y.example'
    attendee.save(update_fields=["display_name"])
    book_ticket(event, holder=attendee)
    booked = sent()
    change_event(event, changes={"location": f"{HOSTILE}!"}, by=organiser)
    changed = sent()
    cancel_event(event, by=organiser, reason=HOSTILE)

    for message in [*booked, *changed, *sent()]:
        raw = message.message()
        assert "\n" not in message.subject
        assert "\r" not in message.subject
        assert raw["Bcc"] is None
        assert message.recipients() == [attendee.email]
        assert "{0} %s %(title)s {{ settings.SECRET_KEY }}" in message.body
        assert "<script>" in message.body
        assert "<script>" not in html(message)
        assert "&lt;script&gt;" in html(message)
        found, _method = entry(message)
        assert found["ATTENDEE"] == f"mailto:{attendee.email}"
        assert "<script>" in found["SUMMARY"]


def test_notice_and_mail_cost_a_booking_one_round_trip_on_postgresql(event, attendee):
    with CaptureQueriesContext(connection) as captured:
        book_ticket(event, holder=attendee)

    about_notices = [query["sql"] for query in captured if "notifications_" in query["sql"]]
    assert len(about_notices) == (1 if connection.vendor == "postgresql" else 2)
    assert all("INSERT INTO" in sql for sql in about_notices)


def test_closing_an_account_gives_places_back_and_leaves_no_word(event, attendee):
    ticket = book_ticket(event, holder=attendee, note="I use a wheelchair").ticket
    past = TicketFactory(
        event=EventFactory(starts_at=timezone.now() - timedelta(days=9)), holder=attendee, note="Hi"
    )
    address = attendee.email
    drain()

    close_account(attendee)

    ticket.refresh_from_db()
    past.refresh_from_db()
    event.refresh_from_db()
    assert (ticket.status, ticket.note, event.places_taken) == ("cancelled", "", 0)
    assert (past.status, past.note) == ("valid", "")
    assert Notification.objects.count() == 0
    assert not OutgoingEmail.objects.filter(address=address).exists()
    assert all(row.context == {} for row in OutgoingEmail.objects.all())
    assert sent() == []


def test_personal_data_has_my_tickets_alone(event, attendee):
    mine = TicketFactory(event=event, holder=attendee, note="Aisle seat")
    TicketFactory(event=event, note="Somebody else")

    [ticket] = export_personal_data(attendee)["tickets"]

    assert (ticket["code"], ticket["note"]) == (mine.code, "Aisle seat")
