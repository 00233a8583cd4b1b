"""Statements that are built once store what `save` would, and find what the ORM would."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from evento.statements import Lookup, insert
from events.models import Event
from notifications.models import Notification, OutgoingEmail
from tests.events.factories import EventFactory
from tests.tickets.factories import TicketFactory
from tickets.models import Ticket

pytestmark = pytest.mark.django_db


def told(person, key="a", **context):
    common = {"recipient": person, "kind": "tickets.ticket_booked", "key": key, "context": context}
    return Notification(**common, url="/tickets/"), OutgoingEmail(**common, address=person.email)


def stored(row):
    """All that the database holds of a row."""
    return type(row).objects.filter(pk=row.pk).values().get()


def test_rows_are_stored_as_save_stores_them(attendee):
    words = {"title": "Ärger & “Ende” %s {0}", "number": 3, "none": None}
    notice, mail = told(attendee, **words)
    copies = told(attendee, key="b", **words)
    insert(notice, mail)

    for row, saved in zip((notice, mail), copies, strict=True):
        saved.save()
        assert not row._state.adding
        own = {"id", "key", "created_at", "next_attempt_at"}
        assert {k: v for k, v in stored(row).items() if k not in own} == {
            k: v for k, v in stored(saved).items() if k not in own
        }
        again = type(row).objects.get(pk=row.pk)
        assert all(getattr(again, name) == getattr(row, name) for name in stored(row))


def test_moments_that_rows_set_themselves_are_set(event, attendee, now):
    ticket = TicketFactory.build(event=event, holder=attendee, booked_at=now)

    insert(ticket)

    again = Ticket.objects.get(pk=ticket.pk)
    assert (again.booked_at, again.updated_at) == (now, ticket.updated_at)
    assert again.updated_at is not None


def test_rows_of_two_tables_are_one_statement_on_postgresql(attendee):
    with CaptureQueriesContext(connection) as captured:
        insert(*told(attendee))

    assert len(captured) == (1 if connection.vendor == "postgresql" else 2)


def test_row_whose_key_is_taken_is_left_out_alone(attendee):
    insert(*told(attendee, number=1))
    Notification.objects.all().delete()

    insert(*told(attendee, number=2), ignore_conflicts=True)

    assert Notification.objects.get().context == {"number": 2}
    assert OutgoingEmail.objects.get().context == {"number": 1}


def test_taken_key_is_an_error_and_stores_nothing(attendee):
    insert(*told(attendee, number=1))
    Notification.objects.all().delete()

    with pytest.raises(IntegrityError), transaction.atomic():
        insert(*told(attendee, number=2))

    assert not Notification.objects.exists()


def test_lookup_finds_the_row_that_the_queryset_would(event):
    other = EventFactory()
    by_slug = Lookup(Event.objects.public, "slug")

    for wanted in (event, other, event):
        found = by_slug.find(wanted.slug)
        assert found == wanted
        assert stored(found) == stored(wanted)
        assert found.starts_at == wanted.starts_at
    assert by_slug.find("nothing-here") is None
    Event.objects.filter(pk=event.pk).update(status=Event.Status.DRAFT)
    assert by_slug.find(event.slug) is None


def test_lookup_asks_once_and_for_nothing_more(event):
    by_slug = Lookup(Event.objects.public, "slug")
    by_slug.find(event.slug)

    with CaptureQueriesContext(connection) as captured:
        found = by_slug.find(event.slug)
        assert found.title
        assert found.description == event.description

    assert len(captured) == 1


def test_text_that_is_looked_up_is_never_part_of_the_statement(event):
    by_slug = Lookup(Event.objects.public, "slug")

    for text in ("' OR 1=1 --", "%s", "%(a)s", str(Lookup.SAMPLES[0])):
        assert by_slug.find(text) is None
