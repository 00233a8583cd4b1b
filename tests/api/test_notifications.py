"""My notices through the API (SPEC 5, 8)."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from events.notices import FULL
from notifications.models import EmailOptOut, Notification
from tests.accounts.factories import UserFactory
from tickets.notices import BOOKED, MESSAGE
from tickets.services import book_ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def mine(attendee, program_of):
    return program_of(attendee)


def notice(person, n=0, **fields):
    values = {
        "kind": BOOKED,
        "key": f"{person.pk}:{n}",
        "context": {"ticket": str(uuid4()), "title": f"Owls {n}"},
        "url": "/tickets/",
        "created_at": timezone.now() - timedelta(minutes=n),
    }
    return Notification.objects.create(recipient=person, **values | fields)


def texts(answer):
    return [item["text"] for item in answer.json()["items"]]


def test_booking_is_told_with_its_ticket_and_link(mine, event, attendee, settings):
    ticket = book_ticket(event, holder=attendee).ticket

    [item] = mine.call("GET", "/notifications").json()["items"]

    stored = Notification.objects.get()
    assert item == {
        "id": str(stored.pk),
        "kind": "tickets.ticket_booked",
        "text": f"You have a ticket for “{event.title}”.",
        "words": "",
        "link": f"{settings.SITE_URL}{ticket.get_absolute_url()}",
        "ticket_id": str(ticket.pk),
        "created_at": item["created_at"],
        "read_at": None,
    }
    assert ticket.code not in str(item)


def test_list_is_mine_alone_newest_first_and_marks_nothing(mine, attendee):
    for n in range(3):
        notice(attendee, n)
    notice(UserFactory())

    answer = mine.call("GET", "/notifications")

    assert texts(answer) == [f"You have a ticket for “Owls {n}”." for n in range(3)]
    assert answer.json()["next_cursor"] is None
    assert not Notification.objects.exclude(read_at=None).exists()


def test_list_goes_on_from_page_to_page(mine, attendee):
    for n in range(5):
        notice(attendee, n)

    first = mine.call("GET", "/notifications?limit=3")
    second = mine.call("GET", f"/notifications?limit=3&cursor={first.json()['next_cursor']}")

    assert texts(first) + texts(second) == [f"You have a ticket for “Owls {n}”." for n in range(5)]
    assert second.json()["next_cursor"] is None


def test_only_unread_ones_are_listed_when_asked_for(mine, attendee):
    notice(attendee, 0, read_at=timezone.now())
    notice(attendee, 1)

    assert texts(mine.call("GET", "/notifications?unread=true")) == [
        "You have a ticket for “Owls 1”."
    ]


def test_words_of_organisers_come_as_they_are(mine, attendee):
    words = {"title": "Owls", "subject": "%(x)s {0}", "text": "<b>Bring</b>\na torch"}
    notice(attendee, kind=MESSAGE, context=words | {"ticket": str(uuid4()), "message": "x"})

    [item] = mine.call("GET", "/notifications").json()["items"]

    assert (item["text"], item["words"]) == ("“Owls”: %(x)s {0}", "<b>Bring</b>\na torch")


def test_notice_of_an_unknown_kind_is_listed_all_the_same(mine, attendee):
    notice(attendee, kind="gone.kind", context={}, url="")

    [item] = mine.call("GET", "/notifications").json()["items"]

    assert (item["kind"], item["link"], item["ticket_id"]) == ("gone.kind", None, None)


def test_count_is_of_my_unread_notices(mine, attendee):
    for n in range(3):
        notice(attendee, n)
    notice(attendee, 3, read_at=timezone.now())
    notice(UserFactory())

    assert mine.call("GET", "/notifications/unread-count").json() == {"unread_count": 3}


def test_notice_is_marked_read_once(mine, attendee):
    stored = notice(attendee)

    first = mine.call("POST", f"/notifications/{stored.pk}/read")
    second = mine.call("POST", f"/notifications/{stored.pk}/read")

    assert first.status_code == second.status_code == 200
    assert first.json()["read_at"] == second.json()["read_at"] is not None


@pytest.mark.parametrize("whose", ["nobody", "somebody"])
def test_notice_of_others_is_not_found(mine, whose):
    pk = uuid4() if whose == "nobody" else notice(UserFactory()).pk

    answer = mine.call("POST", f"/notifications/{pk}/read")

    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"
    assert not Notification.objects.exclude(read_at=None).exists()


def test_all_of_mine_are_marked_read(mine, attendee):
    notice(attendee, 0)
    notice(attendee, 1)
    others = notice(UserFactory())

    answer = mine.call("POST", "/notifications/read-all")

    assert (answer.status_code, answer.content) == (204, b"")
    assert list(Notification.objects.filter(read_at=None)) == [others]


def test_choices_name_every_kind_and_whether_it_is_mailed(mine, attendee):
    EmailOptOut.objects.create(user=attendee, kind=FULL)

    items = mine.call("GET", "/notifications/preferences").json()["items"]

    chosen = {item["kind"]: (item["email"], item["optional"]) for item in items}
    assert chosen[BOOKED] == (True, False)
    assert chosen[MESSAGE] == (True, True)
    assert chosen[FULL] == (False, True)


def test_mails_of_an_optional_kind_are_switched_off_and_on(mine, attendee):
    address = f"/notifications/preferences/{MESSAGE}"

    for _twice in range(2):
        off = mine.call("PUT", address, {"email": False})
        assert (off.status_code, off.json()["email"]) == (200, False)
    stored = list(attendee.email_opt_outs.values_list("kind", flat=True))
    on = mine.call("PUT", address, {"email": True})

    assert stored == [MESSAGE]
    assert on.json()["email"] is True
    assert not EmailOptOut.objects.exists()


def test_mails_about_ones_ticket_cannot_be_switched_off(mine):
    answer = mine.call("PUT", f"/notifications/preferences/{BOOKED}", {"email": False})

    assert answer.status_code == 409
    assert answer.json()["code"] == "kind_not_optional"
    assert not EmailOptOut.objects.exists()


@pytest.mark.parametrize("kind", ["no.such", "x", "events.organiser_offered"])
def test_choice_of_an_unknown_kind_is_not_found(mine, kind):
    # An offer is mailed to an address; the site shows no notice of that kind.
    answer = mine.call("PUT", f"/notifications/preferences/{kind}", {"email": False})

    assert answer.status_code == 404


def test_flag_is_a_flag_and_no_word_for_one(mine):
    answer = mine.call("PUT", f"/notifications/preferences/{MESSAGE}", {"email": "no"})

    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/notifications"),
        ("GET", "/notifications/unread-count"),
        ("POST", f"/notifications/{UUID(int=1)}/read"),
        ("POST", "/notifications/read-all"),
        ("GET", "/notifications/preferences"),
        ("PUT", f"/notifications/preferences/{MESSAGE}"),
    ],
)
def test_visitor_is_asked_to_sign_in(program, method, path):
    assert program.call(method, path).status_code == 401


@pytest.mark.parametrize("path", ["/notifications", "/notifications/preferences"])
def test_list_asks_as_often_for_30_rows_as_for_one(mine, attendee, path):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            assert mine.call("GET", f"{path}").status_code == 200
        return len(captured)

    notice(attendee)
    queries()
    one = queries()
    for n in range(1, 30):
        notice(attendee, n)
        EmailOptOut.objects.create(user=attendee, kind=f"x.{n}")

    assert queries() == one
