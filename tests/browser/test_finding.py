"""Finding events in a browser, with and without script, at phone and desktop width (SPEC 7)."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from tests.events.factories import CategoryFactory, EventFactory

pytestmark = [
    pytest.mark.browser,
    pytest.mark.sqlite,  # what a browser makes of a page is the same on both
    pytest.mark.django_db(transaction=True),
]


def test_search_and_show_more_meet_every_match_once(tab, site, javascript):
    start = timezone.now() + timedelta(days=5)
    for n in range(25):
        EventFactory(title=f"Choir {n}", starts_at=start + timedelta(days=n // 3))
    EventFactory(title="Bats", starts_at=start)
    tab.goto(site)

    tab.get_by_label("Search events").fill("choir")
    tab.get_by_role("button", name="Search").click()
    expect(tab.get_by_role("link", name="Bats")).to_have_count(0)
    expect(tab.locator(".event-card")).to_have_count(20)
    tab.get_by_role("link", name="Show more").click()

    # Script appends the rest; without it the rest is a page of its own.
    expect(tab.locator(".event-card")).to_have_count(25 if javascript else 5)
    expect(tab.get_by_role("link", name="Show more")).to_have_count(0)
    assert "q=choir" in tab.url


def test_filter_by_category_is_in_the_address_and_back_undoes_it(tab, site, javascript):
    EventFactory(title="Song", category=CategoryFactory(name="Music", slug="music"))
    EventFactory(title="Talk")
    tab.goto(site)

    tab.get_by_text("Category and dates").click()
    tab.get_by_label("Category", exact=True).select_option("Music")
    if not javascript:
        tab.get_by_role("button", name="Search").click()
    expect(tab.get_by_role("link", name="Talk", exact=True)).to_have_count(0)
    expect(tab.get_by_role("link", name="Song", exact=True)).to_be_visible()
    assert "category=music" in tab.url
    tab.go_back()

    expect(tab.get_by_role("link", name="Talk", exact=True)).to_be_visible()


def test_event_page_fits_its_policy_and_width(tab, site):
    event = EventFactory(title="W" * 60, description="# Hello\n\n" + "long" * 60, location="L" * 90)

    tab.goto(site + event.get_absolute_url())

    expect(tab.get_by_role("heading", name="Hello")).to_be_visible()
    expect(tab.locator('script[type="application/ld+json"]')).to_have_count(1)
    width = tab.evaluate("document.documentElement.scrollWidth")
    assert width <= tab.viewport_size["width"]
