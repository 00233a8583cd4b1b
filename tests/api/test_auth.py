"""Sign-up, sign-in and tokens through allauth's headless API: the same accounts and rules as the site."""

import re
import time

import jwt
import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from allauth.usersessions.models import UserSession
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts import services
from accounts.models import User, UsernameHold
from tests.accounts.factories import PASSWORD, UserFactory
from tests.accounts.test_organiser_code import CODE

NEW = {
    "username": "ada",
    "email": "ada@example.org",
    "password": "analytical-engine-1843",
}
AUTH = "/auth/app/v1"


def sign_up(program, **fields):
    return program.call("POST", f"{AUTH}/auth/signup", NEW | fields)


def sign_in(program, email, password=PASSWORD):
    return program.call("POST", f"{AUTH}/auth/login", {"email": email, "password": password})


def refresh(program, token):
    return program.call("POST", f"{AUTH}/tokens/refresh", {"refresh_token": token})


def flows(answer):
    return [flow["id"] for flow in answer.json()["data"]["flows"] if flow.get("is_pending")]


def params(answer):
    return {error.get("param"): error["code"] for error in answer.json()["errors"]}


# --- Sign-up ----------------------------------------------------------------------------------------


def test_sign_up_asks_to_confirm_and_gives_no_access(program):
    answer = sign_up(program)

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert flows(answer) == ["verify_email"]
    assert "access_token" not in answer.json()["meta"]
    assert User.objects.get().role == User.Role.ATTENDEE


def test_mail_leads_to_the_sites_own_page(program, settings):
    settings.SITE_URL = "https://tickets.example.org"

    sign_up(program)

    assert "https://tickets.example.org/accounts/confirm-email/" in mail.outbox[0].body


def key_in(message):
    return re.search(r"/accounts/confirm-email/([^/]+)/", message.body).group(1)


def test_sign_in_works_once_the_address_is_confirmed_on_the_page(program, client):
    sign_up(program)
    before = sign_in(program, NEW["email"], NEW["password"])
    client.post(reverse("account_confirm_email", args=[key_in(mail.outbox[0])]))

    after = sign_in(program, NEW["email"], NEW["password"])

    assert (before.status_code, after.status_code) == (401, 200)
    assert flows(before) == ["verify_email"]


def test_key_of_the_mail_confirms_through_the_api_too(program):
    sign_up(program)

    program.call("POST", f"{AUTH}/auth/email/verify", {"key": key_in(mail.outbox[0])})

    assert EmailAddress.objects.get().verified


def test_sign_up_with_the_organiser_code_makes_an_organiser(program):
    sign_up(program, organiser_code=CODE)

    assert User.objects.get().is_organiser


def test_sign_up_with_a_wrong_code_makes_no_account(program):
    answer = sign_up(program, organiser_code="wrong")

    assert answer.status_code == 400
    assert params(answer) == {"organiser_code": "wrong_organiser_code"}
    assert not User.objects.exists()


def test_wrong_codes_here_and_on_the_page_count_together(program, client):
    for n in range(5):
        client.post(
            reverse("account_signup"),
            {"username": f"a{n}", "email": f"a{n}@example.org", "organiser_code": "wrong"}
            | {"password1": NEW["password"], "password2": NEW["password"]},
        )

    answer = sign_up(program, organiser_code=CODE)

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) == 600
    assert params(answer) == {"organiser_code": "too_many_organiser_codes"}
    assert not User.objects.exists()


def test_sign_up_checks_password_and_username(program):
    UserFactory(username="taken")

    answer = sign_up(program, username="Taken", password="password")

    assert set(params(answer)) == {"username", "password"}
    assert User.objects.count() == 1


@pytest.mark.parametrize("field", ["role", "is_staff", "password1"])
def test_unknown_field_is_refused(program, field):
    answer = sign_up(program, **{field: "organiser"})

    assert answer.status_code == 400
    assert params(answer) == {field: "extra_forbidden"}
    assert not User.objects.exists()


def test_sign_up_looks_the_same_for_known_and_unknown_addresses(program):
    UserFactory(email="known1@example.org")

    known = sign_up(program, username="one", email="known1@example.org")
    unknown = sign_up(program, username="two", email="absent@example.org")

    assert known.status_code == unknown.status_code == 401
    assert without_tokens(known) == without_tokens(unknown)
    assert sorted(known.headers) == sorted(unknown.headers)
    assert len(mail.outbox) == 2


def without_tokens(answer):
    body = answer.json()
    assert body["meta"].pop("session_token")
    return body


def test_username_asked_for_with_a_known_address_is_taken_afterwards(program):
    UserFactory(email="known@example.org")
    sign_up(program, username="Probe", email="known@example.org")

    answer = sign_up(program, username="probe", email="other@example.org")

    assert set(params(answer)) == {"username"}
    assert UsernameHold.objects.get().username == "probe"


def test_reset_looks_the_same_for_known_and_unknown_addresses(program):
    UserFactory(email="known1@example.org")

    answers = [
        program.call("POST", f"{AUTH}/auth/password/request", {"email": email})
        for email in ("known1@example.org", "absent@example.org")
    ]

    assert answers[0].status_code == 200
    assert answers[0].content == answers[1].content
    assert "http://localhost:8000/accounts/password/reset/key/" in mail.outbox[0].body


def test_wrong_password_looks_the_same_for_known_and_unknown_addresses(program, attendee):
    known, unknown = sign_in(program, attendee.email, "x"), sign_in(program, "a@b.example", "x")

    assert known.status_code == 400
    assert known.content == unknown.content


# --- Sign-in and tokens -----------------------------------------------------------------------------


def test_token_opens_the_api_and_says_no_role(program, attendee):
    answer = sign_in(program, attendee.email)

    meta = answer.json()["meta"]
    claims = decoded(meta["access_token"])
    assert set(claims) == {"iat", "exp", "sid", "jti", "token_use", "sub"}
    assert claims["exp"] - claims["iat"] == 300
    assert not answer.cookies


def decoded(token):
    return jwt.decode(token, options={"verify_signature": False})


def test_token_signed_by_another_key_opens_nothing(program, program_of, attendee):
    claims = decoded(program_of(attendee).token)
    for key, algorithm in (("x" * 64, "HS256"), (None, "none")):
        program.token = jwt.encode(claims, key, algorithm=algorithm)
        assert program.call("GET", "/me").status_code == 401


@pytest.mark.parametrize(("seconds", "status"), [(299, 200), (300, 401)])
def test_token_that_was_good_a_moment_ago_ends_with_its_time(program_of, attendee, seconds, status):
    caller = program_of(attendee)
    assert caller.call("GET", "/me").status_code == 200
    issued = decoded(caller.token)["iat"]

    with time_machine.travel(issued + seconds, tick=False):
        assert caller.call("GET", "/me").status_code == status


def test_token_from_a_clock_that_is_ahead_is_good_when_its_time_has_come(program_of, attendee):
    caller = program_of(attendee)
    issued = decoded(caller.token)["iat"]

    with time_machine.travel(issued - 10, tick=False):
        assert caller.call("GET", "/me").status_code == 401

    assert caller.call("GET", "/me").status_code == 200


def test_refresh_token_opens_nothing_itself(program_of, attendee):
    caller = program_of(attendee)
    caller.token = caller.refresh_token

    assert caller.call("GET", "/me").status_code == 401


def test_refresh_token_works_once(program_of, attendee):
    caller = program_of(attendee)
    first = caller.refresh_token

    answer = refresh(caller, first)

    assert answer.json()["data"]["refresh_token"] != first
    assert refresh(caller, first).status_code == 400
    assert refresh(caller, answer.json()["data"]["refresh_token"]).status_code == 200


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é", "a b"])
def test_authorization_that_is_no_token_is_401_also_where_visitors_may_read(program, token):
    answer = program.call("GET", "/events", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 401


def test_authorization_of_another_kind_is_401_also_where_visitors_may_read(program):
    answer = program.call("GET", "/events", headers={"Authorization": "Basic YTpi"})

    assert answer.status_code == 401


def end_by_sign_out(caller, person):
    assert caller.call("DELETE", f"{AUTH}/auth/session").status_code == 401


def end_by_password_change(caller, person):
    person.set_password("another-one-entirely-77")
    person.save()


def end_by_staff(caller, person):
    services.change_standing(person, changes={"is_active": False})


def end_by_inactive_row(caller, person):
    User.objects.filter(pk=person.pk).update(is_active=False)


def end_by_closing(caller, person):
    services.close_account(person)


def end_by_the_list_of_devices(caller, person):
    assert services.end_sessions(person) == 1


def end_by_deleted_row(caller, person):
    UserSession.objects.all().delete()
    EmailAddress.objects.all().delete()
    person.delete()


ENDS = [
    end_by_sign_out,
    end_by_password_change,
    end_by_staff,
    end_by_inactive_row,
    end_by_closing,
    end_by_the_list_of_devices,
    end_by_deleted_row,
]


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_both_tokens_end_at_once(program_of, attendee, end):
    caller = program_of(attendee)

    end(caller, attendee)

    assert caller.call("GET", "/me").status_code == 401
    assert refresh(caller, caller.refresh_token).status_code == 400


def test_password_change_through_the_api_ends_other_sign_ins(program_of, attendee):
    caller, elsewhere = program_of(attendee), program_of(attendee)

    answer = caller.call(
        "POST",
        f"{AUTH}/account/password/change",
        {"current_password": PASSWORD, "new_password": "another-one-entirely-77"},
    )

    assert answer.status_code == 200
    assert elsewhere.call("GET", "/me").status_code == 401


def test_sign_in_of_an_inactive_account_is_refused(program, attendee):
    User.objects.filter(pk=attendee.pk).update(is_active=False)

    answer = sign_in(program, attendee.email)

    assert answer.status_code == 401
    assert "access_token" not in answer.json()["meta"]


def test_sign_in_is_on_the_list_of_devices(program_of, attendee):
    program_of(attendee)

    assert UserSession.objects.filter(user=attendee).count() == 1


# --- Limits -----------------------------------------------------------------------------------------


def test_sixth_wrong_password_is_429_even_when_right(program, attendee):
    for _ in range(5):
        assert sign_in(program, attendee.email, "wrong").status_code == 400

    answer = sign_in(program, attendee.email)

    assert answer.status_code == answer.json()["status"] == 429
    assert int(answer["Retry-After"]) == 300
    assert "too_many_login_attempts" in params(answer).values()


def test_wrong_passwords_here_and_on_the_page_count_together(program, client, attendee):
    for _ in range(5):
        client.post(reverse("account_login"), {"login": attendee.email, "password": "wrong"})

    assert sign_in(program, attendee.email).status_code == 429


def test_too_many_sign_ups_are_429_and_say_when_to_go_on(program):
    for n in range(20):
        sign_up(program, username=f"person{n}", password="x")

    answer = sign_up(program)

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0


def test_flood_from_an_address_is_429(program, settings):
    settings.API_READS_PER_MINUTE = 2
    for _ in range(2):
        assert refresh(program, "x").status_code == 400

    answer = refresh(program, "x")

    assert answer.status_code == 429
    assert answer["Content-Type"] == "application/problem+json"
    assert int(answer["Retry-After"]) > 0


# --- Second factor ----------------------------------------------------------------------------------


@pytest.fixture
def _still(monkeypatch):
    """The clock stands still within one half minute, so that a code stays the same code."""
    moment = time.time()
    monkeypatch.setattr("time.time", lambda: moment)


@pytest.fixture
def secret(attendee, _still):
    """The TOTP secret of an attendee whose second factor is on."""
    value = totp.generate_totp_secret()
    sealed = get_adapter().encrypt(value)
    Authenticator.objects.create(
        user=attendee, type=Authenticator.Type.TOTP, data={"secret": sealed}
    )
    return value


def code_of(secret):
    counters = list(totp.yield_hotp_counters_from_time())
    return totp.format_hotp_value(totp.hotp_value(secret, counters[0]))


def second_step(program, first, code):
    return program.call(
        "POST",
        f"{AUTH}/auth/2fa/authenticate",
        {"code": code},
        headers={"X-Session-Token": first.json()["meta"]["session_token"]},
    )


def test_second_factor_is_asked_for_and_then_gives_tokens(program, attendee, secret):
    first = sign_in(program, attendee.email)
    assert (first.status_code, flows(first)) == (401, ["mfa_authenticate"])
    assert "access_token" not in first.json()["meta"]

    second = second_step(program, first, code_of(secret))

    assert second.status_code == 200
    program.token = second.json()["meta"]["access_token"]
    assert program.call("GET", "/me").json()["email"] == attendee.email


def test_code_that_was_used_works_no_second_time(program, attendee, secret):
    code = code_of(secret)
    second_step(program, sign_in(program, attendee.email), code)

    again = second_step(program, sign_in(program, attendee.email), code)

    assert again.status_code == 400


def test_wrong_codes_are_limited(program, attendee, secret):
    first = sign_in(program, attendee.email)
    for _ in range(5):
        assert second_step(program, first, "000000").status_code == 400

    answer = second_step(program, first, code_of(secret))

    assert answer.status_code == 429
    assert answer["Retry-After"]


def test_second_factor_that_no_key_opens_is_said(program, attendee, secret):
    Authenticator.objects.update(data={"secret": "not sealed by us"})

    answer = second_step(program, sign_in(program, attendee.email), "123456")

    assert answer.status_code == 400
    assert params(answer) == {"code": "second_factor_unreadable"}


@pytest.mark.usefixtures("_still")
def test_code_that_switched_the_app_on_signs_nobody_in(program_of, program, attendee):
    caller = program_of(attendee)
    caller.call("POST", f"{AUTH}/auth/reauthenticate", {"password": PASSWORD})
    offered = caller.call("GET", f"{AUTH}/account/authenticators/totp").json()["meta"]["secret"]
    code = code_of(offered)
    assert (
        caller.call("POST", f"{AUTH}/account/authenticators/totp", {"code": code}).status_code
        == 200
    )

    answer = second_step(program, sign_in(program, attendee.email), code)

    assert answer.status_code == 400


# --- E-mail -----------------------------------------------------------------------------------------


NEW_ADDRESS = {"email": "new@example.org"}


def test_change_of_address_asks_for_the_password_and_holds_once_confirmed(program_of, attendee):
    old = attendee.email
    caller = program_of(attendee)
    assert caller.call("POST", f"{AUTH}/account/email", NEW_ADDRESS).status_code == 401
    caller.call("POST", f"{AUTH}/auth/reauthenticate", {"password": PASSWORD})
    assert caller.call("POST", f"{AUTH}/account/email", NEW_ADDRESS).status_code == 200
    attendee.refresh_from_db()
    assert attendee.email == old

    key = key_in(next(message for message in mail.outbox if message.to == ["new@example.org"]))
    caller.call("POST", f"{AUTH}/auth/email/verify", {"key": key})

    attendee.refresh_from_db()
    assert attendee.email == "new@example.org"
    assert caller.call("GET", "/me").json()["email"] == "new@example.org"


def test_change_to_a_known_address_looks_like_one_to_an_unknown(program_of, attendee):
    UserFactory(email="known1@example.org")
    caller = program_of(attendee)
    caller.call("POST", f"{AUTH}/auth/reauthenticate", {"password": PASSWORD})

    answers = []
    for email in ("known1@example.org", "absent@example.org"):
        answer = caller.call("POST", f"{AUTH}/account/email", {"email": email})
        answers.append((answer.status_code, answer.content.replace(email.encode(), b"...")))

    assert answers[0] == answers[1]
    assert answers[0][0] == 200


def test_mail_that_was_sent_just_now_is_429_and_says_when_it_is_sent_again(program_of, attendee):
    caller = program_of(attendee)
    caller.call("POST", f"{AUTH}/auth/reauthenticate", {"password": PASSWORD})
    caller.call("POST", f"{AUTH}/account/email", NEW_ADDRESS)

    answer = caller.call("PUT", f"{AUTH}/account/email", NEW_ADDRESS)

    assert (answer.status_code, answer["Retry-After"]) == (429, "180")


def test_addresses_are_for_those_who_are_signed_in(program):
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        assert program.call(method, f"{AUTH}/account/email", NEW_ADDRESS).status_code == 401


# --- Shapes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", ["{", "[]", '{"email": "\\ud800"}', b"\xff"])
def test_body_that_cannot_be_read_is_400(program, body):
    answer = program.call("POST", f"{AUTH}/auth/login", body)

    assert answer.status_code == 400
    assert "json" in answer["Content-Type"]


HUGE = 10**40
NONSENSE = [
    ("DELETE", "auth/sessions", {"sessions": [HUGE]}),
    ("DELETE", "auth/sessions", {"sessions": [-HUGE, "x", None, {}, [1]]}),
    ("DELETE", "auth/sessions", {"sessions": {}}),
    ("DELETE", "account/authenticators/webauthn", {"authenticators": [HUGE]}),
    ("PUT", "account/authenticators/webauthn", {"id": HUGE, "name": "x"}),
    ("PUT", "account/authenticators/webauthn", {"id": {}, "name": []}),
    ("POST", "account/authenticators/webauthn", {"name": "x", "credential": {}}),
    ("POST", "account/authenticators/webauthn", {"name": "x", "credential": {"response": "x"}}),
    ("POST", "account/authenticators/webauthn", {"name": "x", "credential": "x"}),
    ("POST", "auth/webauthn/login", {"credential": {"id": "x", "response": {}}}),
    ("POST", "auth/webauthn/reauthenticate", {"credential": [1, 2]}),
    ("POST", "account/authenticators/totp", {"code": ["1"]}),
    ("POST", "auth/email/verify", {"key": "x:y:z"}),
    ("POST", "auth/email/verify", {"key": {}}),
    ("POST", "auth/password/reset", {"key": "0-x", "password": "x"}),
    ("POST", "auth/password/reset", {"key": "zzzzzzzzzzzzzzzzzzzzz-x", "password": "x"}),
    ("POST", "tokens/refresh", {"refresh_token": {}}),
    ("PATCH", "account/email", {"email": "x", "primary": "x"}),
    ("DELETE", "account/email", {"email": "nobody@example.org"}),
]


@pytest.mark.parametrize(("method", "path", "body"), NONSENSE)
def test_nonsense_is_refused(program_of, attendee, method, path, body):
    caller = program_of(attendee)
    caller.call("POST", f"{AUTH}/auth/reauthenticate", {"password": PASSWORD})
    caller.call("GET", f"{AUTH}/account/authenticators/webauthn")
    caller.call("GET", f"{AUTH}/account/authenticators/totp")

    answer = caller.call(method, f"{AUTH}/{path}", body)

    assert 400 <= answer.status_code < 500


def test_body_that_is_not_called_json_is_415(program):
    answer = program.call(
        "POST", f"{AUTH}/auth/login", "email=a", content_type="application/x-www-form-urlencoded"
    )

    assert answer.status_code == 415


@pytest.mark.parametrize("method", ["PUT", "TRACE", "OPTIONS"])
def test_method_that_is_not_answered_is_405(program, method):
    answer = program.call(method, f"{AUTH}/auth/login", NEW)

    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("name", ["auth/phone/verify", "account/phone", "auth/code/confirm"])
def test_what_this_site_does_not_offer_has_no_address(program, name):
    assert program.call("POST", f"{AUTH}/{name}", {}).status_code == 404


def test_browser_client_is_not_offered(program):
    assert program.call("GET", "/auth/browser/v1/config").status_code == 404


# --- The site's own session -------------------------------------------------------------------------


def test_session_of_the_site_reads(client, attendee):
    client.force_login(attendee)

    assert client.get("/api/v1/me").json()["email"] == attendee.email


def test_session_of_the_site_changes_only_with_its_csrf_token(attendee):
    client = Client(enforce_csrf_checks=True)
    client.force_login(attendee)
    client.get(reverse("accounts:profile"))
    change = {"data": {"display_name": "Ada"}, "content_type": "application/json"}

    without = client.patch("/api/v1/me", **change)
    token = client.cookies["csrftoken"].value
    within = client.patch("/api/v1/me", **change, headers={"X-CSRFToken": token})

    assert (without.status_code, without.json()["code"]) == (403, "csrf_failed")
    assert within.status_code == 200


def test_token_that_is_wrong_is_not_saved_by_a_session(client, attendee):
    client.force_login(attendee)

    assert client.get("/api/v1/me", headers={"Authorization": "Bearer x"}).status_code == 401
