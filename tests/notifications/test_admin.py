"""Staff see parked mails and send them again; nobody sees a mail's text (SPEC 5)."""

import uuid

import pytest
from django.urls import reverse
from django.utils import timezone

from events.notices import FULL
from notifications.models import Announcement, OutgoingEmail

pytestmark = pytest.mark.django_db

CHANGELIST = reverse("admin:notifications_outgoingemail_changelist")
SECRETS = ("reset-token-in-the-text", "word-of-the-context")


def mail_row(**values):
    values = {
        "address": "a@example.org",
        "kind": FULL,
        "state": "parked",
        "attempts": 10,
        "last_error": "SMTPDataError: 451 try later",
        "context": {"reason": SECRETS[1]},
        "message": SECRETS[0].encode(),
    } | values
    return OutgoingEmail.objects.create(key=str(uuid.uuid4()), **values)


@pytest.fixture
def staff_client(client, staff):
    client.force_login(staff)
    return client


def change_page(row):
    return reverse("admin:notifications_outgoingemail_change", args=[row.pk])


def again(row):
    return reverse("admin:notifications_outgoingemail_send_again", args=[row.pk])


def test_staff_see_parked_mails_without_text_or_context(staff_client):
    row = mail_row()
    mail_row(kind="accounts.mail", address="b@example.org")
    mail_row(kind="gone.kind")

    pages = [staff_client.get(path).content.decode() for path in (CHANGELIST, change_page(row))]

    assert "An event I organise is full" in pages[0]
    assert "Account e-mail" in pages[0]
    assert "gone.kind" in pages[0]
    for page in pages:
        assert "451 try later" in page
        assert not [secret for secret in SECRETS if secret in page]


def test_send_again_button_puts_a_parked_mail_back(staff_client):
    row = mail_row()
    assert again(row) in staff_client.get(change_page(row)).content.decode()

    answer = staff_client.post(again(row), follow=True)

    row.refresh_from_db()
    assert (row.state, row.attempts) == ("queued", 0)
    assert "1 e-mail will be sent again." in answer.content.decode()
    assert again(row) not in answer.content.decode()


def test_send_again_action_takes_the_parked_ones(staff_client):
    parked, sent = mail_row(), mail_row(state="sent")

    data = {"action": "send_again", "_selected_action": [parked.pk, sent.pk]}
    answer = staff_client.post(CHANGELIST, data, follow=True)

    parked.refresh_from_db()
    sent.refresh_from_db()
    assert (parked.state, sent.state) == ("queued", "sent")
    assert "1 e-mail will be sent again." in answer.content.decode()


def test_send_again_of_a_sent_mail_says_why_not(staff_client):
    row = mail_row(state="sent")

    answer = staff_client.post(again(row), follow=True)

    row.refresh_from_db()
    assert row.state == "sent"
    assert "Only parked e-mails" in answer.content.decode()


def test_send_again_acts_by_post_alone(staff_client):
    row = mail_row()

    assert staff_client.get(again(row)).status_code == 405
    row.refresh_from_db()
    assert row.state == "parked"


def test_nothing_can_be_added_changed_or_deleted(staff_client):
    row = mail_row()

    assert staff_client.get(reverse("admin:notifications_outgoingemail_add")).status_code == 403
    delete = reverse("admin:notifications_outgoingemail_delete", args=[row.pk])
    assert staff_client.post(delete, {"post": "yes"}).status_code == 403
    staff_client.post(change_page(row), {"address": "x@example.org", "state": "sent"})
    row.refresh_from_db()
    assert (row.address, row.state) == ("a@example.org", "parked")


def test_organisers_find_no_outbox(client, organiser, event):
    client.force_login(organiser)
    row = mail_row()

    answers = [client.get(path).status_code for path in (CHANGELIST, change_page(row))]
    answers.append(client.post(again(row)).status_code)

    row.refresh_from_db()
    assert all(status in (302, 403, 404) for status in answers)
    assert row.state == "parked"
    assert CHANGELIST not in client.get(reverse("admin:index")).content.decode()


def test_announcements_show_how_far_they_are(staff_client, event):
    row = Announcement.objects.create(
        kind=FULL,
        about=event.pk,
        context={"reason": SECRETS[1]},
        caused_at=timezone.now(),
        last_error="RuntimeError('x')",
    )
    paths = (
        reverse("admin:notifications_announcement_changelist"),
        reverse("admin:notifications_announcement_change", args=[row.pk]),
    )

    for path in paths:
        page = staff_client.get(path).content.decode()
        assert "An event I organise is full" in page
        assert SECRETS[1] not in page


@pytest.mark.parametrize("lookup", ["message__contains=r", "context__reason__startswith=w"])
@pytest.mark.parametrize("model", ["outgoingemail", "announcement"])
def test_look_ups_of_texts_are_refused(staff_client, model, lookup):
    """One letter after the other, they would spell out a link that resets a password."""
    path = reverse(f"admin:notifications_{model}_changelist")

    assert staff_client.get(f"{path}?{lookup}").status_code == 400


@pytest.mark.parametrize(
    ("model", "narrowed"),
    [
        ("outgoingemail", "state__exact=parked"),
        ("outgoingemail", "priority__exact=0"),
        ("outgoingemail", "created_at__gte=2026-01-01T00:00Z&created_at__lt=2026-01-02T00:00Z"),
        ("announcement", "caused_at__gte=2026-01-01T00:00Z&caused_at__lt=2026-01-02T00:00Z"),
    ],
)
def test_filters_of_the_outbox_answer(staff_client, model, narrowed):
    path = reverse(f"admin:notifications_{model}_changelist")

    assert staff_client.get(f"{path}?{narrowed}").status_code == 200
