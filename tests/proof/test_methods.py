"""Who may, beyond GET: every named URL by every method and every person, and forms with forged fields."""

import pytest
from django.apps import apps
from django.db.models import F
from django.test import Client

from events.models import Event
from tests.events.test_forms import stored_values
from tests.proof import figures
from tests.proof.chance import undone
from tests.test_access import ROLES, address_of, named_urls, world  # noqa: F401 - a fixture
from tickets.models import Ticket

pytestmark = [pytest.mark.django_db]
if not figures.FULL:
    pytestmark.append(pytest.mark.sqlite)  # one run is enough; in full it runs on both

METHODS = ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"]
NAMES = sorted(set(named_urls()))
# Mail programs post here for their reader, without a session (RFC 8058); the others are answered before
# Django's own checks, and read only.
WITHOUT_FORM_TOKEN = {"notifications:unsubscribe", "healthz", "readyz", "metrics"}
# What a session, a sign-in or a limit leaves behind.
FLEETING = {"sessions.Session", "usersessions.UserSession"}


def rows():
    """How many rows there are of each kind, and what events and tickets say."""
    counts = {
        model._meta.label: model._default_manager.count()
        for model in apps.get_models()
        if model._meta.managed and model._meta.label not in FLEETING
    }
    return counts, list(Event.objects.values()), list(Ticket.objects.values())


def browser_of(person, **kwargs):
    browser = Client(raise_request_exception=False, **kwargs)
    if person is not None:
        browser.force_login(person)
    return browser


def test_no_method_but_post_changes_anything(world):  # noqa: F811
    """In the ordinary run each URL meets one method and one of the people; in full all of them."""
    browsers = {role: browser_of(person) for role, person in world["people"].items()}
    addresses = [address_of(name, world) for name in NAMES]
    before = rows()
    broken, tried = [], 0
    for n, path in enumerate(addresses):
        methods = METHODS if figures.FULL else [METHODS[n % len(METHODS)]]
        roles = ROLES if figures.FULL else [ROLES[n % len(ROLES)]]
        for method in methods:
            for role in roles:
                with undone():
                    status = browsers[role].generic(method, path).status_code
                    changed = method in {"PUT", "PATCH", "DELETE"} and rows() != before
                tried += 1
                if status >= 500 or changed:
                    broken.append((method, path, role, status, changed))

    assert broken == []
    figures.record("methods", {"requests": tried})


def test_head_answers_as_get_without_a_body(world):  # noqa: F811
    browser = browser_of(world["people"]["organiser"])
    different = []
    for name in NAMES:
        path = address_of(name, world)
        with undone():
            got = browser.get(path)
        with undone():
            head = browser.head(path)
        if (got.status_code, b"") != (head.status_code, head.content):
            different.append((name, got.status_code, head.status_code))

    assert different == []


@pytest.mark.parametrize("role", ["visitor", "staff"])
def test_every_post_wants_the_form_token(world, role):  # noqa: F811
    browser = browser_of(world["people"][role], enforce_csrf_checks=True)
    accepted = []
    for name in set(NAMES) - WITHOUT_FORM_TOKEN:
        with undone():
            status = browser.post(address_of(name, world)).status_code
        if status != 403:
            accepted.append((name, status))

    assert accepted == []


FORGED = {
    "places_taken": "7",
    "waiting_count": "7",
    "status": "cancelled",
    "slug": "mine",
    "id": "00000000-0000-4000-8000-000000000000",
    "revision": "9",
    "published_at": "2020-01-01",
    "archived_at": "2020-01-01",
    "near_capacity_at": "2020-01-01",
    "organisers": "1",
    "holder": "1",
    "code": "0" * 20,
    "role": "organiser",
    "is_staff": "on",
    "is_superuser": "on",
    "is_active": "",
}


def test_forged_fields_of_the_event_form_change_nothing(world):  # noqa: F811
    event = world["event"]
    before = rows()
    path = f"/admin/events/event/{event.pk}/change/"

    answer = browser_of(world["people"]["organiser"]).post(path, stored_values(event) | FORGED)

    assert answer.status_code == 302
    assert rows()[1:] == before[1:]


@pytest.mark.parametrize("start", [{"starts_at_0": "2031-01-01"}, {"time_zone": "Asia/Tokyo"}])
def test_forged_start_of_a_published_event_is_refused_with_all_else(world, start):  # noqa: F811
    event = world["event"]
    before = rows()
    path = f"/admin/events/event/{event.pk}/change/"

    answer = browser_of(world["people"]["staff"]).post(
        path, stored_values(event) | start | {"title": "Other"}
    )

    assert answer.status_code == 200
    assert rows()[1:] == before[1:]


def test_forged_fields_of_note_booking_and_profile_change_nothing_else(world):  # noqa: F811
    attendee, ticket = world["people"]["attendee"], world["ticket"]
    kept = Ticket.objects.filter(pk=ticket.pk).values("holder", "event", "code", "status").get()
    browser = browser_of(attendee)

    browser.post(f"/tickets/{ticket.pk}/note/", {"note": "By bike"} | FORGED)
    browser.post(f"/events/{world['event'].slug}/ticket/", FORGED)
    browser.post("/accounts/profile/", FORGED | {"username": "ada", "time_zone": "UTC"})

    assert Ticket.objects.filter(pk=ticket.pk).values(*kept).get() == kept
    attendee.refresh_from_db()
    assert (attendee.role, attendee.is_staff, attendee.is_superuser) == ("attendee", False, False)
    assert attendee.is_active
    assert not Event.objects.filter(places_taken__gt=F("capacity")).exists()
    assert Event.objects.get(pk=world["event"].pk).places_taken == 1


@pytest.mark.parametrize(
    "lookup",
    [
        "organisers__password__startswith=a",
        "tickets__code__startswith=0",
        "tickets__holder__email__contains=a",
        "places_taken__gt=1",
    ],
)
def test_admin_list_refuses_lookups_through_rows_of_others(world, lookup):  # noqa: F811
    answer = browser_of(world["people"]["other"]).get(f"/admin/events/event/?{lookup}")

    assert answer.status_code in {302, 400}
