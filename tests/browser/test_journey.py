"""The main job as two people do it in a browser, with and without script (SPEC 1, 2, 3)."""

import re
from datetime import timedelta
from email import message_from_bytes
from email.policy import default

import pytest
import zxingcpp
from django.utils import timezone
from PIL import Image
from playwright.sync_api import expect

from accounts.models import User
from events.models import Event
from tickets.models import Ticket

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "a-quiet-evening-in-november"
LINK = re.compile(r"http://localhost:\d+/accounts/confirm-email/\S+")


class Visitor:
    """Somebody at the browser, who knows the words on the pages and nothing else."""

    def __init__(self, tab, site, deliver):
        self.tab, self.site, self.deliver = tab, site, deliver

    def press(self, name):
        self.tab.get_by_role("button", name=name, exact=True).click()

    def sign_up(self, username, code=""):
        self.tab.goto(f"{self.site}/accounts/signup/")
        self.tab.get_by_label("Username").fill(username)
        self.tab.get_by_label("E-mail address").fill(f"{username}@example.org")
        self.tab.get_by_label("Password", exact=False).first.fill(PASSWORD)
        self.tab.get_by_label("Password, again").fill(PASSWORD)
        self.tab.get_by_label("Organiser code").fill(code)
        self.press("Sign up")

    def confirm(self):
        [mail] = self.deliver()
        text = message_from_bytes(mail.message().as_bytes(), policy=default).get_body(("plain",))
        self.tab.goto(LINK.search(text.get_content()).group())
        self.press("Confirm this address")

    def sign_in(self, username):
        self.tab.goto(f"{self.site}/accounts/login/")
        self.tab.get_by_label("E-mail address").fill(f"{username}@example.org")
        self.tab.get_by_label("Password").fill(PASSWORD)
        self.press("Sign in")

    def join(self, username, code=""):
        self.sign_up(username, code)
        expect(self.tab.get_by_role("heading", level=1)).to_contain_text("mail")
        self.confirm()
        self.sign_in(username)

    def open_menu(self):
        self.tab.locator("header summary").last.click()

    def sign_out(self):
        self.tab.goto(self.site)
        self.open_menu()
        self.press("Sign out")

    def publish(self, title, starts):
        """Create an event from the site's own "New event"."""
        self.tab.goto(self.site)
        link = self.tab.get_by_role("link", name="New event").locator("visible=true")
        if not link.count():
            self.open_menu()
        link.first.click()
        self.tab.get_by_label("Title").fill(title)
        self.tab.locator("[name=starts_at_0]").fill(f"{starts:%Y-%m-%d}")
        self.tab.locator("[name=starts_at_1]").fill("19:30")
        self.tab.locator("[name=time_zone]").select_option("Europe/London")
        self.tab.locator("[name=duration_0]").fill("2")
        self.tab.get_by_label("Capacity").fill("1")
        self.tab.get_by_label("Place", exact=False).first.fill("Central Library")
        self.press("Publish")


@pytest.fixture
def visitor(tab, site, deliver, settings):
    settings.ORGANISER_CODE = "Dc5_G1gz"
    return Visitor(tab, site, deliver)


def test_organiser_publishes_and_an_attendee_books_shows_and_cancels(visitor, tab, tmp_path):
    starts = timezone.now() + timedelta(days=20)

    visitor.join("olga", code="Dc5_G1gz")
    visitor.publish("Bats of the river", starts)
    visitor.sign_out()
    event = Event.objects.get()
    assert event.is_published
    assert User.objects.get(username="olga").is_organiser

    visitor.join("ada")
    tab.goto(visitor.site)
    tab.get_by_role("link", name="Bats of the river").first.click()
    visitor.press("Request a ticket")
    tab.get_by_role("link", name="View your ticket").or_(
        tab.locator(".barcode img, img.barcode")
    ).first.wait_for()
    ticket = Ticket.objects.get()
    tab.goto(visitor.site + ticket.get_absolute_url())
    expect(tab.get_by_text(ticket.code_in_groups)).to_be_visible()
    tab.screenshot(path=tmp_path / "ticket.png", full_page=True)
    [read] = zxingcpp.read_barcodes(Image.open(tmp_path / "ticket.png"))
    assert (read.text, ticket.holder.username) == (ticket.code, "ada")

    tab.goto(visitor.site)
    expect(tab.get_by_text("FULL", exact=True)).to_be_visible()
    tab.goto(visitor.site + ticket.get_absolute_url())
    tab.get_by_role("link", name="Cancel").or_(
        tab.get_by_role("button", name="Cancel")
    ).first.click()
    visitor.press("Cancel ticket")

    ticket.refresh_from_db()
    event.refresh_from_db()
    assert (ticket.status, event.places_taken) == ("cancelled", 0)
    tab.goto(visitor.site)
    expect(tab.get_by_text("FULL", exact=True)).to_have_count(0)


def test_wrong_code_makes_no_account_and_says_so(visitor, tab):
    visitor.sign_up("mallory", code="dc5_g1gz")

    expect(tab.get_by_text("code", exact=False).locator("visible=true").first).to_be_visible()
    assert not User.objects.exists()
