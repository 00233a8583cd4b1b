"""Every URL of tickets against every kind of person (SPEC 1, 3)."""

import pytest

from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory
from tests.tickets.factories import TicketFactory

pytestmark = pytest.mark.django_db

SIGN_IN, GONE, FINE, ELSEWHERE = "sign in", 404, 200, "redirect"
PEOPLE = ("visitor", "holder", "other holder", "organiser", "other organiser", "staff")

#                                visitor  holder     other      organiser  other org. staff
GET = {
    "/events/{slug}/ticket/":   (SIGN_IN, ELSEWHERE, ELSEWHERE, ELSEWHERE, ELSEWHERE, ELSEWHERE),
    "/tickets/":                (SIGN_IN, FINE,      FINE,      FINE,      FINE,      FINE),
    "/tickets/{id}/":           (SIGN_IN, FINE,      GONE,      FINE,      GONE,      FINE),
    "/tickets/{id}/cancel/":    (SIGN_IN, FINE,      GONE,      GONE,      GONE,      GONE),
    "/tickets/{id}/note/":      (SIGN_IN, ELSEWHERE, GONE,      GONE,      GONE,      GONE),
    "/tickets/{id}/ticket.ics": (SIGN_IN, FINE,      GONE,      GONE,      GONE,      GONE),
    "/tickets/{id}/barcode.svg": (SIGN_IN, FINE,     GONE,      FINE,      GONE,      FINE),
    "/tickets/{id}/barcode.png": (SIGN_IN, FINE,     GONE,      FINE,      GONE,      FINE),
}  # fmt: skip
POST = {
    "/events/{slug}/ticket/":   (SIGN_IN, ELSEWHERE, ELSEWHERE, ELSEWHERE, ELSEWHERE, ELSEWHERE),
    "/tickets/{id}/cancel/":    (SIGN_IN, ELSEWHERE, GONE,      GONE,      GONE,      GONE),
    "/tickets/{id}/note/":      (SIGN_IN, ELSEWHERE, GONE,      GONE,      GONE,      GONE),
}  # fmt: skip
TABLE = [
    (method, url, person, expected)
    for method, rows in (("get", GET), ("post", POST))
    for url, row in rows.items()
    for person, expected in zip(PEOPLE, row, strict=True)
]


@pytest.fixture
def cast(event, organiser, other_organiser, staff):
    EventFactory(organiser=other_organiser)
    return {
        "visitor": None,
        "holder": TicketFactory(event=event).holder,
        "other holder": TicketFactory(event=event).holder,
        "organiser": organiser,
        "other organiser": other_organiser,
        "staff": staff,
    }


@pytest.mark.parametrize(("method", "url", "person", "expected"), TABLE)
def test_answer_to_each_person(client, event, cast, method, url, person, expected):
    ticket = cast["holder"].tickets.get()
    if cast[person]:
        client.force_login(cast[person])

    response = getattr(client, method)(url.format(slug=event.slug, id=ticket.pk))

    answer = response.status_code
    if answer == 302:
        answer = SIGN_IN if response.url.startswith("/accounts/login/") else ELSEWHERE
    assert answer == expected


@pytest.mark.parametrize("url", [url for url in GET if url not in POST])
def test_pages_that_only_show_refuse_to_be_posted_to(client, event, cast, url):
    client.force_login(cast["holder"])
    ticket = cast["holder"].tickets.get()

    assert client.post(url.format(slug=event.slug, id=ticket.pk)).status_code == 405


def test_unknown_ticket_is_not_found(client):
    client.force_login(UserFactory())

    assert client.get("/tickets/00000000-0000-4000-8000-000000000000/").status_code == 404
