"""Every page of allauth wears the site's frame (no bare page anywhere), and breaks no policy."""

import re
from pathlib import Path

import allauth
import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.mfa.models import Authenticator
from django.template import engines
from django.template.loader import get_template
from django.urls import reverse

from accounts import encryption
from tests.accounts.factories import UserFactory

PACKAGE = Path(allauth.__file__).parent / "templates"
FOLDERS = ("account", "mfa", "usersessions")
PAGES = sorted(
    str(path.relative_to(PACKAGE))
    for folder in FOLDERS
    for path in (PACKAGE / folder).rglob("*.html")
    if "snippets" not in path.parts
)
VISITOR = [
    "account_login",
    "account_signup",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key_done",
    "account_email_verification_sent",
    "account_inactive",
]
SIGNED_IN = [
    "account_email",
    "account_change_password",
    "account_logout",
    "account_reauthenticate",
    "mfa_index",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_list_webauthn",
    "usersessions_list",
    "accounts:profile",
    "accounts:export",
    "accounts:delete",
]
WITH_APP = ["mfa_deactivate_totp", "mfa_generate_recovery_codes", "mfa_view_recovery_codes"]
INLINE = re.compile(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*(\ssrc=|application/json))")


def assert_is_dressed(response, *, status=200):
    page = response.content.decode()
    assert response.status_code == status
    assert '<main id="main"' in page
    assert page.count("<h1") == 1
    assert not INLINE.search(page)
    assert not re.search(r"Email\b|Log ?in\b|Two-Factor|Sign In|Sign Up", page)
    assert page.count('class="btn btn-primary btn-wide btn-lg"') <= 1


@pytest.mark.parametrize("name", PAGES)
def test_page_of_allauth_stands_in_the_sites_frame(name):
    template = get_template(name).template
    seen = []

    while template is not None:
        seen.append(template.name)
        source = Path(template.origin.name).read_text()
        parent = re.search(r'{%\s*extends\s+"([^"]+)"', source)
        template = get_template(parent[1]).template if parent else None

    assert seen[-1] == "base.html"


@pytest.mark.parametrize("name", sorted(p.name for p in (PACKAGE / "allauth/elements").iterdir()))
def test_element_of_allauth_is_our_own(name, settings):
    if name.startswith("provider"):  # sign-in through others' accounts, which the site has not
        return

    origin = engines["django"].get_template(f"allauth/elements/{name}").origin.name

    assert origin.startswith(str(settings.BASE_DIR / "templates"))


@pytest.mark.parametrize("name", VISITOR)
def test_page_for_visitors_is_dressed(client, db, name):
    assert_is_dressed(client.get(reverse(name)))


@pytest.mark.parametrize("name", SIGNED_IN)
def test_page_for_signed_in_people_is_dressed(signed_in, name):
    assert_is_dressed(signed_in.get(reverse(name)))


@pytest.mark.parametrize("name", WITH_APP)
def test_page_of_the_app_is_dressed(signed_in, attendee, name):
    give_app(attendee)

    assert_is_dressed(signed_in.get(reverse(name)))


def test_second_step_is_dressed(client):
    person = UserFactory()
    give_app(person)
    client.post(
        reverse("account_login"), {"login": person.email, "password": "correct-horse-battery"}
    )

    assert_is_dressed(client.get(reverse("mfa_authenticate")))


def test_reauthentication_by_app_is_dressed(signed_in, attendee):
    give_app(attendee)

    assert_is_dressed(signed_in.get(reverse("mfa_reauthenticate")))


@pytest.mark.parametrize("key", ["good", "bad"])
def test_confirmation_page_is_dressed(client, db, key):
    address = EmailAddress.objects.get(user=UserFactory())
    address.verified = False
    address.save()
    good = EmailConfirmationHMAC.create(address).key

    path = reverse("account_confirm_email", args=[good if key == "good" else "bad"])

    assert_is_dressed(client.get(path))


def test_confirmation_page_for_an_address_of_somebody_else_is_dressed(client, db):
    UserFactory(email="one@example.org")
    other = UserFactory(verified=False)
    address = EmailAddress.objects.create(user=other, email="one@example.org")

    response = client.get(
        reverse("account_confirm_email", args=[EmailConfirmationHMAC.create(address).key])
    )

    assert_is_dressed(response)
    assert "That address is taken" in response.content.decode()


def test_password_page_of_a_bad_link_is_dressed(client, db):
    assert_is_dressed(client.get(reverse("account_reset_password_from_key", args=["1", "bad"])))


def test_sign_in_error_is_dressed(client, db):
    response = client.post(reverse("account_login"), {"login": "a@example.org", "password": "x"})

    assert_is_dressed(response)


def test_pages_with_secrets_are_not_kept_by_caches(signed_in, attendee):
    give_app(attendee)

    for name in ("accounts:profile", "accounts:export", "accounts:delete"):
        assert "no-store" in signed_in.get(reverse(name))["Cache-Control"]


def give_app(person):
    Authenticator.objects.create(
        user=person,
        type=Authenticator.Type.TOTP,
        data={"secret": encryption.encrypt("JBSWY3DPEHPK3PXP")},
    )
    Authenticator.objects.create(
        user=person,
        type=Authenticator.Type.RECOVERY_CODES,
        data={"seed": encryption.encrypt("5eed" * 20), "used_mask": 0},
    )
