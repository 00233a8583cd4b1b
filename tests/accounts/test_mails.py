from zoneinfo import ZoneInfo

import pytest
from allauth.account.adapter import get_adapter
from allauth.core.context import request_context
from django.core import mail
from django.urls import reverse

from accounts.mails import Part, parts_of
from tests.accounts.factories import UserFactory

CONTEXT = {
    "activate_url": "http://elsewhere/confirm/",
    "password_reset_url": "http://elsewhere/reset/",
    "signup_url": "http://elsewhere/sign-up/?next=/",
    "from_email": "old@example.org",
    "to_email": "new@example.org",
    "deleted_email": "old@example.org",
    "ip": "192.0.2.1",
    "user_agent": "Telephone/1 <b>",
}
ACCOUNT = [
    "account_already_exists",
    "email_changed",
    "email_confirm",
    "email_confirmation",
    "email_confirmation_signup",
    "email_deleted",
    "password_changed",
    "password_reset",
    "password_reset_key",
    "password_set",
    "unknown_account",
]
SECOND_FACTOR = [
    "recovery_codes_generated",
    "totp_activated",
    "totp_deactivated",
    "webauthn_added",
    "webauthn_removed",
]
ALL = [f"account/email/{name}" for name in ACCOUNT] + [f"mfa/email/{n}" for n in SECOND_FACTOR]


def test_parts_are_paragraphs_links_and_no_signature():
    text = "Hello\nthere.\n\nPress here:\nhttps://example.org/x\n\nhttps://example.org/y\n\n-- \nEvento"

    parts = parts_of(text)

    assert parts == [
        Part(["Hello", "there."]),
        Part(["Press here"], url="https://example.org/x"),
        Part([], url="https://example.org/y"),
    ]
    assert [part.label for part in parts[1:]] == ["Press here", "https://example.org/y"]


@pytest.mark.parametrize("template", ALL)
def test_account_mail_says_the_same_in_text_and_html(rf, attendee, template, settings, now):
    settings.SITE_URL = "https://tickets.example.org"
    context = CONTEXT | {"user": attendee, "timestamp": now}

    with request_context(rf.get("/")):
        get_adapter().send_mail(template, attendee.email, context)

    sent = mail.outbox[0]
    html, kind = sent.alternatives[0]
    assert kind == "text/html"
    assert sent.to == [attendee.email]
    assert f"<h1>{sent.subject}</h1>" in html
    for part in parts_of(sent.body):
        assert part.url in html
        for line in part.lines:
            assert line.replace("<", "&lt;").replace(">", "&gt;") in html
    assert "http://elsewhere" not in sent.body + html
    assert "Hello from" not in sent.body
    assert "Telephone/1 <b>" not in html


def test_notification_mail_gives_the_time_in_the_readers_zone(rf, now):
    reader = UserFactory(time_zone="Asia/Kathmandu")

    with request_context(rf.get("/")):
        get_adapter(rf.get("/")).send_notification_mail(
            "account/email/password_changed", reader, {"timestamp": now}
        )

    assert f"{now.astimezone(ZoneInfo('Asia/Kathmandu')):%H:%M} +0545" in mail.outbox[-1].body


def test_notification_mail_leads_to_a_new_password(rf, attendee, settings, now):
    with request_context(rf.get("/")):
        get_adapter().send_mail(
            "account/email/password_changed", attendee.email, CONTEXT | {"timestamp": now}
        )

    assert f"{settings.SITE_URL}{reverse('account_reset_password')}" in mail.outbox[-1].body
