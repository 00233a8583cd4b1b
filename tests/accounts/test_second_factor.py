import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from cryptography.fernet import InvalidToken
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts import encryption
from tests.accounts.factories import PASSWORD


def code_now(secret):
    return totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30))


def switch_on(client):
    """Set an authenticator app up; returns its secret and the code that was used."""
    page = client.get(reverse("mfa_activate_totp"))
    secret = page.context["form"].secret
    code = code_now(secret)
    response = client.post(reverse("mfa_activate_totp"), {"code": code})
    assert response.status_code == 302, response.content
    return secret, code


def first_step(person):
    client = Client()
    client.post(reverse("account_login"), {"login": person.email, "password": PASSWORD})
    return client


def is_signed_in(client):
    return client.get(reverse("accounts:profile")).status_code == 200


@pytest.fixture(autouse=True)
def _still(monkeypatch):
    """The clock stands still within one half minute, so that a code stays the same code."""
    moment = time.time()
    monkeypatch.setattr("time.time", lambda: moment)


def test_secret_and_recovery_seed_are_not_readable_in_the_database(signed_in):
    secret, _code = switch_on(signed_in)

    stored = {row.type: row.data for row in Authenticator.objects.all()}
    assert secret not in str(stored)
    assert encryption.decrypt(stored["totp"]["secret"]) == secret
    assert len(encryption.decrypt(stored["recovery_codes"]["seed"])) == 80


def test_numbers_of_second_factors_do_not_count_those_of_everybody(signed_in):
    switch_on(signed_in)

    first, second = sorted(Authenticator.objects.values_list("pk", flat=True))
    assert second != first + 1
    assert first > 1_000


def test_secret_of_one_key_is_not_opened_by_another(settings):
    sealed = encryption.encrypt("JBSWY3DPEHPK3PXP")

    settings.SECRET_KEY = "another"

    with pytest.raises(InvalidToken):
        encryption.decrypt(sealed)


def test_secret_survives_a_change_of_key_with_the_old_one_as_fallback(settings):
    sealed = encryption.encrypt("JBSWY3DPEHPK3PXP")

    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"

    assert encryption.decrypt(sealed) == "JBSWY3DPEHPK3PXP"


def test_password_alone_no_longer_signs_in_once_the_app_is_on(signed_in, attendee):
    switch_on(signed_in)

    client = first_step(attendee)

    assert not is_signed_in(client)
    assert "One more step" in client.get(reverse("mfa_authenticate")).content.decode()


def test_code_signs_in_once_and_not_twice(signed_in, attendee):
    secret, _code = switch_on(signed_in)
    cache.clear()
    code = code_now(secret)
    first, second = first_step(attendee), first_step(attendee)

    first.post(reverse("mfa_authenticate"), {"code": code})
    response = second.post(reverse("mfa_authenticate"), {"code": code})

    assert is_signed_in(first)
    assert not is_signed_in(second)
    assert "That code is not right, or it was used already." in response.content.decode()


def test_code_that_switched_the_app_on_does_not_sign_in(signed_in, attendee):
    _secret, code = switch_on(signed_in)
    client = first_step(attendee)

    client.post(reverse("mfa_authenticate"), {"code": code})

    assert not is_signed_in(client)


def test_recovery_code_signs_in_once(signed_in, attendee):
    switch_on(signed_in)
    codes = RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).get_unused_codes()
    first, second = first_step(attendee), first_step(attendee)

    first.post(reverse("mfa_authenticate"), {"code": codes[0]})
    second.post(reverse("mfa_authenticate"), {"code": codes[0]})

    assert is_signed_in(first)
    assert not is_signed_in(second)


def test_wrong_codes_are_limited(signed_in, attendee):
    switch_on(signed_in)
    client = first_step(attendee)
    for _ in range(5):
        client.post(reverse("mfa_authenticate"), {"code": "000000"})

    response = client.post(reverse("mfa_authenticate"), {"code": "000000"})

    assert "Too many tries" in response.content.decode()


@pytest.mark.django_db(transaction=True)
def test_switching_the_app_on_and_off_is_told_by_mail(signed_in, attendee):
    switch_on(signed_in)
    signed_in.post(reverse("mfa_deactivate_totp"))

    told = [message.subject for message in mail.outbox]
    assert "An authenticator app was added" in told
    assert told[-1] == "The authenticator app was switched off"
    assert not Authenticator.objects.exists()


def test_second_factor_pages_ask_for_the_password_again(client, attendee):
    client.force_login(attendee)

    for name in ("mfa_activate_totp", "mfa_add_webauthn", "mfa_generate_recovery_codes"):
        assert reverse("account_reauthenticate") in client.get(reverse(name)).url


def test_recovery_codes_are_shown_and_downloaded(signed_in):
    switch_on(signed_in)
    codes = RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).get_unused_codes()

    page = signed_in.get(reverse("mfa_view_recovery_codes")).content.decode()
    file = signed_in.get(reverse("mfa_download_recovery_codes")).content.decode()

    assert len(codes) == 10
    assert all(code in page for code in codes)
    assert file.split() == codes


UNREADABLE = "This site can no longer check codes that were set up before its key was changed."


def test_code_after_a_change_of_key_is_answered_with_what_to_do(signed_in, attendee, settings):
    secret, _code = switch_on(signed_in)
    settings.SECRET_KEY = "another"
    client = first_step(attendee)

    response = client.post(reverse("mfa_authenticate"), {"code": code_now(secret)})

    assert response.status_code == 200
    assert UNREADABLE in response.content.decode()
    assert not is_signed_in(client)


@pytest.mark.parametrize("page", ["mfa_index", "mfa_view_recovery_codes"])
def test_page_after_a_change_of_key_says_what_to_do(signed_in, attendee, page):
    switch_on(signed_in)
    for factor in Authenticator.objects.all():
        factor.data = dict.fromkeys(factor.data, "sealed with another key")
        factor.data["used_mask"] = 0
        factor.save()

    response = signed_in.get(reverse(page))

    assert response.status_code == 409
    assert UNREADABLE in response.content.decode()


@pytest.mark.parametrize(
    "credential",
    [
        '{"id": "x", "response": {}}',
        '{"rawId": "eA", "response": {"signature": 1}}',
        "[1]",
        '"x"',
        "{",
    ],
)
def test_passkey_that_no_device_made_is_a_wrong_one(client, db, credential):
    client.get(reverse("mfa_login_webauthn"), headers={"Accept": "application/json"})

    response = client.post(reverse("mfa_login_webauthn"), {"credential": credential})

    assert response.status_code < 500
    assert not is_signed_in(client)
