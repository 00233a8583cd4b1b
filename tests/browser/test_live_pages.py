"""An event's page and the calendar follow along (SPEC 6)."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from events.models import Event
from tests.browser.live_site import DESKTOP, PHONE, hold_clock
from tests.events.factories import EventFactory
from tests.tickets.factories import TicketFactory

pytestmark = [pytest.mark.browser, pytest.mark.sqlite, pytest.mark.django_db]

AT_ONCE = "Math.random = () => 0;"  # what is spread over time comes at its earliest
SECONDS = 1000
PANEL, BELL, ANNOUNCER = "#panel", "#bell", "[data-announcer]"
REQUEST = "Request a ticket"


@pytest.fixture
def bats(organiser):
    return EventFactory(title="Bats", capacity=100, organiser=organiser)


def change(event, **values):
    Event.objects.filter(pk=event.pk).update(**values)


def fill(event, taken):
    change(event, places_taken=taken)


# --- An event's own page ---


def test_book_button_follows_full_and_back(peer, site_for, visit, bats, attendee):
    site = site_for(attendee)
    tab = visit(site.show(bats.get_absolute_url()), clock=True)
    peer.stream()
    button = tab.get_by_role("button", name=REQUEST)

    fill(bats, 98)
    site.tell("event", bats)
    expect(tab.locator(PANEL).locator(".badge")).to_have_text("last 2 spaces")
    expect(button).to_be_visible()
    fill(bats, 100)
    site.tell("event", bats)
    expect(tab.locator(PANEL).locator(".badge")).to_have_text("FULL")
    expect(button).to_have_count(0)
    tab.clock.fast_forward(5 * SECONDS)
    expect(tab.locator(ANNOUNCER)).to_have_text("No places left. FULL")
    fill(bats, 10)
    site.tell("event", bats)
    expect(button).to_be_visible()

    token = tab.locator("form[action*=logout] [name=csrfmiddlewaretoken]").get_attribute("value")
    expect(tab.locator(PANEL).locator("[name=csrfmiddlewaretoken]")).to_have_value(token)


def test_note_being_written_is_kept(peer, site_for, visit, bats, attendee):
    site = site_for(attendee)
    tab = visit(site.show(bats.get_absolute_url()))
    peer.stream()
    tab.get_by_text("Add a note").click()
    tab.locator("[name=note]").fill("I need a ramp")
    tab.get_by_role("link", name="Calendar").first.focus()
    tab.mouse.move(1, 1)

    fill(bats, 100)
    change(bats, title="Bats and owls")
    site.tell("event", bats)
    expect(tab.locator("h1")).to_have_text("Bats and owls")

    expect(tab.locator("[name=note]")).to_have_value("I need a ramp")
    tab.get_by_text("Add a note").click()
    tab.get_by_role("link", name="Calendar").first.focus()
    tab.mouse.move(1, 1)
    expect(tab.locator(PANEL)).to_contain_text("No places left")


def test_cancelled_event_says_so_on_its_page(peer, site_for, visit, bats):
    site = site_for()
    tab = visit(site.show(bats.get_absolute_url()))
    peer.stream()

    change(bats, status=Event.Status.CANCELLED, cancellation_reason="Storm")
    site.tell("event", bats)

    expect(tab.locator(PANEL)).to_contain_text("Storm")
    expect(tab.locator(".event-kicker .badge-stop")).to_have_text("Cancelled")
    expect(tab.locator(ANNOUNCER)).to_have_text("This event is cancelled")
    expect(tab.get_by_text("Add to calendar")).to_have_count(0)


def test_readers_own_time_is_added_to_what_came(peer, site_for, visit, bats):
    site = site_for()
    tab = visit(site.show(bats.get_absolute_url()), timezone_id="Asia/Tokyo")
    peer.stream()
    expect(tab.locator(".local-time")).to_have_count(1)

    change(bats, location="Town hall", organiser_name="The bat club")
    site.tell("event", bats)

    expect(tab.get_by_text("The bat club")).to_be_visible()
    expect(tab.locator(".local-time")).to_have_count(1)


def test_same_state_again_touches_nothing(peer, site_for, visit, bats, now):
    """Not even where scripts have added something: the reader's own time, how long it is still."""
    soon = EventFactory(title="Soon", starts_at=now + timedelta(hours=5))
    site = site_for()
    tab = visit(site.show(soon.get_absolute_url()), timezone_id="Asia/Tokyo")
    peer.stream()
    expect(tab.locator(".countdown")).to_contain_text("Starts in")

    site.tell("event", soon)
    assert peer.stream().is_open
    change(soon, organiser_name="The bat club")
    fill(soon, 97)
    site.tell("event", soon)
    expect(tab.locator(f"{PANEL} .badge")).to_have_text("last 3 spaces")

    assert tab.evaluate("moves.map(([name]) => name)") == ["event-facts", "panel-head"]
    expect(tab.locator(".countdown")).to_contain_text("Starts in")


def test_panel_that_would_push_what_is_under_the_pointer_waits(peer, site_for, visit, bats):
    site = site_for()
    tab = visit(site.show(bats.get_absolute_url()))
    peer.stream()
    link = tab.get_by_role("link", name="Google")
    link.hover()
    place = link.bounding_box()

    fill(bats, 100)
    change(bats, title="Owls")
    site.tell("event", bats)
    expect(tab.locator("h1")).to_have_text("Owls")

    assert link.bounding_box() == place
    expect(tab.locator(PANEL)).not_to_contain_text("No places left")
    tab.mouse.move(1, 1)
    expect(tab.locator(PANEL)).to_contain_text("No places left")


def test_my_panel_keeps_my_ticket_and_gets_the_badge(peer, site_for, visit, bats, attendee):
    TicketFactory(event=bats, holder=attendee)
    site = site_for(attendee)
    tab = visit(site.show(bats.get_absolute_url()))
    peer.stream()

    fill(bats, 97)
    site.tell("event", bats)

    expect(tab.locator(PANEL).locator(".badge")).to_have_text("last 3 spaces")
    expect(tab.get_by_role("link", name="View your ticket")).to_be_visible()


def test_my_panel_is_fetched_when_the_event_is_cancelled(peer, site_for, visit, bats, attendee):
    TicketFactory(event=bats, holder=attendee)
    site = site_for(attendee)
    tab = visit(site.show(bats.get_absolute_url()), before=AT_ONCE)
    peer.stream()

    change(bats, status=Event.Status.CANCELLED)
    site.show(bats.get_absolute_url())
    site.tell("event", bats)

    expect(tab.locator(PANEL)).to_contain_text("Your ticket is void.")


# --- The calendar ---


@pytest.fixture
def month(bats):
    return f"/calendar/{bats.starts_at.year}/{bats.starts_at.month}/"


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_entries_come_into_their_day_by_time(peer, site_for, visit, bats, month, size):
    site = site_for()
    tab = visit(site.show(month), size=size)
    peer.stream()
    hour = timedelta(hours=1)
    day = tab.locator(f'[data-day="{bats.starts_on}"]')

    site.tell("month", EventFactory(title="After", starts_at=bats.starts_at + hour))
    site.tell("month", EventFactory(title="Before", starts_at=bats.starts_at - hour))

    expect(day.locator(".name")).to_have_text(["Before", "Bats", "After"])


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_first_entry_of_a_month_takes_the_place_of_nothing(
    peer, site_for, visit, bats, month, size
):
    change(bats, archived_at=bats.starts_at)
    site = site_for()
    tab = visit(site.show(month), size=size)
    peer.stream()
    expect(tab.get_by_text("Nothing in this month")).to_be_visible()

    site.tell("month", EventFactory(title="Owls", starts_at=bats.starts_at))

    expect(tab.locator(".calendar-event .name")).to_have_text(["Owls"])
    expect(tab.locator(".calendar-event")).to_be_visible()
    expect(tab.get_by_text("Nothing in this month")).to_have_count(0)


def test_cancelled_entry_is_struck_and_archived_one_goes(peer, site_for, visit, bats, month):
    owls = EventFactory(title="Owls", starts_at=bats.starts_at)
    site = site_for()
    tab = visit(site.show(month))
    peer.stream()

    change(bats, status=Event.Status.CANCELLED)
    change(owls, archived_at=owls.starts_at)
    site.tell("month", bats, owls)

    expect(tab.locator(".calendar-event.is-cancelled .name")).to_have_text(["Bats"])
    expect(tab.locator(".calendar-event")).to_have_count(1)


def test_sixth_entry_of_a_day_has_the_month_fetched(peer, site_for, visit, bats, month):
    for number in range(4):
        EventFactory(title=f"Event {number}", starts_at=bats.starts_at)
    site = site_for()
    tab = visit(site.show(month), before=AT_ONCE)
    peer.stream()
    sixth = EventFactory(title="Sixth", starts_at=bats.starts_at)
    site.show(month)

    site.tell("month", sixth)

    expect(tab.locator(".calendar-more")).to_have_text("1 more")


def test_sixth_entry_has_the_month_fetched_when_one_of_the_first_is_gone(
    peer, site_for, visit, bats, month
):
    for number in range(6):
        EventFactory(title=f"Event {number}", starts_at=bats.starts_at + timedelta(minutes=number))
    site = site_for()
    tab = visit(site.show(month), before=AT_ONCE)
    peer.stream()
    change(bats, archived_at=bats.starts_at)
    site.tell("month", bats)
    expect(tab.get_by_text("Bats")).to_have_count(0)
    late = EventFactory(title="Late", starts_at=bats.starts_at + timedelta(hours=1))
    site.show(month)

    site.tell("month", late)

    names = ["Event 0", "Event 1", "Event 2", "Event 3", "Event 4", "Event 5", "Late"]
    expect(tab.locator(".name")).to_have_text(names)


def test_day_of_very_many_keeps_its_first_and_is_not_fetched_for_the_others(
    peer, site_for, visit, bats, month, monkeypatch
):
    monkeypatch.setattr("events.calendar.MOST_A_DAY", 7)
    hour = timedelta(hours=1)
    for minute in range(1, 7):
        EventFactory(starts_at=bats.starts_at + timedelta(minutes=minute))
    hidden = EventFactory(title="Hidden", starts_at=bats.starts_at + hour)
    site = site_for()
    tab = visit(site.show(month), before=AT_ONCE)
    peer.stream()
    fetched = []
    tab.on("request", lambda request: fetched.append(request.url))

    site.tell("month", hidden)
    change(bats, status=Event.Status.CANCELLED)
    site.tell("month", bats)

    expect(tab.locator(".calendar-event.is-cancelled .name")).to_have_text(["Bats"])
    expect(tab.locator(".name")).to_have_count(7)
    assert not [url for url in fetched if month in url]


def test_my_entry_stays_mine(peer, site_for, visit, bats, month, attendee):
    TicketFactory(event=bats, holder=attendee)
    site = site_for(attendee)
    tab = visit(site.show(month))
    peer.stream()

    site.tell("month", bats, EventFactory(title="Owls", starts_at=bats.starts_at))

    expect(tab.locator(".calendar-event")).to_have_count(2)
    expect(tab.locator(".has-ticket .name")).to_have_text(["Bats"])


# --- Screen readers ---


def test_one_sentence_in_five_seconds_and_only_the_newest(peer, site_for, visit, bats):
    site = site_for()
    tab = visit(site.show("/"), clock=True)
    peer.stream()
    hold_clock(tab)
    said = tab.locator(ANNOUNCER)

    site.tell("list", EventFactory(title="Owls"))
    expect(tab.get_by_role("heading", name="Owls")).to_be_visible()
    tab.clock.fast_forward(1)
    expect(said).to_have_text("New event: Owls")
    site.tell("list", EventFactory(title="Toads"), EventFactory(title="Newts"))
    expect(tab.get_by_role("heading", name="Newts")).to_be_visible()

    expect(said).to_have_text("New event: Owls")
    tab.clock.fast_forward(5000)
    expect(said).to_have_text("New event: Newts")
