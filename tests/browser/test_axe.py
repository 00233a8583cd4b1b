"""axe-core on every page of ours, in light and in dark, on a phone and on a desk: no violation (SPEC 9).

All its rules are on, those of good practice too; what is left as it is stands in STOCK. The ordinary run
looks at the main pages, each once on a phone in the dark and once on a desk in light; with EVENTO_FULL=1
(`make proof`) every page is looked at in all four.
"""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.management import call_command
from django.urls import resolve, reverse
from playwright.sync_api import expect

from accounts.models import User
from events.models import Category, OrganiserOffer
from notifications.models import Notification, OutgoingEmail
from tests.browser import screenshots
from tests.browser.screenshots import Page
from tests.proof import figures
from tests.test_access import address_of, named_urls
from tickets.models import Ticket

pytestmark = [
    pytest.mark.browser,
    pytest.mark.sqlite,  # what a browser makes of a page is the same on both
    pytest.mark.django_db(transaction=True),
]

LOOKS = [(size, scheme) for size in screenshots.WIDTHS for scheme in screenshots.SCHEMES]
MAIN_LOOKS = [("phone", "dark"), ("desktop", "light")]
MAIN_PAGES = {
    *("list", "event-visitor", "calendar", "sign-in", "sign-up", "api-docs"),
    *("ticket", "tickets", "notifications", "admin-events", "admin-event-draft"),
}
ROLES = ["visitor", "attendee", "organiser", "promoted", "guarded", "halfway", "staff"]
# Pages that libraries bring, by name and rule, with the reason. One that is no longer needed fails.
BY_HAND = "a form that allauth registers for staff and nobody needs: rows come by signing in"
STOCK = {
    ("admin:mfa_authenticator_add", "label"): BY_HAND,
    ("admin:usersessions_usersession_add", "label"): BY_HAND,
}
MAIN_UNSEEN = ["admin:events_category_delete", *(name for name, _rule in STOCK)]
MAIN_ROLES = ["visitor", "attendee", "organiser"]
REFUSED = [
    ("visitor", "account_signup"),
    ("visitor", "account_login"),
    ("organiser", "admin:events_event_add"),
    ("organiser", "account_change_password"),
    ("organiser", "accounts:delete"),
]
# Some colours follow the scheme in a script of ours, and some move there.
SETTLED = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  await frame();
  await frame();
  const ending = document.getAnimations().filter(
    (each) => each.effect.getComputedTiming().endTime < Infinity);
  await Promise.allSettled(ending.map((each) => each.finished));
}"""


class Inspector:
    """A person's tab, and what axe found in it."""

    def __init__(self, browser, address, role):
        self.address, self.found, self.looks = address, {}, 0
        self.context = browser.new_context(reduced_motion="reduce")
        self.tab = self.context.new_page()
        if role != "visitor":
            screenshots.sign_in(self.tab, address, role)

    def show(self, page):
        screenshots.show(self.tab, self.address, page)

    def look(self, name):
        """Let axe look at what the tab shows, in each size and scheme of this run."""
        for size, scheme in LOOKS if figures.FULL else MAIN_LOOKS:
            width, height = screenshots.WIDTHS[size]
            self.tab.set_viewport_size({"width": width, "height": height})
            self.tab.emulate_media(color_scheme=scheme)
            self.tab.evaluate(SETTLED)
            self.looks += 1
            for broken in Axe().run(self.tab).response["violations"]:
                for node in broken["nodes"]:
                    where = (name, size, scheme, broken["id"], str(node["target"]))
                    self.found[where] = node["failureSummary"]

    def is_page(self, path):
        """Whether this person gets HTML of its own there: no file, no redirect, no refusal."""
        answer = self.context.request.get(self.address + path, max_redirects=0)
        return answer.status == 200 and answer.headers["content-type"].startswith("text/html")


@pytest.fixture
def demo(site):
    """The site with demo data, and beside it what the demo has none of."""
    call_command("create_demo", "--seed", screenshots.DEMO_SEED, verbosity=0)
    screenshots.prepare()
    return site


@pytest.fixture
def inspect(demo, browser, request):
    """Opens a tab for somebody; at the end, what axe found in any of them fails the test."""
    inspectors = []

    def as_person(role):
        inspectors.append(Inspector(browser, demo, role))
        return inspectors[-1]

    yield as_person
    found = {}
    for each in inspectors:
        each.context.close()
        found |= each.found
    looks = sum(each.looks for each in inspectors)
    figures.record(f"axe-{request.node.name}", {"looks": looks})
    assert looks > 0
    unexplained = {where: how for where, how in found.items() if (where[0], where[3]) not in STOCK}
    if unexplained:
        pytest.fail("\n".join(f"{' '.join(where)}\n  {how}" for where, how in unexplained.items()))


@pytest.mark.parametrize("role", ROLES if figures.FULL else MAIN_ROLES)
def test_no_page_breaks_a_rule(inspect, role):
    inspector = inspect(role)
    for page in screenshots.pages():
        wanted = figures.FULL or page.name in MAIN_PAGES
        if wanted and page.role == role and page.media == "screen":
            inspector.show(page)
            inspector.look(page.name)


def test_no_page_that_has_no_picture_breaks_a_rule(inspect):
    """What has a name and is no part of `screenshots.pages()`, as staff, who may open most."""
    inspector = inspect("staff")
    rows = _rows()
    shown = [page.path.partition("?")[0] for page in screenshots.pages() if not page.template]
    named = {resolve(path).view_name for path in shown if path != "/events/no-such-event/"}
    unseen = sorted({*named_urls()} - named - {"live"})  # a stream never ends
    for name in unseen if figures.FULL else MAIN_UNSEEN:
        path = address_of(name, rows)
        if inspector.is_page(path):
            inspector.show(Page(name, path))
            inspector.look(name)
    assert {*MAIN_UNSEEN} <= {*unseen}
    if figures.FULL:
        assert inspector.looks > 10 * len(LOOKS)
    assert {(where[0], where[3]) for where in inspector.found} >= set(STOCK)


def _rows():
    """A row of each kind, as `address_of` wants them."""
    ticket = Ticket.objects.valid().first()
    return {
        "event": ticket.event,
        "ticket": ticket,
        "people": {
            "attendee": User.objects.get(email="attendee@example.org"),
            "promoted": User.objects.get(username="promoted"),
        },
        "mail": OutgoingEmail.objects.get(key="parked"),
        "category": Category.objects.first(),
        "offer": OrganiserOffer.objects.first(),
        "notice": Notification.objects.filter(recipient__email="staff@example.org").first()
        or Notification.objects.first(),
    }


def test_what_opens_on_a_page_breaks_no_rule(inspect):
    visitor = inspect("visitor")
    visitor.show(Page("list", "/"))
    visitor.tab.get_by_text("Category and dates").click()
    visitor.look("the search unfolded")
    visitor.tab.set_viewport_size({"width": 360, "height": 780})
    visitor.tab.locator("header summary").last.click()
    visitor.look("a visitor's menu")
    if figures.FULL:
        visitor.show(Page("api-docs", "/api/v1/docs"))
        visitor.tab.get_by_text("Change my profile").click()
        expect(visitor.tab.get_by_role("heading", name="Responses")).to_be_visible()
        visitor.look("an operation of the API")
    attendee = inspect("attendee")
    attendee.show(Page("list", "/"))
    attendee.tab.locator("header summary").last.click()
    attendee.look("an attendee's menu")


@pytest.mark.parametrize(("role", "name"), REFUSED if figures.FULL else REFUSED[:1])
def test_no_refusal_breaks_a_rule(inspect, role, name):
    refused(inspect(role), reverse(name))


def refused(inspector, path):
    """Send the page's main form with nothing in it, past what the browser checks itself."""
    inspector.show(Page(path, path))
    form = inspector.tab.locator("main form, #content form").filter(
        has=inspector.tab.locator("input:not([type=hidden])")
    )
    form.first.evaluate("(form) => { form.noValidate = true; }")
    form.first.locator("[type=submit]").first.click()
    refusal = inspector.tab.locator(".invalid-feedback, .errorlist, .alert")
    expect(refusal.locator("visible=true").first).to_be_visible()
    inspector.look(f"{path} refused")
