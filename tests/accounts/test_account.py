import json
import re

import pytest
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from accounts import services
from accounts.models import User
from accounts.signals import account_closing, personal_data_requested
from evento.refusals import Refusal
from tests.accounts.factories import PASSWORD, UserFactory

PROFILE = {"display_name": "Ada L", "username": "ada.l", "time_zone": "Europe/London"}


@pytest.fixture
def connected():
    """Connect receivers for the length of one test."""
    connections = []

    def connect(signal, receiver):
        signal.connect(receiver, weak=False)
        connections.append((signal, receiver))

    yield connect
    for signal, receiver in connections:
        signal.disconnect(receiver)


def sign_in(client, person, password=PASSWORD):
    return client.post(reverse("account_login"), {"login": person.email, "password": password})


def is_signed_in(client):
    return client.get(reverse("accounts:profile")).status_code == 200


# --- Profile ----------------------------------------------------------------------------------------


def test_display_name_stays_on_one_line(signed_in, attendee):
    signed_in.post(reverse("accounts:profile"), PROFILE | {"display_name": "Ada\r\n\r\nYou won"})

    attendee.refresh_from_db()
    assert attendee.display_name == "Ada You won"


def test_profile_saves_name_username_and_time_zone(client, attendee):
    client.force_login(attendee)

    response = client.post(reverse("accounts:profile"), PROFILE)

    attendee.refresh_from_db()
    assert response.url == reverse("accounts:profile")
    assert {name: getattr(attendee, name) for name in PROFILE} == PROFILE


@pytest.mark.parametrize("username", ["taken", "TAKEN", "deleted-me", "no spaces"])
def test_profile_with_a_username_nobody_may_have_changes_nothing(client, attendee, username):
    UserFactory(username="taken")
    client.force_login(attendee)
    before = attendee.username

    response = client.post(reverse("accounts:profile"), PROFILE | {"username": username})

    attendee.refresh_from_db()
    assert response.status_code == 422
    assert list(response.context["form"].errors) == ["username"]
    assert (attendee.username, attendee.display_name) != (username, "Ada L")
    assert attendee.username == before
    assert f"<strong>{username}" not in response.content.decode()


def test_profile_takes_the_own_username_in_another_case(client, attendee):
    client.force_login(attendee)

    client.post(reverse("accounts:profile"), PROFILE | {"username": attendee.username.upper()})

    before = attendee.username
    attendee.refresh_from_db()
    assert attendee.username == before.upper()


def test_profile_refuses_a_time_zone_that_is_none(client, attendee):
    client.force_login(attendee)

    response = client.post(reverse("accounts:profile"), PROFILE | {"time_zone": "Mars/Olympus"})

    assert list(response.context["form"].errors) == ["time_zone"]


def test_time_zones_are_looked_up_once(client, attendee, monkeypatch):
    sign_in(client, attendee)
    client.post(reverse("accounts:profile"), PROFILE)
    monkeypatch.delattr("zoneinfo.available_timezones")

    client.post(reverse("accounts:profile"), PROFILE | {"time_zone": "Europe/Rome"})

    attendee.refresh_from_db()
    assert attendee.time_zone == "Europe/Rome"
    assert client.get(reverse("accounts:profile")).status_code == 200


def test_profile_keeps_a_time_zone_by_an_old_name(client):
    person = UserFactory(time_zone="GB")
    client.force_login(person)

    client.post(reverse("accounts:profile"), PROFILE | {"time_zone": "GB"})

    person.refresh_from_db()
    assert person.time_zone == "GB"


def test_change_profile_refuses_a_username_taken_in_the_same_moment(attendee, monkeypatch):
    UserFactory(username="taken")
    monkeypatch.setattr(type(User.objects), "is_username_taken", lambda *_, **__: False)

    with pytest.raises(Refusal) as refused:
        services.change_profile(attendee, changes={"username": "Taken"})

    assert refused.value.code == "username_taken"


def test_change_profile_takes_nothing_beyond_the_profile(attendee):
    with pytest.raises(ValueError, match="is_staff"):
        services.change_profile(attendee, changes={"is_staff": True})


def test_profile_offers_the_organiser_code_to_attendees_only(client, attendee, organiser):
    client.force_login(attendee)
    assert "organiser_code" in client.get(reverse("accounts:profile")).content.decode()

    client.force_login(organiser)
    assert "organiser_code" not in client.get(reverse("accounts:profile")).content.decode()


def test_become_organiser_twice_is_quiet(client, organiser):
    client.force_login(organiser)

    response = client.post(reverse("accounts:become_organiser"), {"organiser_code": "wrong"})

    assert response.url == reverse("accounts:profile")


@pytest.mark.parametrize("name", ["profile", "export", "delete"])
def test_own_pages_send_visitors_to_sign_in(client, db, name):
    response = client.get(reverse(f"accounts:{name}"))

    assert response.url == f"{reverse('account_login')}?next={reverse(f'accounts:{name}')}"


@pytest.mark.parametrize("name", ["become_organiser", "end_session"])
def test_changes_are_made_by_post_only(client, attendee, name):
    client.force_login(attendee)

    response = client.get(reverse(f"accounts:{name}", args=[1] if name == "end_session" else []))

    assert response.status_code == 405


# --- E-mail and password ----------------------------------------------------------------------------


def test_change_of_address_waits_for_its_confirmation_and_tells_the_old_one(signed_in, attendee):
    old = attendee.email
    signed_in.post(reverse("account_email"), {"email": "new@example.org", "action_add": ""})
    attendee.refresh_from_db()
    assert attendee.email == old
    key = re.search(r"/accounts/confirm-email/[^/]+/", mail.outbox[-1].body).group(0)

    signed_in.post(key)

    attendee.refresh_from_db()
    assert attendee.email == "new@example.org"
    assert list(EmailAddress.objects.values_list("email", "verified")) == [
        ("new@example.org", True)
    ]
    told = mail.outbox[-1]
    assert told.to == [old]
    assert f"from {old} to new@example.org" in told.body


def test_change_to_an_address_that_somebody_signed_up_with_meanwhile_fails_softly(
    signed_in, attendee
):
    signed_in.post(reverse("account_email"), {"email": "new@example.org", "action_add": ""})
    key = re.search(r"/accounts/confirm-email/[^/]+/", mail.outbox[-1].body).group(0)
    UserFactory(email="new@example.org", verified=False)

    response = signed_in.post(key, follow=True)

    attendee.refresh_from_db()
    assert response.status_code == 200
    assert "could not be confirmed" in response.content.decode()
    assert attendee.email != "new@example.org"
    assert EmailAddress.objects.get(user=attendee, verified=True).email == attendee.email


def test_change_of_address_asks_for_the_password_again(client, attendee):
    client.force_login(attendee)

    response = client.post(reverse("account_email"), {"email": "new@example.org", "action_add": ""})

    assert reverse("account_reauthenticate") in response.url


def test_change_of_password_keeps_this_device_and_signs_others_out(signed_in, attendee):
    other = Client()
    sign_in(other, attendee)

    signed_in.post(
        reverse("account_change_password"),
        {
            "oldpassword": PASSWORD,
            "password1": "difference-engine-1822",
            "password2": "difference-engine-1822",
        },
    )

    assert is_signed_in(signed_in)
    assert not is_signed_in(other)
    assert mail.outbox[-1].subject == "Your password was changed"


def test_reset_by_mail_sets_a_new_password_once(client, attendee):
    client.post(reverse("account_reset_password"), {"email": attendee.email})
    link = re.search(r"/accounts/password/reset/key/\S+", mail.outbox[-1].body).group(0)
    new = {"password1": "difference-engine-1822", "password2": "difference-engine-1822"}

    page = client.get(link, follow=True)
    client.post(page.request["PATH_INFO"], new)
    again = Client().get(link, follow=True)

    attendee.refresh_from_db()
    assert attendee.check_password("difference-engine-1822")
    assert "This link no longer works" in again.content.decode()


def test_set_password_saves_the_password_and_nothing_else(client, attendee):
    client.force_login(attendee)
    stale = User.objects.get(pk=attendee.pk)
    User.objects.filter(pk=attendee.pk).update(role=User.Role.ORGANISER)

    get_adapter().set_password(stale, "difference-engine-1822")

    attendee.refresh_from_db()
    assert attendee.is_organiser
    assert attendee.check_password("difference-engine-1822")


# --- Devices ----------------------------------------------------------------------------------------


def test_devices_list_each_sign_in(signed_in, attendee):
    other = Client(headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"})
    sign_in(other, attendee)

    page = signed_in.get(reverse("usersessions_list")).content.decode()

    assert "Firefox on Linux" in page
    assert page.count("This device") == 1


def test_end_session_signs_that_device_out(signed_in, attendee):
    other = Client()
    sign_in(other, attendee)
    session = UserSession.objects.get(session_key=other.session.session_key)

    signed_in.post(reverse("accounts:end_session", args=[session.pk]))

    assert not is_signed_in(other)
    assert is_signed_in(signed_in)


def test_end_session_of_somebody_else_is_not_found(signed_in):
    other, stranger = Client(), UserFactory()
    sign_in(other, stranger)
    session = UserSession.objects.get(user=stranger)

    response = signed_in.post(reverse("accounts:end_session", args=[session.pk]))

    assert response.status_code == 404
    assert is_signed_in(other)


def test_sign_out_elsewhere_leaves_only_this_device(signed_in, attendee):
    other = Client()
    sign_in(other, attendee)

    signed_in.post(reverse("usersessions_list"))

    assert is_signed_in(signed_in)
    assert not is_signed_in(other)


# --- Export -----------------------------------------------------------------------------------------


def test_export_holds_the_account_and_what_receivers_add(signed_in, attendee, connected):
    UserFactory(email="stranger@example.org")
    connected(personal_data_requested, lambda user, **_: ("hobbies", [user.username]))

    response = signed_in.post(reverse("accounts:export"))

    data = json.loads(response.content)
    assert response["Content-Disposition"].startswith("attachment")
    assert data["account"]["email"] == attendee.email
    assert data["email_addresses"] == [{"email": attendee.email, "verified": True, "primary": True}]
    assert data["hobbies"] == [attendee.username]
    assert len(data["sessions"]) == 1
    assert "stranger@example.org" not in response.content.decode()
    assert attendee.password not in response.content.decode()


def test_export_by_get_only_explains(client, attendee):
    client.force_login(attendee)

    response = client.get(reverse("accounts:export"))

    assert "Download my data" in response.content.decode()
    assert "Content-Disposition" not in response


# --- Deletion ---------------------------------------------------------------------------------------


def test_delete_scrubs_the_row_and_signs_out_everywhere(signed_in, attendee):
    other = Client()
    sign_in(other, attendee)
    Authenticator.objects.create(user=attendee, type=Authenticator.Type.TOTP, data={"secret": "x"})
    User.objects.filter(pk=attendee.pk).update(is_staff=True, is_superuser=True, role="organiser")

    response = signed_in.post(reverse("accounts:delete"), {"password": PASSWORD})

    old, gone = attendee.email, User.objects.get(pk=attendee.pk)
    assert response.url == reverse("events:list")
    assert gone.username == f"deleted-{gone.pk}"
    assert old not in gone.email
    assert gone.email.endswith("@deleted.invalid")
    assert (gone.display_name, gone.role, gone.time_zone) == ("", "attendee", "UTC")
    assert not any([gone.is_active, gone.is_staff, gone.is_superuser])
    assert not gone.has_usable_password()
    assert not EmailAddress.objects.filter(user=gone).exists()
    assert not Authenticator.objects.filter(user=gone).exists()
    assert not UserSession.objects.filter(user=gone).exists()
    assert not any(
        session.get_decoded().get("_auth_user_id") == str(gone.pk)
        for session in Session.objects.all()
    )
    assert not is_signed_in(signed_in)
    assert not is_signed_in(other)


def test_delete_with_a_wrong_password_changes_nothing(signed_in, attendee):
    response = signed_in.post(reverse("accounts:delete"), {"password": "not-the-password"})

    attendee.refresh_from_db()
    assert response.status_code == 422
    assert list(response.context["form"].errors) == ["password"]
    assert attendee.is_active


def test_delete_guesses_count_against_the_limits_of_sign_in(signed_in, attendee):
    for _ in range(5):
        signed_in.post(reverse("accounts:delete"), {"password": "not-the-password"})

    response = signed_in.post(reverse("accounts:delete"), {"password": PASSWORD})

    attendee.refresh_from_db()
    assert response.status_code == 422
    assert attendee.is_active


def test_delete_by_get_only_asks(client, attendee):
    client.force_login(attendee)

    response = client.get(reverse("accounts:delete"))

    attendee.refresh_from_db()
    assert response.status_code == 200
    assert attendee.is_active


def test_delete_that_a_receiver_refuses_changes_nothing_and_says_why(
    signed_in, attendee, connected
):
    def write_then_refuse(user, **kwargs):
        User.objects.filter(pk=user.pk).update(display_name="half done")
        raise Refusal("last_organiser", "You are the only organiser of: Night walk.")

    connected(account_closing, write_then_refuse)
    name = attendee.display_name

    response = signed_in.post(reverse("accounts:delete"), {"password": PASSWORD})

    attendee.refresh_from_db()
    assert response.status_code == 409
    assert "You are the only organiser of: Night walk." in response.content.decode()
    assert (attendee.is_active, attendee.display_name) == (True, name)
    assert is_signed_in(signed_in)


def test_delete_is_refused_with_the_list_for_the_only_organiser(client, organiser, event):
    client.post(reverse("account_login"), {"login": organiser.email, "password": PASSWORD})

    response = client.post(reverse("accounts:delete"), {"password": PASSWORD})

    organiser.refresh_from_db()
    assert response.status_code == 409
    assert event.title in response.content.decode()
    assert organiser.is_active


def test_close_account_tells_receivers_before_it_scrubs(attendee, now, connected):
    heard = []
    connected(account_closing, lambda user, now, **_: heard.append((user.email, now)))

    services.close_account(attendee, now=now)

    assert heard == [(attendee.email, now)]


def test_close_account_twice_is_quiet(attendee, connected):
    services.close_account(attendee)
    heard = []
    connected(account_closing, lambda user, **_: heard.append(user))

    services.close_account(attendee)

    assert heard == []


def test_address_and_username_of_a_deleted_account_are_free_again(attendee, sign_up):
    services.close_account(attendee)

    sign_up(username=attendee.username, email=attendee.email)

    assert User.objects.filter(username=attendee.username, is_active=True).exists()


# --- The database's own word ------------------------------------------------------------------------


@pytest.mark.parametrize("clash", [{"username": "ADA"}, {"email": "Ada@Example.org"}])
def test_database_refuses_the_same_name_or_address_in_another_case(db, clash):
    UserFactory(username="ada", email="ada@example.org")

    with pytest.raises(IntegrityError), transaction.atomic():
        UserFactory(**{"username": "eve", "email": "eve@example.org"} | clash)
