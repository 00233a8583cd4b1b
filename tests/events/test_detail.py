import json
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from events.models import Event, EventOrganiser, OrganiserOffer
from tests.accounts.factories import UserFactory
from tests.events.factories import CategoryFactory, EventFactory
from tests.tickets.factories import TicketFactory

pytestmark = pytest.mark.django_db


def page_of(client, event):
    answer = client.get(event.get_absolute_url())
    assert answer.status_code == 200
    return answer.content.decode()


def json_ld(page):
    return json.loads(re.search(r'<script type="application/ld\+json">(.*?)</script>', page)[1])


@pytest.fixture
def summer_night():
    """Midnight passes on the event's own clock; in UTC it does not."""
    return EventFactory(
        title="Summer night",
        starts_at=datetime(2030, 6, 1, 20, 30, tzinfo=UTC),
        time_zone="Europe/Berlin",
        duration=timedelta(hours=3),
    )


def test_detail_prints_times_on_the_events_own_clock_with_its_zone(client, summer_night, settings):
    settings.TIME_ZONE = "America/New_York"

    page = page_of(client, summer_night)

    assert "Saturday, 1 June 2030" in page
    assert (
        '<time datetime="2030-06-01T22:30:00+02:00" data-local-time="%s your time"'
        ' data-time-zone="Europe/Berlin">22:30</time> to Sunday 2 June, 01:30, Berlin time'
    ) in page


@pytest.mark.parametrize(
    ("zone", "phrase"),
    [
        ("UTC", "UTC"),
        ("America/Argentina/Buenos_Aires", "Buenos Aires time"),
        ("Etc/GMT+5", "-05"),
    ],
)
def test_detail_names_the_zone_as_people_do(client, zone, phrase):
    event = EventFactory(time_zone=zone, duration=timedelta(minutes=1))

    assert f", {phrase}</p>" in page_of(client, event)


def test_detail_description_is_safe_html(client):
    event = EventFactory(description="# Hello\n\n<script>alert(1)</script> **you**")

    page = page_of(client, event)

    assert "<h3>Hello</h3>" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; <strong>you</strong>" in page


def test_detail_title_is_text(client):
    event = EventFactory(title="<b>x</b></script><script>alert(1)</script>")

    page = page_of(client, event)

    assert "<script>alert" not in page
    assert json_ld(page)["name"] == event.title


@pytest.mark.parametrize(
    ("contact", "link"),
    [
        ("bats@example.org", 'href="mailto:bats@example.org"'),
        ("https://example.org/us", 'href="https://example.org/us"'),
        ("javascript:alert(1)", None),
        ("Ask at the desk", None),
    ],
)
def test_detail_contact_is_a_link_where_it_can_be(client, contact, link):
    event = EventFactory(organiser_name="Lea Valley Wildlife", contact=contact)

    page = page_of(client, event)

    assert "Lea Valley Wildlife" in page
    assert contact in page
    if link:
        assert link in page
    else:
        assert f'href="{contact}' not in page


def test_detail_category_leads_to_its_events(client):
    event = EventFactory(category=CategoryFactory(slug="outdoors", name="Outdoors"))

    assert '<a href="/?category=outdoors">Outdoors</a>' in page_of(client, event)


def test_detail_of_cancelled_event_says_so_with_its_reason(client):
    event = EventFactory(status=Event.Status.CANCELLED, cancellation_reason="No voice.")

    page = page_of(client, event)

    assert "This event is cancelled" in page
    assert "No voice." in page
    assert "Add to calendar" not in page
    assert json_ld(page)["eventStatus"] == "https://schema.org/EventCancelled"


@pytest.mark.parametrize(
    "hidden", [{"status": Event.Status.DRAFT}, {"archived_at": timezone.now()}]
)
def test_detail_of_draft_and_archived_is_for_organisers_and_staff(
    client, hidden, organiser, other_organiser, attendee, staff
):
    event = EventFactory(organiser=organiser, **hidden)

    statuses = []
    for reader in (None, attendee, other_organiser, organiser, staff):
        client.logout()
        if reader:
            client.force_login(reader)
        statuses.append(client.get(event.get_absolute_url()).status_code)

    assert statuses == [404, 404, 404, 200, 200]


def test_detail_of_draft_is_kept_from_search_engines(client, organiser):
    draft = EventFactory(organiser=organiser, status=Event.Status.DRAFT)
    client.force_login(organiser)

    page = page_of(client, draft)

    assert '<meta name="robots" content="noindex">' in page
    assert "ld+json" not in page


def test_detail_unknown_slug_is_not_found(client):
    assert client.get("/events/nothing-22222222/").status_code == 404


def test_detail_refuses_post(client, event):
    assert client.post(event.get_absolute_url()).status_code == 405


def test_detail_manage_link_is_for_its_organisers_and_staff(
    client, event, organiser, other_organiser, attendee, staff
):
    link = f"/admin/events/event/{event.pk}/change/"
    seen = []

    for reader in (None, attendee, other_organiser, organiser, staff):
        client.logout()
        if reader:
            client.force_login(reader)
        seen.append(link in page_of(client, event))

    assert seen == [False, False, False, True, True]


def test_detail_calendar_links_carry_the_event(client, summer_night):
    page = page_of(client, summer_night).replace("&amp;", "&")

    google = re.search(r'href="(https://calendar\.google\.com[^"]*)"', page)[1]
    outlook = re.search(r'href="(https://outlook\.live\.com[^"]*)"', page)[1]
    assert parse_qs(urlsplit(google).query)["dates"] == ["20300601T203000Z/20300601T233000Z"]
    assert parse_qs(urlsplit(google).query)["text"] == ["Summer night"]
    assert parse_qs(urlsplit(outlook).query)["startdt"] == ["2030-06-01T20:30:00Z"]
    assert f'href="/events/{summer_night.slug}.ics"' in page


def test_detail_structured_data_says_what_and_where(client, settings):
    settings.SITE_URL = "https://tickets.example"
    event = EventFactory(description="**Bring** boots", organiser_name="The Band")

    data = json_ld(page_of(client, event))

    assert data["url"] == f"https://tickets.example{event.get_absolute_url()}"
    assert data["startDate"] == event.local_start.isoformat()
    assert data["endDate"] == event.local_end.isoformat()
    assert data["location"]["name"] == event.location
    assert data["eventAttendanceMode"] == "https://schema.org/OfflineEventAttendanceMode"
    assert data["description"] == "Bring boots"
    assert data["organizer"]["name"] == "The Band"


def test_detail_structured_data_of_online_event_gives_the_page_for_its_link(client):
    event = EventFactory(location="online", online_url="https://secret.example/room")

    data = json_ld(page_of(client, event))

    assert data["location"]["@type"] == "VirtualLocation"
    assert data["location"]["url"].endswith(event.get_absolute_url())
    assert data["eventAttendanceMode"] == "https://schema.org/OnlineEventAttendanceMode"


def test_detail_preview_has_absolute_addresses(client, event, settings):
    settings.SITE_URL = "https://tickets.example"

    page = page_of(client, event)

    address = f"https://tickets.example{event.get_absolute_url()}"
    assert f'<link rel="canonical" href="{address}">' in page
    assert f'<meta property="og:url" content="{address}">' in page
    assert f'<meta property="og:title" content="{event.title}">' in page


def test_detail_online_link_is_shown_to_holders(client, attendee):
    event = EventFactory(location="Online", online_url="https://secret.example/room")
    TicketFactory(event=event, holder=attendee)
    client.force_login(attendee)

    assert "https://secret.example/room" in page_of(client, event)


@pytest.mark.parametrize(("signed_in", "queries"), [(False, 1), (True, 6)])
def test_detail_takes_few_queries(
    client, event, attendee, signed_in, queries, django_assert_max_num_queries
):
    if signed_in:
        client.force_login(attendee)

    with django_assert_max_num_queries(queries + 2 * signed_in):
        page_of(client, event)


# --- An offer to organise -------------------------------------------------------------------------


@pytest.fixture
def offer(event, organiser):
    return OrganiserOffer.objects.create(
        event=event,
        email="Grace@Example.org",
        offered_by=organiser,
        offered_at=timezone.now(),
    )


@pytest.fixture
def grace():
    return UserFactory(username="grace", email="grace@example.org")


def test_offer_visitor_signs_in_first(client, offer):
    answer = client.get(f"/events/offers/{offer.pk}/")

    assert answer.status_code == 302
    assert answer["Location"] == f"/accounts/login/?next=/events/offers/{offer.pk}/"


def test_offer_is_not_found_for_others(client, offer, attendee, staff):
    statuses = []

    for reader in (attendee, staff):
        client.force_login(reader)
        statuses.append(client.get(f"/events/offers/{offer.pk}/").status_code)
        statuses.append(client.post(f"/events/offers/{offer.pk}/").status_code)

    assert statuses == [404] * 4
    assert EventOrganiser.objects.count() == 1


def test_offer_is_not_found_for_an_unverified_address(client, offer):
    client.force_login(UserFactory(email="grace@example.org", verified=False))

    assert client.get(f"/events/offers/{offer.pk}/").status_code == 404


def test_offer_page_changes_nothing_until_its_button(client, offer, grace, event):
    client.force_login(grace)

    page = client.get(f"/events/offers/{offer.pk}/").content.decode()

    assert event.title in page
    assert not EventOrganiser.objects.filter(user=grace).exists()


def test_offer_accepted_makes_an_organiser_and_leads_to_the_event(client, offer, grace, event):
    client.force_login(grace)

    answer = client.post(f"/events/offers/{offer.pk}/")

    assert answer["Location"] == f"/admin/events/event/{event.pk}/change/"
    assert EventOrganiser.objects.filter(event=event, user=grace).exists()
    assert not OrganiserOffer.objects.exists()
    grace.refresh_from_db()
    assert not grace.is_organiser


def test_offer_accepted_twice_is_gone(client, offer, grace):
    client.force_login(grace)
    client.post(f"/events/offers/{offer.pk}/")

    assert client.post(f"/events/offers/{offer.pk}/").status_code == 404


def test_category_is_read_with_its_event(client, attendee, django_assert_num_queries):
    client.force_login(attendee)
    plain, categorised = EventFactory(), EventFactory(category=CategoryFactory(name="Owls"))
    client.get(plain.get_absolute_url())  # what is asked once a process
    with CaptureQueriesContext(connection) as captured:
        client.get(plain.get_absolute_url())

    with django_assert_num_queries(len(captured)):
        page = client.get(categorised.get_absolute_url())

    assert "Owls" in page.text


def test_detail_offers_a_place_again_to_who_gave_theirs_back(client, event, attendee):
    TicketFactory(event=event, holder=attendee, status="cancelled")
    client.force_login(attendee)

    page = page_of(client, event)

    assert "Request a ticket" in page
    assert "You have a ticket" not in page
