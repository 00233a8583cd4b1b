"""When a page has its event stream: one, while it is seen, coming back by itself (SPEC 6)."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.live_site import SEEN, hold_clock, until
from tests.events.factories import EventFactory

pytestmark = [pytest.mark.browser, pytest.mark.sqlite, pytest.mark.django_db]

NO_LUCK, ALL_LUCK = "Math.random = () => 0;", "Math.random = () => 0.999999;"
SECONDS = 1000
ENDED = "[data-live-ended]"
SWITCH = "[data-live-switch]"


@pytest.fixture
def home(site_for):
    """The list with one event, as nobody in particular sees it."""
    EventFactory()
    return site_for().show("/")


def wait_for_delay(tab, least, most):
    """Until the page begins to wait for something between so many milliseconds."""
    until(
        tab,
        """([least, most]) => {
          const isMeant = (one) => least <= one && one <= most;
          const found = delays.some(isMeant);
          delays = delays.filter((one) => !isMeant(one));
          return found;
        }""",
        arg=[least, most],
    )


def seen(tab, is_seen):
    tab.evaluate(SEEN, is_seen)


def test_one_stream_follows_all_that_the_page_names(peer, site_for, visit, attendee):
    EventFactory()

    visit(site_for(attendee).show("/"))

    assert peer.stream().topics == {"list::", "mine"}
    assert len(peer.streams) == 1


def test_page_with_nothing_to_follow_opens_none(peer, site_for, visit):
    tab = visit(site_for().show("/accounts/login/"))

    expect(tab.locator(SWITCH)).to_be_hidden()
    assert peer.streams == []


def test_new_page_asks_for_what_happened_since_it_was_requested(peer, visit, home):
    tab = visit(home)

    age = int(peer.stream().asked("age"))
    assert 1 <= age <= tab.evaluate("Math.ceil((Date.now() - performance.timeOrigin) / 1000)")


def test_hidden_page_closes_its_stream_and_comes_back_with_the_last_id(peer, visit, home):
    tab = visit(home)
    peer.stream()
    peer.say("beat", {}, id=184)
    until(tab, "delays.filter((one) => one === 60000).length > 1")

    seen(tab, False)
    peer.wait(lambda: not peer.open_streams)
    assert len(peer.streams) == 1
    seen(tab, True)

    assert peer.stream(2).asked("last") == "184"
    assert peer.stream(2).asked("age") is None


def test_page_from_the_browsers_cache_asks_for_everything(peer, site_for, visit, home):
    tab = visit(home)
    peer.stream()
    tab.goto(peer.url + site_for().show("/accounts/login/"))

    tab.go_back()

    assert int(peer.stream(2).asked("age")) > timedelta(days=7).total_seconds()


def test_page_that_was_frozen_asks_for_everything(peer, visit, home):
    tab = visit(home)
    peer.stream()
    peer.say("beat", {}, id=184)
    until(tab, "delays.filter((one) => one === 60000).length > 1")

    tab.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    peer.wait(lambda: not peer.open_streams)
    tab.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")

    assert peer.stream(2).asked("last") is None
    assert int(peer.stream(2).asked("age")) > timedelta(days=7).total_seconds()


@pytest.mark.parametrize(("luck", "delay"), [(NO_LUCK, 1000), (ALL_LUCK, 5000)])
def test_broken_stream_comes_back_after_one_to_five_seconds(peer, visit, home, luck, delay):
    tab = visit(home, before=luck, clock=True)
    peer.stream()

    peer.drop()
    wait_for_delay(tab, delay - 1, delay)
    tab.clock.fast_forward(delay)

    assert peer.stream(2).is_open


def test_refused_stream_is_asked_for_ever_less_often(peer, visit, home):
    peer.live_status = 503
    tab = visit(home, before=ALL_LUCK, clock=True)

    for attempt, delay in enumerate([5, 10, 20, 40, 80, 160, 300, 300], start=1):
        peer.stream(attempt)
        wait_for_delay(tab, delay * SECONDS - 1, delay * SECONDS)
        peer.live_status = 503 if attempt < 8 else 200
        tab.clock.fast_forward(delay * SECONDS)

    peer.wait(lambda: peer.open_streams)


def test_browsers_that_failed_for_long_are_still_spread(peer, visit, home):
    peer.live_status = 503
    tab = visit(home, before="Math.random = () => 0.5;", clock=True)

    for attempt, delay in enumerate([3, 6, 12, 24, 48, 96, 180, 180], start=1):
        peer.stream(attempt)
        wait_for_delay(tab, delay * SECONDS - 1, delay * SECONDS + 1)
        tab.clock.fast_forward(delay * SECONDS)


def test_stream_that_says_nothing_for_a_minute_is_broken(peer, visit, home):
    tab = visit(home, before=NO_LUCK, clock=True)
    stream = peer.stream()
    hold_clock(tab)
    tab.clock.fast_forward(50 * SECONDS)
    peer.say("beat", {}, id=3)
    until(tab, "delays.filter((one) => one === 60000).length > 1")
    tab.clock.fast_forward(50 * SECONDS)
    assert stream.is_open

    tab.clock.fast_forward(10 * SECONDS)
    peer.wait(lambda: not stream.is_open)
    tab.clock.fast_forward(1 * SECONDS)

    assert peer.stream(2).asked("last") == "3"


def test_server_that_restarts_is_come_back_to(peer, visit, home):
    tab = visit(home, before=NO_LUCK, clock=True)
    stream = peer.stream()

    peer.say("end", {"reason": "restart"})
    peer.wait(lambda: not stream.is_open)
    tab.clock.fast_forward(1 * SECONDS)

    assert peer.stream(2).is_open
    expect(tab.locator(ENDED)).to_be_hidden()


@pytest.mark.parametrize(
    ("reason", "words"),
    [("signed_out", "you signed out somewhere else"), ("forbidden", "what you may see")],
)
def test_stream_ended_for_good_leaves_one_quiet_line(
    peer, site_for, visit, attendee, reason, words
):
    tab = visit(site_for(attendee).show("/"), clock=True)
    peer.stream()
    tab.get_by_role("link", name="Calendar").first.focus()
    head = tab.locator("h1").bounding_box()

    peer.say("end", {"reason": reason})
    expect(tab.locator(ENDED).get_by_text(words)).to_be_visible()
    expect(tab.locator(f"{ENDED} p").locator("visible=true")).to_have_count(1)

    expect(tab.locator("[data-announcer]")).to_contain_text(words)
    expect(tab.get_by_role("link", name="Calendar").first).to_be_focused()
    assert tab.locator("h1").bounding_box() == head
    seen(tab, False)
    seen(tab, True)
    tab.clock.fast_forward(600 * SECONDS)
    assert len(peer.streams) == 1
    tab.get_by_role("button", name="Reload").click()
    expect(tab.locator(ENDED)).to_be_hidden()
    assert peer.times_asked("/") == 2


@pytest.mark.parametrize(("status", "words"), [(401, "signed out"), (403, "what you may see")])
def test_reader_who_signed_out_meanwhile_is_told_on_coming_back(
    peer, site_for, visit, attendee, status, words
):
    tab = visit(site_for(attendee).show("/"))
    peer.stream()
    seen(tab, False)
    peer.live_status = status

    seen(tab, True)

    expect(tab.locator(ENDED).get_by_text(words)).to_be_visible()


@pytest.mark.parametrize("status", [204, 404, 503])
def test_site_without_a_stream_shows_nothing_of_it(peer, visit, home, status):
    peer.live_status = status

    tab = visit(home)

    peer.stream()
    wait_for_delay(tab, 1000, 5000)
    expect(tab.locator(SWITCH)).to_be_hidden()
    expect(tab.locator(ENDED)).to_be_hidden()


def test_browser_without_event_streams_shows_the_page_as_it_is(peer, visit, home):
    tab = visit(home, before="delete window.EventSource;")

    expect(tab.locator(".event-card")).to_have_count(1)
    expect(tab.locator(SWITCH)).to_be_hidden()


def test_switch_is_hidden_without_script(visit, home):
    tab = visit(home, java_script_enabled=False)

    expect(tab.locator(SWITCH)).to_be_hidden()


def test_pause_closes_the_stream_and_lasts(peer, visit, home):
    tab = visit(home)
    switch = tab.get_by_role("button", name="Live updates")
    expect(switch).to_have_attribute("aria-pressed", "true")

    switch.click()
    peer.wait(lambda: not peer.open_streams)
    expect(switch).to_have_attribute("aria-pressed", "false")
    tab.reload()

    expect(switch).to_have_attribute("aria-pressed", "false")
    assert len(peer.streams) == 1
    switch.click()
    assert peer.stream(2).is_open
    expect(switch).to_have_attribute("aria-pressed", "true")


def test_pause_holds_in_all_tabs(peer, visit, home):
    tab = visit(home)
    other = visit(home, beside=tab)
    peer.stream(2)

    tab.get_by_role("button", name="Live updates").click()

    peer.wait(lambda: not peer.open_streams)
    expect(other.locator(SWITCH)).to_have_attribute("aria-pressed", "false")


def test_show_more_is_followed_too(peer, site_for, visit):
    first = EventFactory()
    for number in range(24):
        EventFactory(starts_at=first.starts_at + timedelta(days=number))
    site = site_for()
    tab = visit(site.show("/"))
    before = peer.stream().topics
    peer.say("beat", {}, id=7)
    until(tab, "delays.filter((one) => one === 60000).length > 1")
    more = tab.get_by_role("link", name="Show more")
    site.show(more.get_attribute("href"), hx_request="true", hx_target="more")

    more.click()

    assert len(peer.stream(2).topics) == 2
    assert before < peer.stream(2).topics
    assert peer.stream(2).asked("last") == "7"
    peer.wait(lambda: len(peer.open_streams) == 1)


def test_swap_that_changes_no_topic_keeps_the_stream(peer, site_for, visit, attendee):
    event = EventFactory()
    tab = visit(site_for(attendee).show(event.get_absolute_url()))
    stream = peer.stream()
    peer.answers[f"{event.get_absolute_url()}ticket/"] = '<div id="panel">You have a ticket</div>'

    tab.get_by_role("button", name="Request a ticket").click()

    expect(tab.get_by_text("You have a ticket")).to_be_visible()
    assert peer.streams == [stream]
    assert stream.is_open
