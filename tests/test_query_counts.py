"""Every list page asks the database as often for 30 rows as for one."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from events.models import Event
from events.services import add_organiser, offer_organiser
from notifications.models import Announcement, Notification, OutgoingEmail
from tests.accounts.factories import UserFactory
from tests.events.factories import CategoryFactory, EventFactory
from tests.tickets.factories import TicketFactory
from tickets.models import HolderMessage

pytestmark = pytest.mark.django_db

MORE = 29


def full_event(reader, n):
    """One of the reader's own, with a ticket of theirs, a category and an organiser."""
    event = EventFactory(category=CategoryFactory(), organiser=UserFactory())
    TicketFactory(event=event, holder=reader)


def past_event(reader, n):
    starts = EventFactory.build().starts_at - timedelta(days=20 + n)
    TicketFactory(event=EventFactory(starts_at=starts, category=CategoryFactory()), holder=reader)


def event_of_this_month(reader, n):
    EventFactory(status=Event.Status.CANCELLED if n % 2 else Event.Status.PUBLISHED)


def notice(reader, n):
    Notification.objects.create(
        recipient=reader, kind="tickets.booked", key=f"{n}", context={"ticket": str(reader.pk)}
    )


def mail(reader, n):
    OutgoingEmail.objects.create(address="a@example.org", kind="tickets.booked", key=f"{n}")


def announcement(reader, n):
    event = EventFactory()
    Announcement.objects.create(
        kind="tickets.event_changed", about=event.pk, caused_at=event.starts_at
    )


def organiser_and_offer(reader, n):
    event = Event.objects.get(slug="shared")
    add_organiser(event, user=UserFactory(), by=reader)
    offer_organiser(event, email=f"{n}@example.org", by=reader)


def sent_message(reader, n):
    HolderMessage.objects.create(
        event=Event.objects.get(slug="shared"),
        sender=UserFactory(),
        subject=f"Message {n}",
        text="Words",
        holder_count=1,
        sent_at=EventFactory.build().starts_at,
    )


LISTS = {
    "/": full_event,
    "/past/": past_event,
    "/calendar/": event_of_this_month,
    "/tickets/": full_event,
    "/notifications/": notice,
    "/admin/events/event/": full_event,
    "/admin/tickets/ticket/": full_event,
    "/admin/events/category/": full_event,
    "/admin/accounts/user/": full_event,
    "/admin/notifications/outgoingemail/": mail,
    "/admin/notifications/announcement/": announcement,
    "organisers": organiser_and_offer,
    "messages": sent_message,
}


@pytest.fixture
def shared(staff):
    return EventFactory(slug="shared", organiser=staff)


def queries_of(client, address):
    with CaptureQueriesContext(connection) as queries:
        response = client.get(address)
    assert response.status_code == 200
    return [query["sql"] for query in queries]


@pytest.mark.parametrize("address", LISTS)
def test_list_asks_as_often_for_30_rows_as_for_one(client, staff, shared, address):
    add = LISTS[address]
    if not address.startswith("/"):
        address = reverse(f"admin:events_event_{address}", args=[shared.pk])
    client.force_login(staff)
    add(staff, 0)
    queries_of(client, address)  # what a process remembers for good is read now

    one = queries_of(client, address)
    for n in range(1, MORE + 1):
        add(staff, n)
    many = queries_of(client, address)

    assert len(many) == len(one), "\n".join(many)
