"""An organiser's walk through the admin, with and without JavaScript, on phone and desktop (SPEC 1, 2)."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from events.models import Event
from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory
from tests.tickets.factories import TicketFactory

pytestmark = [
    pytest.mark.browser,
    pytest.mark.sqlite,  # what a browser makes of a page is the same on both
    pytest.mark.django_db(transaction=True),
]

NEXT_YEAR = timezone.now().year + 1


@pytest.fixture
def organiser():
    return UserFactory(organiser=True, time_zone="Europe/Berlin")


@pytest.fixture
def manage(tab, site, client, organiser):
    """A tab of the organiser, signed in."""
    client.force_login(organiser)
    session = client.cookies["sessionid"].value
    tab.context.add_cookies([{"name": "sessionid", "value": session, "url": site}])
    return tab


def overflow(tab):
    return tab.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def test_organiser_makes_publishes_and_cancels_an_event(manage, site):
    manage.goto(f"{site}{reverse('admin:events_event_add')}")
    manage.get_by_label("Title").fill("Reading group")
    manage.get_by_label("Date", exact=True).fill(f"{NEXT_YEAR}-06-01")
    manage.get_by_label("Time", exact=True).fill("18:30")
    manage.get_by_label("Hours").fill("2")
    manage.get_by_role("textbox", name="Place:").fill("Library")
    manage.get_by_label("Capacity").fill("20")
    manage.get_by_role("button", name="Save as draft").click()
    manage.get_by_role("link", name="Edit it").click()
    manage.get_by_role("button", name="Save and publish").click()

    event = Event.objects.get()
    assert event.is_published
    assert event.starts_at == datetime(NEXT_YEAR, 6, 1, 16, 30, tzinfo=UTC)

    manage.get_by_role("link", name="Reading group").first.click()
    expect(manage.get_by_label("Date", exact=True)).to_have_count(0)
    manage.get_by_role("link", name="Cancel event").click()
    manage.get_by_label("Reason").fill("The roof leaks")
    manage.get_by_role("button", name="Cancel event").click()

    expect(manage.get_by_text("The event is cancelled.")).to_be_visible()
    assert Event.objects.get().cancellation_reason == "The roof leaks"


def test_start_that_comes_twice_is_asked_about(manage, site):
    manage.goto(f"{site}{reverse('admin:events_event_add')}")
    manage.get_by_label("Title").fill("Night watch")
    manage.get_by_label("Date", exact=True).fill("2032-10-31")  # clocks go back that night
    manage.get_by_label("Time", exact=True).fill("02:30")
    manage.get_by_label("Minutes").fill("45")
    manage.get_by_role("textbox", name="Place:").fill("Tower")
    manage.get_by_label("Capacity").fill("5")
    manage.get_by_role("button", name="Publish").click()
    assert not Event.objects.exists()

    manage.get_by_label("The second").check()
    manage.get_by_role("button", name="Publish").click()

    expect(manage.get_by_text("is saved and public")).to_be_visible()
    assert Event.objects.get().starts_at == datetime(2032, 10, 31, 1, 30, tzinfo=UTC)


def test_no_page_is_wider_than_the_screen(manage, site, organiser):
    event = EventFactory(organiser=organiser, title="A very long title " * 8)
    draft = EventFactory(organiser=organiser, status=Event.Status.DRAFT)
    for _n in range(3):
        TicketFactory(event=event, note="A long note " * 20)
    of_event = {"event_id": event.pk}
    pages = [
        reverse("admin:index"),
        reverse("admin:events_event_changelist"),
        reverse("admin:events_event_add"),
        reverse("admin:events_event_change", args=[event.pk]),
        reverse("admin:events_event_change", args=[draft.pk]),
        reverse("admin:events_event_delete", args=[draft.pk]),
        reverse("admin:events_event_history", args=[event.pk]),
        reverse("admin:events_event_cancel", kwargs=of_event),
        reverse("admin:events_event_organisers", kwargs=of_event),
        reverse("admin:tickets_ticket_changelist"),
        reverse("admin:tickets_ticket_change", args=[event.tickets.first().pk]),
    ]

    wide = {}
    for page in pages:
        manage.goto(f"{site}{page}")
        expect(manage.locator("h1")).to_be_visible()
        if (by := overflow(manage)) > 0:
            wide[page] = by

    assert wide == {}
