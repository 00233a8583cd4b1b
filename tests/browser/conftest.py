"""A real browser on a live server, with and without JavaScript, at phone and desktop width."""

import os

import pytest
from django.core import mail
from django.core.cache import cache
from django.core.management import call_command
from playwright.sync_api import expect

from tests.browser.live_site import peer, site_for, visit  # noqa: F401 - fixtures
from tests.patience import PATIENCE

expect.set_options(timeout=PATIENCE * 1000)
# Playwright's own event loop runs in this thread; Django must not mistake our queries for async ones.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

SIZES = {"phone": (360, 780), "desktop": (1280, 900)}


@pytest.fixture(scope="session")
def browser_type_launch_args():
    return {"executable_path": "/usr/bin/chromium", "args": ["--no-sandbox"]}


@pytest.fixture
def site(live_server, settings):
    """The address of the running site; its mails go through the real outbox, no limit is used up."""
    cache.clear()
    settings.SITE_URL = live_server.url
    settings.EMAIL_BACKEND = "notifications.backends.OutboxBackend"
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    return live_server.url


@pytest.fixture
def deliver(site):
    """Run the sender once; returns the mails it delivered."""

    def run():
        before = len(mail.outbox)
        call_command("send_notifications", "--once", verbosity=0)
        return mail.outbox[before:]

    return run


@pytest.fixture(params=[True, False], ids=["javascript", "plain"])
def javascript(request):
    return request.param


@pytest.fixture(params=list(SIZES))
def size(request):
    return SIZES[request.param]


@pytest.fixture
def tab(browser, javascript, size):
    """A browser tab that fails the test when the page breaks its own content policy or a script."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, java_script_enabled=javascript
    )
    page = context.new_page()
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: line.type == "error" and complaints.append(line.text))
    yield page
    context.close()
    assert complaints == []
