"""The main job as two people do it in a browser, with and without script (SPEC 1, 2, 3)."""

from datetime import timedelta
from email import message_from_bytes
from email.policy import default

import pytest
from django.utils import timezone
from PIL import Image
from playwright.sync_api import expect

from accounts.models import User
from events.models import Event
from tests.browser.visitor import CODE, Visitor
from tests.tickets.scanning import scanned
from tickets.models import Ticket

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def visitor(tab, site, deliver, settings):
    settings.ORGANISER_CODE = CODE

    def read_mail(address):
        [mail] = deliver()
        assert mail.to == [address]
        text = message_from_bytes(mail.message().as_bytes(), policy=default).get_body(("plain",))
        return text.get_content()

    return Visitor(tab, site, read_mail)


def test_organiser_publishes_and_an_attendee_books_shows_and_cancels(visitor, tab, tmp_path):
    starts = timezone.now() + timedelta(days=20)

    visitor.join("olga", code=CODE)
    visitor.publish("Bats of the river", starts)
    visitor.sign_out()
    event = Event.objects.get()
    assert event.is_published
    assert User.objects.get(username="olga").is_organiser

    visitor.join("ada")
    visitor.book("Bats of the river")
    ticket = Ticket.objects.get()
    tab.goto(visitor.site + ticket.get_absolute_url())
    expect(tab.get_by_text(ticket.code_in_groups)).to_be_visible()
    expect(tab.locator(".tears-in")).to_have_count(0)  # the new ticket lies still
    tab.screenshot(path=tmp_path / "ticket.png", full_page=True)
    assert scanned(Image.open(tmp_path / "ticket.png")) == [ticket.code]
    assert ticket.holder.username == "ada"

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
