"""Who manages an event, through the API: added, offered, removed, leaving."""

from datetime import UTC

import pytest

from events.models import EventOrganiser, OrganiserOffer
from events.services import add_organiser, offer_organiser
from events.signals import organiser_added, organiser_offered
from tests.accounts.factories import UserFactory
from tests.api.test_problem import assert_problem
from tests.events.factories import EventFactory
from tests.signals import heard
from tests.tickets.factories import TicketFactory


def milliseconds(value):
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def organisers_of(event):
    return [row.user for row in event.organiser_rows.all()]


@pytest.fixture
def host(organiser, program_of):
    """The program of the event's organiser."""
    return program_of(organiser)


@pytest.fixture
def address(event):
    return f"/events/{event.slug}/organisers"


def test_organisers_are_listed_the_creator_first(host, address, event, organiser, attendee, now):
    row = add_organiser(event, user=attendee, by=organiser, now=now)
    EventFactory(organiser=UserFactory())

    first, second = host.call("GET", address).json()["items"]

    assert (first["id"], first["added_by"]) == (str(organiser.pk), organiser.name)
    assert second == {
        "id": str(attendee.pk),
        "name": attendee.name,
        "email": attendee.email,
        "added_by": organiser.name,
        "added_at": milliseconds(row.added_at),
    }


def test_holder_becomes_an_organiser_at_once(host, address, event, organiser, attendee):
    TicketFactory(event=event, holder=attendee)

    with heard(organiser_added) as told:
        answer = host.call("POST", address, {"email": attendee.email.upper()})

    assert answer.status_code == 200
    assert answer.json() == host.call("GET", address).json()["items"][1]
    assert organisers_of(event) == [organiser, attendee]
    assert len(told) == 1


def test_anybody_else_is_offered_alike_with_and_without_an_account(host, address, event, attendee):
    emails = (attendee.email, "nobody@example.org")

    with heard(organiser_offered) as told:
        answers = [host.call("POST", address, {"email": email}) for email in emails]

    assert [answer.status_code for answer in answers] == [202, 202]
    offers = host.call("GET", f"/events/{event.slug}/offers").json()["items"]
    assert [answer.json() for answer in answers] == offers
    assert [offer["email"] for offer in offers] == [attendee.email, "nobody@example.org"]
    assert set(offers[0]) == {"id", "email", "offered_by", "offered_at"}
    assert len(told) == 2


def test_adding_twice_is_quiet(host, address, event, organiser):
    with heard(organiser_offered) as told:
        first = host.call("POST", address, {"email": "nobody@example.org"})
        again = host.call("POST", address, {"email": " Nobody@example.org"})
        known = host.call("POST", address, {"email": organiser.email})

    assert again.json() == first.json()
    assert (known.status_code, known.json()["id"]) == (200, str(organiser.pk))
    assert len(told) == 1
    assert OrganiserOffer.objects.count() == 1


@pytest.mark.parametrize("email", ["", "no", "not an address", "a@", "x" * 255])
def test_what_is_no_address_is_refused(host, address, email):
    body = assert_problem(host.call("POST", address, {"email": email}), 422, "invalid")

    assert [error["field"] for error in body["errors"]] == ["email"]
    assert not OrganiserOffer.objects.exists()


def test_offers_are_limited_together_with_those_of_the_pages(host, address, settings):
    settings.ACCOUNT_RATE_LIMITS = {"offer_organiser": "2/h/user"}
    for n in range(2):
        assert host.call("POST", address, {"email": f"{n}@example.org"}).status_code == 202

    answer = host.call("POST", address, {"email": "third@example.org"})

    assert_problem(answer, 429, "too_many_offers")
    assert answer["Retry-After"] == "3600"
    assert OrganiserOffer.objects.count() == 2


def test_removed_organiser_loses_access_at_once(
    host, program_of, address, event, organiser, attendee
):
    add_organiser(event, user=attendee, by=organiser)
    promoted = program_of(attendee)
    assert promoted.call("GET", address).status_code == 200

    answer = host.call("DELETE", f"{address}/{attendee.pk}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert_problem(promoted.call("GET", address), 403, "forbidden")


def test_organiser_leaves_unless_they_are_the_last(host, address, event, organiser, attendee):
    answer = host.call("DELETE", f"{address}/{organiser.pk}")
    assert_problem(answer, 409, "last_organiser")

    add_organiser(event, user=attendee, by=organiser)

    assert host.call("DELETE", f"{address}/{organiser.pk}").status_code == 204
    assert organisers_of(event) == [attendee]


def test_removing_who_is_no_organiser_is_404(host, address, attendee):
    assert_problem(host.call("DELETE", f"{address}/{attendee.pk}"), 404, "not_found")


def test_offer_is_withdrawn_from_its_own_event_alone(host, organiser, event):
    offer = offer_organiser(event, email="nobody@example.org", by=organiser)
    elsewhere = EventFactory(organiser=organiser)

    wrong = host.call("DELETE", f"/events/{elsewhere.slug}/offers/{offer.pk}")
    answer = host.call("DELETE", f"/events/{event.slug}/offers/{offer.pk}")

    assert_problem(wrong, 404, "not_found")
    assert answer.status_code == 204
    assert not OrganiserOffer.objects.exists()


@pytest.mark.parametrize("list_of", ["organisers", "offers"])
def test_lists_come_in_pages(host, event, organiser, list_of):
    for n in range(4):
        add_organiser(event, user=UserFactory(), by=organiser)
        offer_organiser(event, email=f"{n}@example.org", by=organiser)
    seen, cursor = [], ""

    while cursor is not None:
        page = host.call("GET", f"/events/{event.slug}/{list_of}?limit=2&cursor={cursor}").json()
        seen += [item["email"] for item in page["items"]]
        cursor = page["next_cursor"]

    rows = EventOrganiser.objects.filter(event=event)
    expected = {
        "organisers": [row.user.email for row in rows],
        "offers": [f"{n}@example.org" for n in range(4)],
    }
    assert seen == expected[list_of]
