"""The topic `mine`: the bell of whoever follows it (SPEC 6)."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.live import bell
from notifications.live.topics import find
from notifications.models import Notification
from notifications.services import mark_all_read, tell
from tests.accounts.factories import UserFactory

pytestmark = pytest.mark.django_db


def notice(person, n=0, **fields):
    created = timezone.now() - timedelta(hours=n)
    return Notification.objects.create(
        recipient=person,
        kind="tickets.ticket_booked",
        key=f"{person.pk}:{n}",
        created_at=created,
        **fields,
    )


def state(person):
    return bell.read([person.pk])[person.pk]


def test_topic_is_registered_by_its_name():
    assert find("mine") is bell.MINE


def test_everybody_may_follow_their_own_and_nobody_elses(attendee, staff):
    assert bell.permit(attendee, "") == attendee.pk
    assert bell.permit(staff, str(attendee.pk)) is None


def test_state_counts_what_is_unread_and_knows_the_newest(attendee):
    newest = notice(attendee, 0)
    notice(attendee, 1)
    notice(attendee, 2, read_at=timezone.now())

    assert state(attendee) == bell.Bell(unread=2, newest=newest.pk)


def test_state_of_somebody_without_notices(attendee):
    assert state(attendee) == bell.Bell(unread=0, newest=None)


def test_state_of_each_person_is_their_own(attendee, organiser):
    mine, theirs = notice(attendee), notice(organiser)

    states = bell.read([attendee.pk, organiser.pk])

    assert {pk: told.newest for pk, told in states.items()} == {
        attendee.pk: mine.pk,
        organiser.pk: theirs.pk,
    }


def test_state_is_a_new_one_when_a_notice_comes_while_another_is_read(attendee):
    notice(attendee, 1)
    before = state(attendee)

    mark_all_read(attendee)
    notice(attendee, 0)

    assert state(attendee).unread == before.unread
    assert state(attendee) != before


def test_state_is_the_same_while_nothing_happens_and_when_others_get_notices(attendee, organiser):
    notice(attendee)
    before = state(attendee)

    notice(organiser)

    assert state(attendee) == before


def test_state_counts_no_further_than_the_bell(attendee):
    Notification.objects.bulk_create(
        Notification(recipient=attendee, kind="tickets.ticket_booked", key=f"{n}")
        for n in range(130)
    )

    assert state(attendee).unread == 100


def test_many_people_are_one_query(django_assert_num_queries):
    people = [UserFactory() for _n in range(30)]

    with django_assert_num_queries(1):
        assert len(bell.read([person.pk for person in people])) == 30


def test_query_uses_the_indexes_of_notices(attendee):
    for n in range(3):
        notice(attendee, n)
    with CaptureQueriesContext(connection) as queries:
        bell.read([attendee.pk])
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = off")
            cursor.execute("SET enable_bitmapscan = off")
            cursor.execute("SET enable_sort = off")
        explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
        cursor.execute(f"{explain} {queries[0]['sql']}")
        plan = str(cursor.fetchall())

    assert "notifications_unread" in plan
    assert "notifications_bell" in plan


@pytest.mark.parametrize(("unread", "shown"), [(0, None), (3, ">3<"), (99, ">99<"), (100, ">99+<")])
def test_frame_is_the_bell_that_the_page_shows(client, attendee, unread, shown):
    Notification.objects.bulk_create(
        Notification(recipient=attendee, kind="tickets.ticket_booked", key=f"{n}")
        for n in range(unread)
    )
    client.force_login(attendee)

    told = bell.frame(attendee.pk, state(attendee))

    html = told["parts"]["bell"]
    assert told["unread"] == unread
    assert html in client.get("/").content.decode()
    assert html.startswith('<a class="nav-link-pill nav-icon" id="bell" data-live="mine"')
    assert shown is None or shown in html


def test_frame_asks_the_database_nothing(attendee, django_assert_num_queries):
    with django_assert_num_queries(0):
        bell.frame(attendee.pk, bell.Bell(unread=1, newest=None))


def test_what_i_do_elsewhere_is_a_new_state(attendee):
    """A booking or a cancelling tells its holder, so that other tabs take over what is mine."""
    before = state(attendee)

    tell(attendee, kind="tickets.ticket_booked", key="booked", context={})

    assert state(attendee) != before
