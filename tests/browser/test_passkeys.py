"""Passkeys in a real browser, under the site's static policy, with a virtual authenticator."""

import re

import pytest
from playwright.sync_api import expect

from tests.accounts.factories import PASSWORD, UserFactory

pytestmark = [
    pytest.mark.browser,
    pytest.mark.sqlite,  # what a browser makes of a page is the same on both
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def tab(browser):
    """A desktop tab with an authenticator; the test fails when the page breaks its own policy."""
    context = browser.new_context()
    page = context.new_page()
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: line.type == "error" and complaints.append(line.text))
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    yield page
    context.close()
    assert complaints == []


def sign_in(page, site, person):
    page.goto(f"{site}/accounts/login/")
    page.get_by_label("E-mail address").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"{site}/")


def test_passkey_is_added_signs_in_alone_and_is_removed(site, tab):
    person = UserFactory()
    sign_in(tab, site, person)

    tab.goto(f"{site}/accounts/2fa/webauthn/add/")
    tab.get_by_label("Your password").fill(PASSWORD)
    tab.get_by_role("button", name="Go on").click()
    tab.get_by_label("Name").fill("Laptop")
    tab.get_by_role("button", name="Add passkey").click()
    tab.wait_for_url(re.compile("recovery-codes"))
    expect(tab.locator(".codes li")).to_have_count(10)

    tab.goto(f"{site}/accounts/logout/")
    tab.locator("main").get_by_role("button", name="Sign out").click()
    tab.goto(f"{site}/accounts/login/")
    tab.get_by_role("button", name="Sign in with a passkey").click()
    tab.wait_for_url(f"{site}/")

    tab.goto(f"{site}/accounts/2fa/webauthn/")
    expect(tab.get_by_text("Laptop")).to_be_visible()
    tab.get_by_role("link", name="Remove").click()
    if "reauthenticate" in tab.url:
        tab.get_by_label("Your password").fill(PASSWORD)
        tab.get_by_role("button", name="Go on").click()
    tab.get_by_role("button", name="Remove passkey").click()
    tab.get_by_text("No passkeys yet.").wait_for()


def test_passkey_as_second_step_after_the_password(site, tab):
    person = UserFactory()
    sign_in(tab, site, person)
    tab.goto(f"{site}/accounts/2fa/webauthn/add/")
    tab.get_by_label("Your password").fill(PASSWORD)
    tab.get_by_role("button", name="Go on").click()
    tab.get_by_label("Sign in with it alone, without the password").uncheck()
    tab.get_by_role("button", name="Add passkey").click()
    tab.wait_for_url(re.compile("recovery-codes"))
    tab.goto(f"{site}/accounts/logout/")
    tab.locator("main").get_by_role("button", name="Sign out").click()

    tab.goto(f"{site}/accounts/login/")
    tab.get_by_label("E-mail address").fill(person.email)
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in", exact=True).click()
    tab.wait_for_url(re.compile("2fa/authenticate"))
    tab.get_by_role("button", name="Use a passkey").click()

    tab.wait_for_url(f"{site}/")


def test_passkey_that_is_not_used_is_said_on_the_page(site, browser):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{site}/accounts/login/")
    page.evaluate("() => { navigator.credentials.get = () => Promise.reject(Error('no')); }")

    page.get_by_role("button", name="Sign in with a passkey").click()

    page.get_by_text("The passkey was not used.").wait_for()
    context.close()
