"""Writing notices, reading them, choosing mails (SPEC 5)."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.services import close_account, export_personal_data
from evento.refusals import Refusal
from events.notices import ADDED, FULL, OFFERED
from notifications import kinds, services
from notifications.models import Announcement, EmailOptOut, Notification, OutgoingEmail
from tests.accounts.factories import UserFactory
from tickets.notices import BOOKED, CANCELLED

pytestmark = pytest.mark.django_db

CONTEXT = {"event": str(uuid4()), "title": "Owls"}


def tell(person, *, kind=ADDED, key="one"):
    services.tell(person, kind=kind, key=key, context=CONTEXT, url="/events/owls/")


def test_tell_writes_bell_and_mail(attendee):
    tell(attendee)

    notice, outgoing = Notification.objects.get(), OutgoingEmail.objects.get()
    assert (notice.recipient, notice.kind, notice.url) == (attendee, ADDED, "/events/owls/")
    assert (outgoing.recipient, outgoing.address) == (attendee, attendee.email)
    assert notice.key == outgoing.key == "one"
    assert outgoing.state == "queued"


def test_tell_with_the_same_key_writes_nothing_twice(attendee):
    tell(attendee)
    tell(attendee)

    assert Notification.objects.count() == OutgoingEmail.objects.count() == 1


def test_tell_of_a_switched_off_kind_writes_no_mail(attendee):
    services.opt_out(attendee, kind=ADDED)

    tell(attendee)

    assert Notification.objects.count() == 1
    assert OutgoingEmail.objects.count() == 0


def test_tell_of_an_unknown_kind_is_an_error(attendee):
    with pytest.raises(KeyError):
        tell(attendee, kind="events.unheard_of")


def test_announce_writes_one_row(event):
    services.announce(CANCELLED, about=event.pk, context=CONTEXT, caused_at=timezone.now())

    assert Announcement.objects.count() == 1
    assert Notification.objects.count() == OutgoingEmail.objects.count() == 0


def test_announce_counts_from_the_moment_the_lock_was_held(event):
    asked = timezone.now() - timedelta(minutes=1)

    services.announce(CANCELLED, about=event.pk, context=CONTEXT, caused_at=asked)

    assert Announcement.objects.get().caused_at > asked


def test_mail_address_writes_a_mail_without_a_person():
    for _time in range(2):
        services.mail_address("a@example.org", kind=OFFERED, key="offer", context=CONTEXT)

    outgoing = OutgoingEmail.objects.get()
    assert (outgoing.recipient, outgoing.address) == (None, "a@example.org")


@pytest.mark.parametrize("model", [Notification, OutgoingEmail])
def test_database_refuses_a_second_row_with_the_same_key(model, attendee):
    tell(attendee)

    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.create(recipient=attendee, kind=ADDED, key="one")


def test_on_commit_mode_sends_after_the_commit_and_not_before(
    attendee, event, settings, django_capture_on_commit_callbacks
):
    settings.NOTIFICATIONS_SEND = "on_commit"

    with django_capture_on_commit_callbacks(execute=True):
        services.mail_address(
            "a@example.org",
            kind=OFFERED,
            key="gone",
            context=CONTEXT | {"offer": str(uuid4())},
        )
        services.queue_rendered("b@example.org", b"Subject: Hi\n\nHello\n")
        before = len(mail.outbox)

    assert before == 0
    assert [message.subject for message in mail.outbox] == ["Hi"]


def test_on_commit_mode_survives_a_mail_server_that_is_away(
    settings, django_capture_on_commit_callbacks, caplog
):
    settings.NOTIFICATIONS_SEND = "on_commit"
    settings.TRANSPORT_BACKEND = "notifications.backends.SmtpBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1

    with django_capture_on_commit_callbacks(execute=True):
        services.queue_rendered("b@example.org", b"Subject: Hi\n\nHello\n")

    waiting = OutgoingEmail.objects.get()
    assert (waiting.state, waiting.attempts) == ("queued", 0)
    assert "Connection refused" in waiting.last_error


def test_unread_count_counts_mine_alone(attendee):
    for number in range(3):
        tell(attendee, key=f"mine-{number}")
    tell(UserFactory(), key="other")
    services.mark_read(Notification.objects.get(key="mine-1"), by=attendee)

    assert services.unread_count(attendee) == 2


def test_unread_count_stops_where_the_bell_does(attendee):
    Notification.objects.bulk_create(
        Notification(recipient=attendee, kind=ADDED, key=str(n)) for n in range(120)
    )

    assert services.unread_count(attendee) == services.COUNTED_UP_TO


def test_mark_read_keeps_the_first_moment(attendee):
    tell(attendee)
    first = timezone.now()
    services.mark_read(Notification.objects.get(), by=attendee, now=first)

    services.mark_read(Notification.objects.get(), by=attendee, now=first + timedelta(days=1))

    assert Notification.objects.get().read_at == first


def test_mark_read_of_somebody_elses_notice_is_refused(attendee):
    tell(attendee)

    with pytest.raises(Refusal) as refused:
        services.mark_read(Notification.objects.get(), by=UserFactory())

    assert (refused.value.code, refused.value.status) == ("not_found", 404)
    assert Notification.objects.get().read_at is None


def test_mark_all_read_leaves_others_alone(attendee):
    other = UserFactory()
    tell(attendee, key="a")
    tell(other, key="b")

    services.mark_all_read(attendee)

    assert services.unread_count(attendee) == 0
    assert services.unread_count(other) == 1


@pytest.mark.parametrize("kind", [BOOKED, "events.unheard_of"])
def test_mandatory_and_unknown_kinds_cannot_be_switched_off(attendee, kind):
    with pytest.raises(Refusal) as refused:
        services.opt_out(attendee, kind=kind)

    assert refused.value.code == "kind_not_optional"


def test_opting_out_twice_and_in_again(attendee):
    services.opt_out(attendee, kind=FULL)
    services.opt_out(attendee, kind=FULL)
    assert not services.wants_mail(attendee.pk, FULL)

    services.opt_in(attendee, kind=FULL)

    assert services.wants_mail(attendee.pk, FULL)


def test_preferences_are_what_was_ticked(attendee):
    services.opt_out(attendee, kind=FULL)

    services.set_preferences(attendee, wanted={FULL})

    off = set(EmailOptOut.objects.values_list("kind", flat=True))
    assert off == {kind.name for kind in kinds.optional_kinds()} - {FULL}


def test_mail_switched_off_while_it_waits_is_dropped(event, organiser, send_due):
    services.tell(
        organiser, kind=ADDED, key="x", context={"event": str(event.pk), "title": event.title}
    )
    services.opt_out(organiser, kind=ADDED)

    assert send_due() == []
    assert OutgoingEmail.objects.get().state == "dropped"


def test_unpark_sends_a_parked_mail_from_its_first_attempt_on(attendee):
    tell(attendee)
    parked = OutgoingEmail.objects.get()
    OutgoingEmail.objects.update(state="parked", attempts=10)

    assert services.unpark(parked)
    assert not services.unpark(parked)

    parked.refresh_from_db()
    assert (parked.state, parked.attempts) == ("queued", 0)


def test_closing_account_keeps_no_notice_choice_address_or_word(attendee):
    address = attendee.email
    tell(attendee)
    services.opt_out(attendee, kind=FULL)
    services.queue_rendered(address, b"Subject: Reset\n\ntoken\n")
    services.mail_address(address.upper(), kind=OFFERED, key="offer", context=CONTEXT)
    OutgoingEmail.objects.filter(key="one").update(state="sent")
    tell(UserFactory(), key="other")

    close_account(attendee)

    assert list(Notification.objects.values_list("key", flat=True)) == ["other"]
    assert EmailOptOut.objects.count() == 0
    kept = OutgoingEmail.objects.exclude(key="other").values("key", "address", "context", "message")
    assert [dict(row) | {"message": bytes(row["message"])} for row in kept] == [
        {"key": "one", "address": "", "context": {}, "message": b""}
    ]


def test_personal_data_has_my_notices_mails_and_choices(attendee):
    tell(attendee)
    services.opt_out(attendee, kind=FULL)
    tell(UserFactory(), key="other")

    data = export_personal_data(attendee)["notifications"]

    assert [row["kind"] for row in data["notices"]] == [ADDED]
    assert [row["address"] for row in data["emails"]] == [attendee.email]
    assert data["emails_switched_off"] == [FULL]
