"""The bell, my tickets, an organiser's counts: what is mine alone follows along (SPEC 6)."""

import pytest
from playwright.sync_api import expect

from events.models import Event
from tests.browser.live_site import hold_clock, until
from tests.events.factories import EventFactory
from tests.tickets.factories import TicketFactory

pytestmark = [pytest.mark.browser, pytest.mark.sqlite, pytest.mark.django_db]

AT_ONCE = "Math.random = () => 0;"  # what is spread over time comes at its earliest
SECONDS = 1000
PANEL, BELL, ANNOUNCER = "#panel", "#bell", "[data-announcer]"
REQUEST = "Request a ticket"
SHOWN_EVER = """
  window.shown = [];
  new MutationObserver(() => {
    const heading = document.querySelector("main h2")?.textContent;
    if (heading && !shown.includes(heading)) shown.push(heading);
  }).observe(document, {childList: true, subtree: true, characterData: true});
"""


@pytest.fixture
def bats(organiser):
    return EventFactory(title="Bats", capacity=100, organiser=organiser)


def change(event, **values):
    Event.objects.filter(pk=event.pk).update(**values)


def fill(event, taken):
    change(event, places_taken=taken)


def test_bell_counts_and_says_so_once(peer, site_for, visit, attendee):
    site = site_for(attendee)
    tab = visit(site.show("/notifications/"), before=AT_ONCE)
    peer.stream()
    tab.locator(BELL).focus()
    tab.locator(BELL).hover()

    site.tell_bell(1)

    expect(tab.locator(".nav-count")).to_have_text("1")
    expect(tab.locator(ANNOUNCER)).to_have_text("Notifications, 1 unread")
    expect(tab.locator(BELL)).to_be_focused()
    expect(tab.locator(BELL)).to_have_attribute("aria-current", "page")


def test_first_state_that_the_page_shows_already_fetches_nothing(peer, site_for, visit, attendee):
    site = site_for(attendee)
    tab = visit(site.show("/tickets/"), before=AT_ONCE)
    peer.stream()

    site.tell_bell(0)
    TicketFactory(holder=attendee, event__title="Bats")
    site.show("/tickets/")
    site.tell_bell(1)

    expect(tab.get_by_role("heading", name="Bats")).to_be_visible()
    assert peer.times_asked("/tickets/") == 2


def test_many_changes_have_the_page_fetched_now_and_then(peer, site_for, visit, attendee):
    site = site_for(attendee)
    tab = visit(site.show("/tickets/"), before=AT_ONCE, clock=True)
    peer.stream()
    hold_clock(tab)
    site.tell_bell(0)
    site.tell_bell(1)
    expect(tab.locator(".nav-count")).to_have_text("1")
    tab.clock.fast_forward(1)
    peer.wait(lambda: peer.times_asked("/tickets/") == 2)

    for unread in (2, 3, 4):
        site.tell_bell(unread)
    expect(tab.locator(".nav-count")).to_have_text("4")
    until(tab, "delays.some((one) => 2000 < one && one <= 4000)")
    tab.clock.fast_forward(4 * SECONDS)

    peer.wait(lambda: peer.times_asked("/tickets/") == 3)


@pytest.mark.parametrize("path", ["/tickets/", "/notifications/"])
def test_my_lists_take_over_what_is_new(peer, site_for, visit, attendee, path):
    site = site_for(attendee)
    tab = visit(site.show(path), before=AT_ONCE)
    peer.stream()
    site.tell_bell(0)
    peer.pages[path] = peer.pages[path].replace("yet</h2>", "any more</h2>")

    site.tell_bell(2)

    expect(tab.get_by_role("heading", name="any more")).to_be_visible()


def test_panel_shows_what_i_did_in_another_tab(peer, site_for, visit, bats, attendee):
    site = site_for(attendee)
    tab = visit(site.show(bats.get_absolute_url()), before=AT_ONCE)
    peer.stream()
    site.tell_bell(0)
    TicketFactory(event=bats, holder=attendee)
    site.show(bats.get_absolute_url())

    site.tell_bell(1)

    expect(tab.get_by_role("link", name="View your ticket")).to_be_visible()


def test_what_i_do_in_this_tab_is_not_fetched_again(peer, site_for, visit, bats, attendee):
    path = bats.get_absolute_url()
    is_to_be_fetched = "delays.some((one) => 900 < one && one <= 1000)"
    site = site_for(attendee)
    tab = visit(site.show(path), before="Math.random = () => 0.5;", clock=True)
    peer.stream()
    hold_clock(tab)
    site.tell_bell(0)
    peer.answers[f"{path}ticket/"] = '<div id="panel">You have a ticket</div>'

    tab.get_by_role("button", name=REQUEST).click()
    expect(tab.locator(PANEL)).to_have_text("You have a ticket")
    site.tell_bell(1)
    expect(tab.locator(".nav-count")).to_have_text("1")
    assert not tab.evaluate(is_to_be_fetched)
    tab.clock.fast_forward(5 * SECONDS)
    site.tell_bell(2)

    until(tab, is_to_be_fetched)


def test_answer_of_another_page_is_not_taken_over(peer, site_for, visit, attendee):
    """As when the reader has signed out meanwhile: the address leads to the sign-in form."""
    site = site_for(attendee)
    tab = visit(site.show("/tickets/"), before=AT_ONCE + SHOWN_EVER)
    peer.stream()
    site.tell_bell(0)
    shown = peer.pages["/tickets/"]
    peer.pages["/elsewhere/"] = shown.replace("yet</h2>", "here</h2>")
    peer.pages["/tickets/"] = shown.replace("yet</h2>", "any more</h2>")
    peer.moved["/tickets/"] = "/elsewhere/"

    site.tell_bell(1)
    peer.wait(lambda: peer.times_asked("/elsewhere/"))
    peer.moved.clear()
    site.tell_bell(2)

    expect(tab.get_by_role("heading", name="any more")).to_be_visible()
    assert tab.evaluate("shown") == ["No tickets yet", "No tickets any more"]


def test_my_card_keeps_its_actions_and_gets_the_badge(peer, site_for, visit, bats, attendee):
    TicketFactory(event=bats, holder=attendee)
    site = site_for(attendee)
    tab = visit(site.show("/"))
    peer.stream()

    for taken, words in [(96, "last 4 spaces"), (100, "FULL")]:
        fill(bats, taken)
        site.tell("list", bats)
        expect(tab.locator(".day-event").locator(".badge-few, .badge-full")).to_have_text([words])

    expect(tab.locator(".day-event").get_by_role("button", name="Cancel ticket")).to_be_visible()
    expect(tab.locator(".day-event").locator(".badge-mine")).to_be_visible()
    expect(tab.locator(".day-event").get_by_role("button", name="Request")).to_have_count(0)


def test_what_i_do_in_another_tab_shows_on_my_cards(peer, site_for, visit, bats, attendee):
    site = site_for(attendee)
    tab = visit(site.show("/"), before=AT_ONCE)
    peer.stream()
    site.tell_bell(0)

    TicketFactory(event=bats, holder=attendee)
    site.show("/")
    site.tell_bell(1)

    expect(tab.locator(".day-event").get_by_role("button", name="Cancel ticket")).to_be_visible()


# --- An organiser's ---


def test_organisers_panel_with_the_link_is_fetched(peer, site_for, visit, bats, organiser):
    change(bats, online_url="https://example.org/talk")
    site = site_for(organiser)
    tab = visit(site.show(bats.get_absolute_url()), before=AT_ONCE)
    peer.stream()

    fill(bats, 100)
    site.show(bats.get_absolute_url())
    site.tell("event", bats)

    expect(tab.locator(PANEL)).to_contain_text("No places left")
    expect(tab.get_by_role("link", name="Join online")).to_be_visible()


def test_press_on_the_button_is_not_lost_to_a_change_of_words(
    peer, site_for, visit, bats, organiser
):
    site = site_for(organiser)
    tab = visit(site.show(bats.get_absolute_url()))
    peer.stream()
    peer.pages[manage_url(bats)] = peer.pages[site.show("/past/")]
    tab.locator("#organiser-bar a").hover()
    tab.mouse.down()

    fill(bats, 12)
    site.tell_filling(bats)
    expect(tab.locator("#organiser-bar")).to_contain_text("12 of 100")
    tab.mouse.up()

    expect(tab).to_have_url(peer.url + manage_url(bats))


def manage_url(event):
    return f"/admin/events/event/{event.pk}/change/"


def test_organisers_see_counts_that_nobody_is_told_aloud(peer, site_for, visit, bats, organiser):
    site = site_for(organiser)
    tab = visit(site.show(bats.get_absolute_url()))
    peer.stream()

    for taken in (1, 2):
        fill(bats, taken)
        site.tell_filling(bats)
        expect(tab.locator("#organiser-bar strong")).to_have_text(f"{taken} of 100")
        expect(tab.locator("#organiser-bar meter")).to_have_attribute("value", str(taken))

    expect(tab.locator(ANNOUNCER)).to_be_empty()


def test_organisers_see_bookings_arrive_in_the_admin(peer, site_for, visit, bats, organiser):
    TicketFactory(event=bats, holder__display_name="Ada")
    site = site_for(organiser)
    site.show("/admin/jsi18n/")
    tab = visit(site.show(manage_url(bats)))
    peer.stream()
    arrivals = tab.locator("#arrivals th")
    expect(arrivals).to_have_text(["Ada"])

    TicketFactory(event=bats, holder__display_name="Grace")
    site.tell_filling(bats)
    expect(arrivals).to_have_text(["Grace", "Ada"])
    expect(tab.locator("#places-live")).to_contain_text("2 of 100")

    expect(tab.get_by_role("button", name="Live updates")).to_be_visible()


def test_name_under_the_pointer_stays_until_it_leaves(peer, site_for, visit, bats, organiser):
    for number in range(5):
        TicketFactory(event=bats, holder__display_name=f"Holder {number}")
    site = site_for(organiser)
    site.show("/admin/jsi18n/")
    tab = visit(site.show(manage_url(bats)))
    peer.stream()
    tab.locator("#arrivals th").first.hover()

    TicketFactory(event=bats, holder__display_name="Grace")
    site.tell_filling(bats)
    expect(tab.locator("#places-live")).to_contain_text("6 of 100")

    expect(tab.locator("#arrivals th").first).to_have_text("Holder 4")
    tab.mouse.move(1, 1)
    expect(tab.locator("#arrivals th").first).to_have_text("Grace")
