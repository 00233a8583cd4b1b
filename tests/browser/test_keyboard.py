"""The site by keyboard alone, at both widths: everything reached, in order, seen, and left again (SPEC 9).

With EVENTO_FULL=1 (`make proof`) more pages are walked, and all without script too.
"""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from events.models import Event
from tests.accounts.factories import PASSWORD, UserFactory
from tests.browser.keyboard import Keyboard
from tests.events.factories import EventFactory
from tests.proof import figures
from tests.tickets.factories import TicketFactory
from tickets.models import Ticket

pytestmark = [
    pytest.mark.browser,
    pytest.mark.sqlite,  # what a browser makes of a page is the same on both
    pytest.mark.django_db(transaction=True),
]
SCRIPTS = [True, False] if figures.FULL else [True]


@pytest.fixture
def keyboard(tab):
    return Keyboard(tab)


@pytest.fixture
def signed_in(tab, site, client):
    def as_person(person):
        client.force_login(person)
        session = client.cookies["sessionid"].value
        tab.context.add_cookies([{"name": "sessionid", "value": session, "url": site}])

    return as_person


@pytest.mark.parametrize("javascript", SCRIPTS, indirect=True)
def test_attendee_finds_signs_in_books_sees_and_cancels(keyboard, tab, site):
    attendee = UserFactory()
    EventFactory(title="Owls at dusk")
    EventFactory(title="Bats of the river")
    tab.goto(site)

    keyboard.go_to(tab.get_by_label("Search events"))
    keyboard.type("bats")
    keyboard.press("Enter")
    expect(tab.get_by_role("link", name="Owls at dusk")).to_have_count(0)
    keyboard.go_to(tab.get_by_role("link", name="Bats of the river"))
    keyboard.press("Enter")
    keyboard.go_to(tab.get_by_role("link", name="Sign in to get a ticket"))
    keyboard.press("Enter")
    keyboard.go_to(tab.get_by_label("E-mail address"))
    keyboard.type(attendee.email)
    keyboard.go_to(tab.locator("input[name=password]"))
    keyboard.type(PASSWORD)
    keyboard.press("Enter")
    keyboard.go_to(tab.get_by_text("Add a note for the organisers"))
    keyboard.press("Space")
    keyboard.go_to(tab.locator("textarea[name=note]"))
    keyboard.type("By wheelchair")
    keyboard.go_to(tab.get_by_role("button", name="Request a ticket"))
    keyboard.press("Space")
    seen = tab.locator(".ticket-code").or_(tab.get_by_role("link", name="View your ticket"))
    expect(seen.first).to_be_visible()
    ticket = Ticket.objects.get()
    if "/tickets/" not in tab.url:
        keyboard.go_to(tab.get_by_role("link", name="View your ticket"))
        keyboard.press("Enter")
    expect(tab.get_by_text(ticket.code_in_groups)).to_be_visible()
    keyboard.go_to(tab.get_by_role("link", name="Cancel this ticket"))
    keyboard.press("Enter")
    keyboard.go_to(tab.get_by_role("button", name="Cancel ticket"))
    keyboard.press("Enter")
    expect(tab.get_by_text("Cancelled").first).to_be_visible()

    ticket.refresh_from_db()
    assert (ticket.holder, ticket.note, ticket.status) == (attendee, "By wheelchair", "cancelled")


@pytest.mark.parametrize("javascript", SCRIPTS, indirect=True)
def test_organiser_publishes_from_the_sites_own_menu(keyboard, tab, site, signed_in):
    signed_in(UserFactory(organiser=True, time_zone="Europe/Berlin"))
    starts = timezone.now() + timedelta(days=40)
    tab.goto(site)

    new_event = tab.get_by_role("link", name="New event").locator("visible=true")
    if not new_event.count():
        keyboard.go_to(tab.locator("header summary").last)
        keyboard.press("Enter")
    keyboard.go_to(new_event)
    keyboard.press("Enter")
    keyboard.go_to(tab.get_by_label("Title"))
    keyboard.type("Night of the moths")
    keyboard.go_to(tab.get_by_label("Date", exact=True))
    keyboard.type(f"{starts:%m%d%Y}")
    keyboard.go_to(tab.get_by_label("Time", exact=True))
    keyboard.type("0730PM")
    keyboard.go_to(tab.locator("[name=time_zone]"))
    keyboard.type("London")
    keyboard.go_to(tab.get_by_label("Hours"))
    keyboard.replace("2")
    keyboard.go_to(tab.get_by_role("textbox", name="Place:"))
    keyboard.type("Central Library")
    keyboard.go_to(tab.get_by_label("Capacity"))
    keyboard.type("12")
    keyboard.go_to(tab.get_by_role("button", name="Publish"))
    keyboard.press("Enter")
    expect(tab.get_by_text("is saved and public")).to_be_visible()

    event = Event.objects.get()
    assert (event.title, event.time_zone, event.capacity) == (
        "Night of the moths",
        "Europe/London",
        12,
    )
    assert event.is_published
    assert (event.starts_on, f"{event.local_start:%H:%M}") == (starts.date(), "19:30")


PAGES = {
    "list": "/",
    "calendar": "/calendar/",
    "sign-in": "/accounts/login/",
    "sign-up": "/accounts/signup/",
    "event": "event",
    "tickets": "/tickets/",
    "ticket": "ticket",
    "bell": "/notifications/",
    "profile": "/accounts/profile/",
    "admin": "/admin/events/event/",
    "admin-add": "/admin/events/event/add/",
    "admin-change": "change",
}
MAIN_PAGES = ["list", "admin-add"]
VISITORS = {"sign-in", "sign-up"}


@pytest.mark.parametrize("javascript", [True], ids=["javascript"], indirect=True)
@pytest.mark.parametrize("name", PAGES if figures.FULL else MAIN_PAGES)
def test_tab_meets_everything_in_order_and_leaves_the_page(keyboard, tab, site, signed_in, name):
    person = UserFactory(organiser=True)
    event = EventFactory(organiser=person)
    ticket = TicketFactory(event=event, holder=person)
    if name not in VISITORS:
        signed_in(person)
    path = {
        "event": event.get_absolute_url(),
        "ticket": ticket.get_absolute_url(),
        "change": reverse("admin:events_event_change", args=[event.pk]),
    }.get(PAGES[name], PAGES[name])
    tab.goto(site + path, wait_until="networkidle")
    count = keyboard.stops()

    begun = keyboard.place() + 1  # a page of the admin begins in its field
    forwards = keyboard.walk("Tab")
    backwards = keyboard.walk("Shift+Tab")

    expected = list(range(count))
    missed = [keyboard.name(place) for place in expected if place not in backwards]
    assert ([keyboard.name(place) for place in backwards if place not in expected], missed) == (
        [],
        [],
    )
    assert forwards == expected[begun:]
    assert backwards == expected[::-1]
