import re
import threading
import time

import pytest
from allauth.account.models import EmailAddress
from allauth.core.internal import ratelimit
from django.core import mail
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.adapter import AccountAdapter
from accounts.models import User, UsernameHold
from tests.accounts.factories import PASSWORD, UserFactory

KEY = r"/accounts/confirm-email/([^/]+)/"


def link_in(message, pattern):
    """The path of the link in a mail; the same must stand in its HTML."""
    text = re.search(rf"{pattern}", message.body)
    assert text is not None, message.body
    assert text.group(0) in message.alternatives[0].content
    return text.group(0)


def sign_in(client, email, password=PASSWORD):
    return client.post(reverse("account_login"), {"login": email, "password": password})


def is_signed_in(client):
    return "_auth_user_id" in client.session


def test_sign_up_asks_to_confirm_and_signs_nobody_in(client, sign_up):
    response = sign_up()

    assert response.url == reverse("account_email_verification_sent")
    assert not is_signed_in(client)
    assert [message.to for message in mail.outbox] == [["ada@example.org"]]


def test_sign_up_links_are_at_the_site_url_whatever_host_was_asked(settings, sign_up):
    settings.SITE_URL = "https://tickets.example.org"

    sign_up()

    assert "https://tickets.example.org/accounts/confirm-email/" in mail.outbox[0].body
    assert "testserver" not in mail.outbox[0].body + mail.outbox[0].alternatives[0].content


def test_confirm_page_by_get_confirms_nothing(client, sign_up):
    sign_up()

    response = client.get(link_in(mail.outbox[0], KEY))

    assert response.status_code == 200
    assert "Confirm this address" in response.content.decode()
    assert not EmailAddress.objects.get().verified


def test_confirm_button_verifies_and_then_sign_in_works(client, sign_up):
    sign_up()

    client.post(link_in(mail.outbox[0], KEY))
    sign_in(client, "ada@example.org", "analytical-engine-1843")

    assert EmailAddress.objects.get().verified
    assert is_signed_in(client)


def test_sign_in_before_confirming_sends_to_the_mail_page(client, sign_up):
    sign_up()

    response = sign_in(client, "ada@example.org", "analytical-engine-1843")

    assert response.url == reverse("account_email_verification_sent")
    assert not is_signed_in(client)


def test_sign_in_by_username_is_not_offered(client, attendee):
    sign_in(client, attendee.username)

    assert not is_signed_in(client)


def test_sign_in_with_password_of_an_inactive_account_is_refused(client, attendee):
    attendee.is_active = False
    attendee.save(update_fields=["is_active"])

    sign_in(client, attendee.email)

    assert not is_signed_in(client)


def test_sign_up_takes_the_time_zone_of_the_browser(sign_up):
    sign_up(time_zone="America/Lima")

    assert User.objects.get().time_zone == "America/Lima"


def test_sign_up_ignores_a_time_zone_nobody_knows(sign_up):
    sign_up(time_zone="Mars/Olympus")

    assert User.objects.get().time_zone == "UTC"


@pytest.mark.parametrize("username", ["Person", "pERSON", "deleted-1", "Deleted-x"])
def test_sign_up_with_a_username_nobody_may_have_is_refused(sign_up, username):
    UserFactory(username="person")

    response = sign_up(username=username)

    assert list(response.context["form"].errors) == ["username"]


def test_sign_up_checks_the_password(sign_up):
    response = sign_up(password1="password", password2="password")

    assert list(response.context["form"].errors) == ["password1"]


def test_mail_files_are_named_where_mail_lies_in_files(client, settings):
    settings.TRANSPORT_BACKEND = "notifications.backends.EmlFileBackend"

    for name in ("account_email_verification_sent", "account_reset_password_done"):
        assert "var/mail/" in client.get(reverse(name)).content.decode()


def test_mail_files_are_not_named_where_mail_is_sent(client):
    response = client.get(reverse("account_email_verification_sent"))

    assert "var/mail/" not in response.content.decode()


def test_createsuperuser_confirms_its_address_at_the_first_sign_in(client, monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command(
        "createsuperuser", interactive=False, username="root", email="Root@Example.org", verbosity=0
    )

    first = sign_in(client, "root@example.org")
    client.post(link_in(mail.outbox[0], KEY))
    sign_in(client, "root@example.org")

    assert first.url == reverse("account_email_verification_sent")
    assert is_signed_in(client)
    assert User.objects.get().email == "root@example.org"


# --- Nothing tells a stranger whether an address has an account (SPEC 1) --------------------------


def page_after(post):
    """Everything a stranger sees of a POST: status, headers, the page it leads to, cookies by name."""
    client = Client()
    response = post(client)
    page = client.get(response.url) if response.status_code == 302 else response
    content = re.sub(rb'name="csrfmiddlewaretoken" value="[^"]+"', b"", page.content)
    headers = {name: value for name, value in response.items() if name != "Expires"}
    headers.pop("Last-Modified", None)
    del headers["X-Request-ID"]  # drawn anew for each
    return response.status_code, headers, content, sorted(client.cookies)


def test_sign_up_looks_the_same_for_known_and_unknown_addresses(db):
    UserFactory(email="known1@example.org")

    def ask(email, username):
        return page_after(
            lambda client: client.post(
                reverse("account_signup"),
                {
                    "username": username,
                    "email": email,
                    "password1": "analytical-engine-1843",
                    "password2": "analytical-engine-1843",
                },
            )
        )

    known = ask("known1@example.org", "one")
    unknown = ask("absent@example.org", "two")

    assert known[2].replace(b"known1", b"absent") == unknown[2]
    assert known[:2] == unknown[:2]
    assert known[3] == unknown[3]
    assert len(mail.outbox) == 2


def test_username_asked_for_with_a_known_address_is_taken_as_after_a_real_sign_up(sign_up):
    UserFactory(email="known@example.org")
    sign_up(username="Probe", email="known@example.org")

    response = sign_up(username="probe", email="other@example.org")

    assert list(response.context["form"].errors) == ["username"]
    assert UsernameHold.objects.get().username == "probe"


def test_reset_looks_the_same_for_known_and_unknown_addresses(db):
    UserFactory(email="known1@example.org")

    def ask(email):
        return page_after(
            lambda client: client.post(reverse("account_reset_password"), {"email": email})
        )

    assert ask("known1@example.org") == ask("absent@example.org")
    assert len(mail.outbox) == 2


def test_wrong_password_looks_the_same_for_known_and_unknown_addresses(db):
    UserFactory(email="known1@example.org")

    def ask(email):
        return page_after(lambda client: sign_in(client, email, "not-the-password"))

    known, unknown = ask("known1@example.org"), ask("absent@example.org")

    assert known[2].replace(b"known1", b"absent") == unknown[2]
    assert known[:2] == unknown[:2]


def test_change_to_a_known_address_looks_like_one_to_an_unknown(signed_in):
    UserFactory(email="known1@example.org")
    signed_in.get(reverse("account_email"))
    seen = []

    for email in ("known1@example.org", "absent@example.org"):
        response = signed_in.post(reverse("account_email"), {"email": email, "action_add": ""})
        page = signed_in.get(response.url).content.replace(email.encode(), b"...")
        seen.append(re.sub(rb'name="csrfmiddlewaretoken" value="[^"]+"', b"", page))

    assert seen[0] == seen[1]


# --- Limits -----------------------------------------------------------------------------------------


def test_sixth_wrong_password_for_an_address_is_refused_even_when_right(client, attendee):
    for _ in range(5):
        sign_in(client, attendee.email, "not-the-password")

    response = sign_in(client, attendee.email)

    assert "Too many tries" in response.content.decode()
    assert not is_signed_in(client)


def test_limits_are_counted_in_a_table_that_every_process_shares(client, attendee):
    sign_in(client, attendee.email, "not-the-password")

    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key FROM evento_cache")
        keys = [key for (key,) in cursor.fetchall()]
    assert any("login_failed" in key for key in keys)


def test_many_sign_in_from_one_address_and_some_mistype(attendee):
    for number in range(60):
        client = Client()
        if number % 4 == 0:
            sign_in(client, f"person{number}@example.org", "not-the-password")
        sign_in(client, attendee.email)

        assert is_signed_in(client)


def test_after_thirty_wrong_passwords_an_address_is_refused_whoever_it_asks_for(client, attendee):
    for number in range(30):
        sign_in(client, f"person{number}@example.org", "not-the-password")

    response = sign_in(client, attendee.email)

    assert "Too many tries" in response.content.decode()
    assert not is_signed_in(client)


class Clock:
    """Stands still but for who sleeps; after two seconds `act` is done."""

    def __init__(self, act):
        self.act = act
        self.now = 0.0

    def monotonic(self):
        return self.now

    def time(self):
        return time.time()

    def sleep(self, seconds):
        before, self.now = self.now, self.now + seconds
        if before < 2 <= self.now:
            self.act()


def test_sign_in_waits_for_others_behind_its_address_and_is_not_told_that_it_tried_too_often(
    client, attendee, monkeypatch
):
    sign_in(client, attendee.email, "not-the-password")
    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key FROM evento_cache WHERE cache_key LIKE '%:login:%'")
        [[counted]] = cursor.fetchall()
    lock = f"{counted.removeprefix(':1:')}:lock"
    cache.add(lock, True)
    clock = Clock(lambda: cache.delete(lock))
    monkeypatch.setattr(ratelimit, "time", clock)

    sign_in(client, attendee.email)

    assert is_signed_in(client)
    assert clock.now >= 2


def test_limits_of_others_are_not_pushed_out_by_new_ones(client, attendee):
    for number in range(400):
        cache.set(f"one-of-many-{number}", 1)
    sign_in(client, attendee.email, "not-the-password")

    for number in range(400):
        cache.set(f"one-of-more-{number}", 1)

    assert cache.get("one-of-many-0") == 1


def test_too_many_sign_ups_get_the_429_page(sign_up):
    for number in range(20):
        sign_up(username=f"person{number}", password1="x")

    response = sign_up()

    assert response.status_code == 429
    assert "Slow down" in response.content.decode()


# --- Two sign-ups in the same moment ----------------------------------------------------------------


def overtake(monkeypatch, others_doing):
    """Let `others_doing` happen after the form was found right and before its account is saved."""
    real = AccountAdapter.new_user

    def new_user(adapter, request):
        others_doing()
        return real(adapter, request)

    monkeypatch.setattr(AccountAdapter, "new_user", new_user)


def test_sign_up_overtaken_by_the_same_username_asks_to_try_again(sign_up, monkeypatch):
    overtake(monkeypatch, lambda: UserFactory(username="Ada", email="other@example.org"))

    response = sign_up()

    assert response.status_code == 503
    assert response["Retry-After"]
    assert not User.objects.filter(email="ada@example.org").exists()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_sign_up_overtaken_by_the_same_address_looks_like_any_other(sign_up, monkeypatch):
    def sign_up_elsewhere():
        thread = threading.Thread(target=create_and_close)
        thread.start()
        thread.join()

    def create_and_close():
        UserFactory(username="other", email="ada@example.org")
        connection.close()

    overtake(monkeypatch, sign_up_elsewhere)

    response = sign_up()

    assert response.url == reverse("account_email_verification_sent")
    assert User.objects.get().username == "other"
    assert mail.outbox[-1].subject == "You have an account already"
