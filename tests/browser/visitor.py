"""A person at a browser, for tests that go the way people do."""

import re

from playwright.sync_api import expect

CODE = "Dc5_G1gz"
PASSWORD = "a-quiet-evening-in-november"
LINK = re.compile(r"https?://localhost:\d+/accounts/confirm-email/\S+")


class Visitor:
    """Somebody at the browser, who knows the words on the pages and nothing else.

    `read_mail` gives the text of the first mail to an address.
    """

    def __init__(self, tab, site, read_mail):
        self.tab, self.site, self.read_mail = tab, site, read_mail

    def press(self, name):
        self.tab.get_by_role("button", name=name, exact=True).click()

    def sign_up(self, username, code=""):
        self.address = f"{username}@example.org"
        self.tab.goto(f"{self.site}/accounts/signup/")
        self.tab.get_by_label("Username").fill(username)
        self.tab.get_by_label("E-mail address").fill(self.address)
        self.tab.get_by_label("Password", exact=False).first.fill(PASSWORD)
        self.tab.get_by_label("Password, again").fill(PASSWORD)
        self.tab.get_by_label("Organiser code").fill(code)
        self.press("Sign up")

    def confirm(self):
        self.tab.goto(LINK.search(self.read_mail(self.address)).group())
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

    def book(self, title):
        """Request a ticket from the list; the tab then shows that one is held."""
        self.tab.goto(self.site)
        self.tab.get_by_role("link", name=title).first.click()
        self.press("Request a ticket")
        self.tab.get_by_role("link", name="View your ticket").or_(
            self.tab.locator(".barcode img, img.barcode")
        ).first.wait_for()
