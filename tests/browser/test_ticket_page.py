"""The ticket's page as a phone, a printer and a decoder see it (SPEC 3)."""

import io
import re

import pytest
from django.urls import reverse
from PIL import Image
from playwright.sync_api import expect

from tests.events.factories import EventFactory
from tests.tickets.factories import TicketFactory
from tests.tickets.scanning import scanned
from tickets.models import Ticket

pytestmark = [
    pytest.mark.browser,
    pytest.mark.sqlite,  # what a browser makes of a page is the same on both
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def open_tab(browser, site, client, attendee):
    """Opens a tab of `attendee`, who is signed in; fails when a page breaks its own policy."""
    client.force_login(attendee)
    contexts, complaints = [], []

    def opened(width=360, **options):
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            base_url=site,
            reduced_motion="reduce",  # a new ticket tears in, and pictures are taken at once
            **options,
        )
        session = client.cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": site}])
        tab = context.new_page()
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on(
            "console", lambda line: "Security Policy" in line.text and complaints.append(line.text)
        )
        contexts.append(context)
        return tab

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def read(screenshot):
    return scanned(Image.open(io.BytesIO(screenshot)))


@pytest.mark.parametrize(
    ("scale", "colours"), [(1, "dark"), (1, "light"), (2, "dark"), (3, "dark")]
)
def test_barcode_is_read_from_a_picture_of_the_page(open_tab, attendee, scale, colours):
    ticket = TicketFactory(holder=attendee)
    tab = open_tab(device_scale_factor=scale, color_scheme=colours)
    tab.goto(ticket.get_absolute_url())

    # 320 pixels leave a module less than two: too few on a screen that draws no finer than that.
    for width in (360, 390, 1280) if scale == 1 else (320, 360, 390, 1280):
        tab.set_viewport_size({"width": width, "height": 800})

        assert read(tab.screenshot(full_page=True)) == [ticket.code]
        assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_bars_are_two_pixels_a_module_on_a_small_phone(open_tab, attendee):
    ticket = TicketFactory(holder=attendee)
    tab = open_tab(360)

    tab.goto(ticket.get_absolute_url())

    assert tab.locator(".barcode img").bounding_box()["width"] == 330


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_barcode_opened_by_itself_is_read(open_tab, attendee, kind):
    ticket = TicketFactory(holder=attendee)
    tab = open_tab(
        720, color_scheme="dark", bypass_csp=kind == "png"
    )  # Chromium's own viewer has styles

    tab.goto(reverse(f"tickets:barcode_{kind}", args=[ticket.pk]))

    assert read(tab.screenshot()) == [ticket.code]


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_ticket_prints_on_one_page_that_is_read_back(open_tab, attendee, paper):
    event = EventFactory(title="A long title that takes a good many words " * 3, location="x" * 200)
    ticket = TicketFactory(event=event, holder=attendee, note="n" * 500)
    tab = open_tab(360, color_scheme="dark")

    tab.goto(ticket.get_absolute_url())
    pdf = tab.pdf(format=paper, prefer_css_page_size=False)
    tab.emulate_media(media="print")

    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
    assert read(tab.screenshot(full_page=True)) == [ticket.code]
    assert not tab.locator(".stage-note, .ticket-actions").locator("visible=true").count()


def test_panel_changes_in_place_from_request_to_ticket_and_back(open_tab):
    event = EventFactory(capacity=3)
    tab = open_tab(1280)
    tab.goto(event.get_absolute_url())

    tab.get_by_role("button", name="Request a ticket").click()
    expect(tab.get_by_role("heading", name="You have a ticket")).to_be_focused()
    ticket = Ticket.objects.get()
    assert tab.url.endswith(event.get_absolute_url())

    tab.on("dialog", lambda dialog: dialog.accept())
    tab.get_by_role("button", name="Cancel ticket").click()
    tab.get_by_role("heading", name="Get your place").wait_for()
    ticket.refresh_from_db()
    assert not ticket.is_valid


def test_card_changes_in_place_and_says_when_the_event_is_full_meanwhile(open_tab):
    event = EventFactory(capacity=1)
    tab = open_tab(360)
    tab.goto("/")
    TicketFactory(event=event)

    tab.get_by_role("button", name="Request a ticket").click()

    tab.get_by_role("alert").filter(has_text="This event is full").wait_for()
    expect(tab.get_by_text("FULL", exact=True)).to_have_count(1)
    assert tab.url.endswith("/")


def test_without_script_cancelling_from_the_panel_asks_first(open_tab, attendee):
    ticket = TicketFactory(holder=attendee)
    tab = open_tab(360, java_script_enabled=False)
    tab.goto(ticket.event.get_absolute_url())

    tab.get_by_role("button", name="Cancel ticket").click()
    expect(tab.get_by_role("heading", name="Cancel your ticket?")).to_be_visible()
    tab.get_by_role("button", name="Cancel ticket").click()

    expect(tab.get_by_text("Your ticket is cancelled.")).to_be_visible()
    ticket.refresh_from_db()
    assert not ticket.is_valid
