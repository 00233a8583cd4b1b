"""The API's documentation page in a browser, under the site's content policy."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from evento.http.throttling import COUNTER

pytestmark = [
    pytest.mark.browser,
    pytest.mark.sqlite,  # what a browser makes of a page is the same on both
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def docs(browser, site, size, scheme):
    """The page in a tab that fails the test when something breaks the content policy or a script."""
    COUNTER.forget()
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme
    )
    page = context.new_page()
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: line.type == "error" and complaints.append(line.text))
    page.goto(f"{site}/api/v1/docs")
    expect(page.get_by_text("Get my profile")).to_be_visible()
    yield page
    context.close()
    assert complaints == []


@pytest.fixture(params=["light", "dark"])
def scheme(request):
    return request.param


def test_every_part_is_listed_and_nothing_is_wider_than_the_page(docs, size, scheme):
    for heading in ("Sign-in", "Me", "Events", "Tickets", "Notifications"):
        expect(docs.locator(f"h3[id='operations-tag-{heading}']")).to_be_visible()

    docs.get_by_text("Change my profile").click()
    docs.get_by_role("heading", name="Responses").wait_for()
    if folder := os.environ.get("SCREENSHOTS"):
        docs.screenshot(path=Path(folder) / f"api-docs-{size[0]}-{scheme}.png")
    wide = docs.evaluate(
        """() => [...document.querySelectorAll("#api-docs *")]
        .filter((each) => each.getBoundingClientRect().right > innerWidth
            && !each.closest(".opblock-body"))
        .map((each) => each.className)"""
    )

    assert wide == []
    assert docs.evaluate("document.documentElement.scrollWidth") <= size[0]
