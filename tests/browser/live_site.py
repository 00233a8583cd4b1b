"""Pages and frames as Evento makes them, and a browser that looks at them through the peer."""

import time

import pytest
from django.test import Client

from notifications.live.bell import Bell
from notifications.live.topics import find
from tests.browser.live_peer import Peer
from tests.patience import PATIENCE

PHONE, DESKTOP = (360, 780), (1280, 900)
# Playwright's pages are always visible: this is what a page is told when it no longer is, or is again.
SEEN = """(isSeen) => {
  const state = isSeen ? "visible" : "hidden";
  Object.defineProperty(document, "visibilityState", {configurable: true, get: () => state});
  document.dispatchEvent(new Event("visibilitychange"));
}"""
# How long the page waits for what, and what it moves, written down as it happens.
NOTES = """
  window.delays = [];
  const wait = window.setTimeout;
  window.setTimeout = (act, delay, ...rest) => {
    window.delays.push(delay);
    return wait(act, delay, ...rest);
  };
  window.moves = [];
  const move = Element.prototype.animate;
  Element.prototype.animate = function (frames, options) {
    window.moves.push([this.className, options.duration]);
    return move.call(this, frames, options);
  };
"""


def hold_clock(tab):
    """From now on the page's clock moves only when the test moves it."""
    tab.clock.pause_at(tab.evaluate("Date.now()") / 1000 + 1)


def until(tab, condition, arg=None):
    """Ask the page until the condition holds. Playwright's own waiting would break the content policy."""
    deadline = time.monotonic() + PATIENCE
    while not tab.evaluate(condition, arg):
        assert time.monotonic() < deadline, condition
        tab.wait_for_timeout(20)


class LiveSite:
    """What one reader is shown, and what the stream says to them."""

    def __init__(self, peer, reader=None):
        self.peer = peer
        self.client = Client()
        self.reader = reader
        if reader is not None:
            self.client.force_login(reader)

    def show(self, path, **headers):
        """The page as it is by now, from now on; returns its address."""
        response = self.client.get(path, headers=headers)
        assert response.status_code == 200, response.status_code
        self.peer.pages[path] = response.content.decode()
        return path

    def frame(self, topic, event):
        """What the stream says of a stored event by now."""
        found = find(topic)
        subject = found.load([event.pk])[event.pk]
        return {"topic": topic, **found.frame(subject, self.reader is not None)}

    def tell(self, topic, *events):
        for event in events:
            self.peer.say("public", self.frame(topic, event), id=1)

    def tell_bell(self, unread):
        """The bell's new state; like all that is private, it has no id."""
        said = find("mine").frame(self.reader.pk, Bell(unread, newest=None))
        self.peer.say("private", {"topic": "mine", **said})

    def tell_filling(self, event):
        """How a stored event fills by now, for its organisers."""
        organised = find("organised")
        state = organised.read([event.pk])[event.pk]
        self.peer.say("private", {"topic": "organised", **organised.frame(event.pk, state)})


@pytest.fixture
def peer():
    with Peer() as running:
        yield running


@pytest.fixture
def site_for(peer, db):
    """The site as somebody sees it, or as nobody in particular does."""
    return lambda reader=None: LiveSite(peer, reader)


@pytest.fixture
def visit(browser, peer):
    """Open a page in a new tab, with the pointer out of the way.

    The test fails when a page breaks its content policy or a script.
    """
    contexts, complaints = [], []

    def hear(line):
        # The browser itself writes down every answer that is an error.
        is_the_streams = "Failed to load resource" in line.text and "/live/" in line.location["url"]
        if line.type == "error" and not is_the_streams:
            complaints.append(line.text)

    def open_tab(path, *, size=DESKTOP, clock=False, before="", beside=None, **options):
        viewport = {"width": size[0], "height": size[1]}
        context = beside.context if beside else browser.new_context(viewport=viewport, **options)
        contexts.append(context)
        tab = context.new_page()
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("console", hear)
        if clock:
            tab.clock.install()
        tab.add_init_script(NOTES + before)
        tab.goto(peer.url + path)
        tab.mouse.move(1, 1)
        return tab

    yield open_tab
    for context in contexts:
        context.close()
    assert not complaints, complaints
