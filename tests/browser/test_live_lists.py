"""Lists and the calendar follow along, and move nothing that somebody is at (SPEC 6)."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from events.models import Event
from tests.browser.live_site import DESKTOP, PHONE, until
from tests.events.factories import EventFactory

pytestmark = [pytest.mark.browser, pytest.mark.sqlite, pytest.mark.django_db]

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
AT_ONCE = "Math.random = () => 0;"  # what is spread over time comes at its earliest


@pytest.fixture
def bats():
    return EventFactory(title="Bats", capacity=100)


def titles(tab):
    return tab.locator(".event-title")


def card(tab, title):
    return tab.locator(".day-event", has_text=title)


def fill(event, taken):
    Event.objects.filter(pk=event.pk).update(places_taken=taken)


def cancel(event):
    Event.objects.filter(pk=event.pk).update(status=Event.Status.CANCELLED)


def archive(event):
    Event.objects.filter(pk=event.pk).update(archived_at=event.starts_at)


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_new_events_slide_in_where_they_belong(peer, site_for, visit, bats, size):
    site = site_for()
    tab = visit(site.show("/"), size=size)
    peer.stream()

    hour = timedelta(hours=1)
    site.tell(
        "list",
        EventFactory(title="Day after", starts_at=bats.starts_at + DAY),
        EventFactory(title="Hour after", starts_at=bats.starts_at + hour),
        EventFactory(title="Hour before", starts_at=bats.starts_at - hour),
        EventFactory(title="Day before", starts_at=bats.starts_at - DAY),
    )

    order = ["Day before", "Hour before", "Bats", "Hour after", "Day after"]
    expect(titles(tab)).to_have_text(order)
    expect(tab.locator(".day")).to_have_count(3)
    expect(card(tab, "Day before").get_by_role("link", name="Sign in to get")).to_be_visible()
    assert tab.evaluate("moves") == [
        [name, 180] for name in ("day", "day-event", "day-event", "day")
    ]
    width = tab.evaluate("document.documentElement.scrollWidth")
    assert width <= size[0]


def test_new_event_shows_at_once_where_motion_is_unwanted(peer, site_for, visit, bats):
    site = site_for()
    tab = visit(site.show("/"), reduced_motion="reduce")
    peer.stream()

    new = EventFactory(title="Owls", starts_at=bats.starts_at - DAY)
    site.tell("list", new)
    expect(card(tab, "Owls")).to_be_visible()
    archive(new)
    site.tell("list", new)
    expect(card(tab, "Owls")).to_have_count(0)

    assert tab.evaluate("moves") == []


def test_first_event_takes_the_place_of_the_empty_state(peer, site_for, visit):
    site = site_for()
    tab = visit(site.show("/"))
    peer.stream()
    expect(tab.get_by_text("Nothing on yet")).to_be_visible()

    site.tell("list", EventFactory(title="Bats"))

    expect(titles(tab)).to_have_text(["Bats"])
    expect(tab.get_by_text("Nothing on yet")).to_have_count(0)


def test_last_event_to_go_brings_the_empty_state(peer, site_for, visit, bats):
    site = site_for()
    tab = visit(site.show("/"), before=AT_ONCE)
    peer.stream()
    archive(bats)
    site.show("/")

    site.tell("list", bats)

    expect(tab.get_by_text("Nothing on yet")).to_be_visible()


def test_badges_come_and_go_on_the_card(peer, site_for, visit, bats):
    site = site_for()
    tab = visit(site.show("/"))
    peer.stream()
    badge = tab.locator(".badge-few, .badge-full")

    for taken, words in [
        (96, ["last 4 spaces"]),
        (97, ["last 3 spaces"]),
        (100, ["FULL"]),
        (50, []),
    ]:
        fill(bats, taken)
        site.tell("list", bats)
        expect(badge).to_have_text(words)


def test_same_state_again_touches_nothing(peer, site_for, visit, bats, attendee):
    site = site_for(attendee)
    tab = visit(site.show("/"))
    peer.stream()

    site.tell("list", bats)
    fill(bats, 20)
    site.tell("list", bats)
    site.tell("list", EventFactory(title="Owls"))

    expect(card(tab, "Owls")).to_be_visible()
    assert tab.evaluate("moves") == [["day-event", 180]]


def test_cancelled_event_stays_in_its_place_and_says_so(peer, site_for, visit, bats):
    EventFactory(title="Owls", starts_at=bats.starts_at + DAY)
    site = site_for()
    tab = visit(site.show("/"))
    peer.stream()

    cancel(bats)
    site.tell("list", bats)

    expect(card(tab, "Bats").locator(".badge-stop")).to_have_text("Cancelled")
    expect(card(tab, "Bats").locator(".btn")).to_have_count(0)
    expect(titles(tab)).to_have_text(["Bats", "Owls"])
    expect(tab.locator("[data-announcer]")).to_have_text("Bats is cancelled")


def test_event_that_is_gone_takes_its_day_along(peer, site_for, visit, bats):
    EventFactory(title="Owls", starts_at=bats.starts_at + DAY)
    site = site_for()
    tab = visit(site.show("/"))
    peer.stream()

    archive(bats)
    site.tell("list", bats)

    expect(titles(tab)).to_have_text(["Owls"])
    expect(tab.locator(".day")).to_have_count(1)


def test_cancelled_event_that_the_list_never_showed_stays_away(peer, site_for, visit, bats):
    site = site_for()
    tab = visit(site.show("/"))
    peer.stream()

    owls = EventFactory(title="Owls")
    cancel(owls)
    site.tell("list", owls, EventFactory(title="Toads"))

    expect(titles(tab)).to_have_text(["Bats", "Toads"])


def test_filtered_list_is_fetched_when_an_unknown_event_comes(peer, site_for, visit, bats):
    site = site_for()
    tab = visit(site.show("/?q=bats"), before=AT_ONCE)
    peer.stream()
    toads = EventFactory(title="Toads")
    late = EventFactory(title="Late bats", starts_at=bats.starts_at + timedelta(hours=2))
    site.show("/?q=bats")

    site.tell("list", toads, late)

    expect(titles(tab)).to_have_text(["Bats", "Late bats"])
    assert peer.times_asked("/?q=bats") == 2


def test_past_list_follows_nothing(peer, site_for, visit, now):
    EventFactory(title="Bats", starts_at=now - 30 * DAY)
    tab = visit(site_for().show("/past/"))

    expect(titles(tab)).to_have_text(["Bats"])
    assert peer.streams == []


def test_snapshot_brings_what_came_and_takes_what_went(peer, site_for, visit, bats):
    owls = EventFactory(title="Owls")
    site = site_for()
    tab = visit(site.show("/"))
    peer.stream()
    toads = EventFactory(title="Toads", starts_at=bats.starts_at + DAY)
    frames = [site.frame("list", each) for each in (owls, toads)]

    peer.say("snapshot", {"topic": "list", "argument": "list::", "frames": frames}, id=9)

    expect(titles(tab)).to_have_text(["Owls", "Toads"])


def test_snapshot_that_is_too_much_has_the_page_fetched(peer, site_for, visit, bats):
    site = site_for()
    tab = visit(site.show("/"), before=AT_ONCE)
    peer.stream()
    archive(bats)
    EventFactory(title="Owls")
    site.show("/")

    peer.say("snapshot", {"topic": "list", "argument": "list::", "frames": None}, id=9)

    expect(titles(tab)).to_have_text(["Owls"])


# --- Nothing moves under somebody ---


def test_card_with_the_focus_in_it_waits_and_then_shows_the_newest(
    peer, site_for, visit, bats, attendee
):
    site = site_for(attendee)
    tab = visit(site.show("/"))
    peer.stream()
    button = card(tab, "Bats").get_by_role("button", name="Request a ticket")
    button.focus()

    fill(bats, 96)
    site.tell("list", bats)
    fill(bats, 100)
    site.tell("list", bats, EventFactory(title="Owls", starts_at=bats.starts_at + DAY))
    expect(card(tab, "Owls")).to_be_visible()

    expect(button).to_be_focused()
    expect(card(tab, "Bats").locator(".badge")).to_have_count(0)
    tab.get_by_role("link", name="Calendar").first.focus()
    expect(card(tab, "Bats").locator(".badge")).to_have_text("FULL")
    expect(button).to_have_count(0)


def test_nothing_moves_what_is_under_the_pointer(peer, site_for, visit, bats, attendee):
    first = EventFactory(title="Ants", starts_at=bats.starts_at - DAY)
    site = site_for(attendee)
    tab = visit(site.show("/"))
    peer.stream()
    card(tab, "Bats").get_by_role("button").hover()
    place = card(tab, "Bats").bounding_box()

    archive(first)
    above = EventFactory(title="Owls", starts_at=bats.starts_at - timedelta(hours=1))
    below = EventFactory(title="Toads", starts_at=bats.starts_at + DAY)
    fill(bats, 100)
    site.tell("list", above, first, bats, below)
    expect(card(tab, "Toads")).to_be_visible()

    assert card(tab, "Bats").bounding_box() == place
    fill(above, 100)
    site.tell("list", above)
    expect(card(tab, "Owls")).to_contain_text("FULL")
    expect(card(tab, "Owls")).to_be_hidden()
    expect(card(tab, "Ants")).to_be_visible()
    tab.mouse.move(1, 1)
    expect(card(tab, "Owls")).to_be_visible()
    expect(titles(tab)).to_have_text(["Owls", "Bats", "Toads"])
    expect(card(tab, "Bats").locator(".badge")).to_have_text("FULL")


def test_focus_beside_the_content_holds_nothing(peer, site_for, visit, bats):
    site = site_for()
    tab = visit(site.show("/"))
    peer.stream()
    tab.get_by_role("button", name="Dark").focus()

    site.tell("list", EventFactory(title="Owls", starts_at=bats.starts_at - DAY))

    expect(card(tab, "Owls")).to_be_visible()


def test_focus_out_of_view_holds_nothing(peer, site_for, visit, bats):
    for number in range(8):
        EventFactory(title=f"Last {number}", starts_at=bats.starts_at + DAY + number * MINUTE)
    site = site_for()
    tab = visit(site.show("/"))
    peer.stream()
    expect(card(tab, "Last 7")).not_to_be_in_viewport()
    card(tab, "Last 7").get_by_role("link").first.evaluate(
        "(it) => it.focus({preventScroll: true})"
    )

    site.tell("list", EventFactory(title="Owls", starts_at=bats.starts_at - DAY))

    expect(card(tab, "Owls")).to_be_visible()


def test_change_that_takes_the_same_room_need_not_wait(peer, site_for, visit, bats):
    EventFactory(title="Toads", starts_at=bats.starts_at + DAY)
    site = site_for()
    tab = visit(site.show("/"))
    peer.stream()
    card(tab, "Toads").hover()
    place = card(tab, "Toads").bounding_box()

    fill(bats, 96)
    site.tell("list", bats)

    expect(card(tab, "Bats").locator(".badge")).to_have_text("last 4 spaces")
    assert card(tab, "Toads").bounding_box() == place


def test_nothing_moves_under_a_finger(peer, site_for, visit, bats):
    site = site_for()
    tab = visit(site.show("/"), size=PHONE, has_touch=True, clock=True)
    peer.stream()
    place = tab.locator(".day-date").bounding_box()
    finger = tab.context.new_cdp_session(tab)
    point = {"x": place["x"] + 20, "y": place["y"] + 10}
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})

    site.tell("list", EventFactory(title="Owls", starts_at=bats.starts_at - DAY))
    expect(card(tab, "Owls")).to_have_count(1)
    expect(card(tab, "Owls")).to_be_hidden()
    assert tab.locator(".day-date").last.bounding_box() == place
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    until(tab, "delays.includes(700)")
    tab.clock.fast_forward(700)
    tab.clock.fast_forward(150)

    expect(card(tab, "Owls")).to_be_visible()


def test_card_whose_form_is_being_sent_waits(peer, site_for, visit, bats, attendee):
    site = site_for(attendee)
    tab = visit(site.show("/"))
    peer.stream()
    sent = []
    tab.route("**/ticket/", lambda route: sent.append(route))  # noqa: PLW0108 - a function is wanted
    with tab.expect_request("**/ticket/"):
        card(tab, "Bats").get_by_role("button").click()
    tab.mouse.move(1, 1)
    tab.evaluate("document.activeElement.blur()")

    fill(bats, 100)
    site.tell("list", bats, EventFactory(title="Owls", starts_at=bats.starts_at + DAY))
    expect(card(tab, "Owls")).to_be_visible()

    expect(card(tab, "Bats").locator(".badge")).to_have_count(0)
    sent[0].fulfill(status=204)
    expect(card(tab, "Bats").locator(".badge")).to_have_text("FULL")


# --- Signed in ---


def test_form_of_a_new_card_is_sent_with_the_pages_token(peer, site_for, visit, bats, attendee):
    site = site_for(attendee)
    tab = visit(site.show("/"))
    peer.stream()
    owls = EventFactory(title="Owls")
    site.tell("list", owls)
    token = tab.locator("[name=csrfmiddlewaretoken]").first.get_attribute("value")
    ticket = f"{owls.get_absolute_url()}ticket/"
    peer.answers[ticket] = f'<div id="my-state-{owls.slug}">You have a ticket</div>'

    card(tab, "Owls").get_by_role("button", name="Request a ticket").click()

    expect(card(tab, "Owls")).to_contain_text("You have a ticket")
    [asked] = [one for one in peer.asked if one.method == "POST"]
    assert asked.body == f"csrfmiddlewaretoken={token}"
