"""Three people at open pages of a real server: each sees what it may, at once, and nothing else (SPEC 6)."""

import os
import signal
from pathlib import Path

import pytest
from playwright.sync_api import expect

from events.models import Event
from events.services import cancel_event, change_event, create_event
from tests.accounts.factories import UserFactory
from tests.browser.conftest import SIZES
from tests.events.factories import EventFactory
from tests.live import database_shared_with_servers
from tests.servers import running, sign_in
from tickets.services import book_ticket, cancel_ticket

pytestmark = [
    pytest.mark.browser,
    pytest.mark.server,
    pytest.mark.django_db(transaction=True),
]

# Every frame that reaches a page, as it came; <html> says whether the stream is open.
RECORDER = """
const Real = window.EventSource;
window.frames_seen = [];
window.EventSource = class extends Real {
  constructor(address) {
    super(address);
    const html = document.documentElement;
    this.addEventListener("open", () => { html.dataset.stream = "open"; });
    for (const kind of ["public", "private", "snapshot", "end"]) {
      this.addEventListener(kind, ({ data, lastEventId }) => {
        window.frames_seen.push({ kind, data, id: lastEventId });
      });
    }
  }
};
"""


class Watcher:
    """Somebody at an open page, with what came to it."""

    def __init__(self, browser, server, size, person=None):
        width, height = SIZES[size]
        self.context = browser.new_context(viewport={"width": width, "height": height})
        self.context.add_init_script(RECORDER)
        self.url = server.url
        self.complaints = []
        self.loses_connection = False
        if person is not None:
            [cookies] = sign_in([person])
            self.context.add_cookies(
                [
                    {"name": name, "value": value, "url": self.url}
                    for name, _is, value in (pair.partition("=") for pair in cookies.split("; "))
                ]
            )
        self.tab = self.context.new_page()
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.on("console", self.hear)

    def hear(self, line):
        """Of a connection that is lost, the browser itself complains, at a moment of its own choice."""
        is_the_browsers = "net::ERR_" in line.text or "Failed to load resource" in line.text
        if line.type == "error" and not (self.loses_connection and is_the_browsers):
            self.complaints.append(line.text)

    def open(self, path):
        self.tab.goto(self.url + path)
        expect(self.tab.locator("html")).to_have_attribute("data-stream", "open")

    def card(self, event):
        return self.tab.locator(f'.day-event[data-event="{event.slug}"]')

    def frames(self):
        return self.tab.evaluate("window.frames_seen")


@pytest.fixture
def server(tmp_path):
    with (
        database_shared_with_servers(tmp_path) as url,
        running(tmp_path, database_url=url, workers=2) as server,
    ):
        yield server


@pytest.fixture
def watch(browser, server):
    watchers = []

    def open_browser(size, person=None):
        watchers.append(Watcher(browser, server, size, person))
        return watchers[-1]

    yield open_browser
    for watcher in watchers:
        watcher.context.close()
    assert [watcher.complaints for watcher in watchers] == [[] for _each in watchers]


@pytest.fixture
def event(server, organiser):
    return EventFactory(title="Bats of the river", capacity=20, organiser=organiser)


def new_event(creator):
    template = EventFactory.build(title="Night walk")
    return create_event(
        Event(
            title=template.title,
            starts_at=template.starts_at,
            time_zone=template.time_zone,
            duration=template.duration,
            capacity=1,
            location=template.location,
        ),
        creator=creator,
    )


def test_three_browsers_each_see_exactly_what_they_may(watch, event, organiser, attendee):
    manager = watch("desktop", organiser)
    manager.open(f"/admin/events/event/{event.pk}/change/")
    person, visitor = watch("phone", attendee), watch("desktop")
    person.open("/")
    visitor.open("/")
    before = visitor.tab.locator("main").inner_html()

    guest = UserFactory(display_name="Ada Lovelace")
    book_ticket(event, holder=guest)
    for _n in range(11):
        book_ticket(event, holder=UserFactory())

    expect(manager.tab.locator("#places-live")).to_contain_text("12 of 20")
    expect(manager.tab.locator("#arrivals")).to_contain_text("Person")

    night_walk = new_event(organiser)
    for watcher in (person, visitor):
        expect(watcher.card(night_walk)).to_be_visible()
        expect(watcher.card(event)).not_to_contain_text("last")
    # Twelve bookings came to nobody else: the new event is the first thing they heard of.
    assert [frame["kind"] for frame in visitor.frames()] == ["public"]
    assert [frame["kind"] for frame in person.frames()] == ["private", "public"]
    for watcher in (person, visitor):
        said = "".join(frame["data"] for frame in watcher.frames())
        assert "Ada" not in said
        assert event.slug not in said
    assert event.slug in before

    book_ticket(night_walk, holder=guest)
    for watcher in (person, visitor):
        expect(watcher.card(night_walk).get_by_text("FULL", exact=True)).to_be_visible()
        expect(watcher.card(night_walk).get_by_role("button")).to_have_count(0)
    expect(visitor.card(event).get_by_role("link", name="Sign in to get a ticket")).to_be_visible()

    cancel_event(event, by=organiser)
    for watcher in (person, visitor):
        expect(watcher.card(event).get_by_text("Cancelled", exact=True)).to_be_visible()
        expect(watcher.card(event).get_by_role("button")).to_have_count(0)
    assert all(frame["kind"] == "public" for frame in visitor.frames())


def test_booking_in_one_tab_shows_in_the_others_of_the_same_person_alone(
    watch, event, attendee, other_organiser
):
    phone, desktop = watch("phone", attendee), watch("desktop", attendee)
    other = watch("desktop", other_organiser)
    phone.open("/")
    desktop.open(event.get_absolute_url())
    other.open("/")

    phone.card(event).get_by_role("button", name="Request a ticket").click()

    expect(desktop.tab.locator("#panel")).to_contain_text("You have a ticket")
    expect(desktop.tab.locator("#bell .nav-count")).to_have_text("1")
    expect(phone.tab.locator("#bell .nav-count")).to_have_text("1")
    expect(other.tab.locator("#bell .nav-count")).to_have_count(0)
    expect(other.card(event)).to_contain_text("Request a ticket")

    phone.tab.goto(f"{phone.url}/notifications/")
    phone.tab.get_by_role("button", name="Mark all as read").click()
    expect(desktop.tab.locator("#bell .nav-count")).to_have_count(0)


def test_book_button_follows_full_and_free_without_taking_the_focus(watch, organiser, attendee):
    small = EventFactory(title="Small room", capacity=1, organiser=organiser)
    person = watch("phone", attendee)
    person.open(small.get_absolute_url())
    person.tab.locator(".skip-link").focus()

    ticket = book_ticket(small, holder=UserFactory()).ticket
    expect(person.tab.locator("#panel")).to_contain_text("FULL")
    expect(person.tab.get_by_role("button", name="Request a ticket")).to_have_count(0)
    cancel_ticket(ticket, by=ticket.holder)
    expect(person.tab.get_by_role("button", name="Request a ticket")).to_be_visible()
    assert person.tab.evaluate("document.activeElement.className") == "skip-link"
    person.tab.get_by_role("button", name="Request a ticket").click()

    expect(person.tab.locator("#panel")).to_contain_text("You have a ticket")


def test_signing_out_in_one_tab_ends_the_stream_of_the_other_and_says_so(watch, event, attendee):
    person = watch("desktop", attendee)
    person.open("/")
    second = person.context.new_page()
    second.goto(person.url)
    second.locator("header summary").last.click()
    second.get_by_role("button", name="Sign out").click()

    expect(person.tab.locator("[data-live-ended]")).to_be_visible()
    assert person.frames()[-1]["kind"] == "end"


def kill_children(process):
    """Kill the serving processes; the one that watches over them starts others in their place."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    for child in children.split():
        os.kill(int(child), signal.SIGKILL)


def test_killed_servers_are_found_again_and_what_was_missed_is_shown(watch, server, event):
    """The browser comes back by itself to the processes that follow, and asks for what it missed."""
    visitor = watch("desktop")
    visitor.open("/")
    book_ticket(event, holder=UserFactory())
    change_event(event, changes={"title": "Bats of the lake"}, by=None)
    expect(visitor.card(event)).to_contain_text("Bats of the lake")

    visitor.loses_connection = True
    kill_children(server.process)
    cancel_event(event, by=None)

    expect(visitor.card(event).get_by_text("Cancelled", exact=True)).to_be_visible()
    assert "snapshot" not in {frame["kind"] for frame in visitor.frames()}
