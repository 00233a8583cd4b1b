"""Statements that are built once store what `save` would, and find what the ORM would."""

import uuid
from contextlib import suppress

import pytest
from django.db import DataError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from evento.statements import Columns, JoinedLookup, Lookup, Rows, bound, change
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
    Rows(notice, mail).store()

    for row, saved in zip((notice, mail), copies, strict=True):
        saved.save()
        assert not row._state.adding
        own = {"id", "key", "created_at", "next_attempt_at"}
        assert {k: v for k, v in stored(row).items() if k not in own} == {
            k: v for k, v in stored(saved).items() if k not in own
        }
        again = type(row).objects.get(pk=row.pk)
        assert all(getattr(again, name) == getattr(row, name) for name in stored(row))


def test_row_that_is_nobodys_object_is_stored_as_save_stores_it(attendee):
    words = {"title": "Ärger & “Ende” %s {0}", "number": 3, "none": None}
    for saved in told(attendee, key="saved", **words):
        saved.save()
        columns = {field.attname for field in saved._meta.concrete_fields}
        own = {"id", "created_at", "next_attempt_at"}
        values = {name: getattr(saved, name) for name in columns - own} | {"key": "new"}
        given = {name: values[name] for name in ("recipient_id", "kind", "key", "context")}
        given |= (
            {"url": saved.url} if isinstance(saved, Notification) else {"address": saved.address}
        )
        rows = Rows()

        rows.add_new(type(saved), given)
        rows.store()

        new = type(saved).objects.get(key="new")
        assert {name: getattr(new, name) for name in columns - own} == values
        assert (new.pk != saved.pk, new.created_at >= saved.created_at) == (True, True)


def test_row_of_an_attribute_that_its_table_has_not_is_an_error(attendee):
    with pytest.raises(ValueError, match=r"Notification has no \['recipient'\]"):
        Rows().add_new(Notification, {"recipient": attendee})


def test_moments_that_rows_set_themselves_are_set(event, attendee, now):
    ticket = TicketFactory.build(event=event, holder=attendee, booked_at=now)

    Rows(ticket).store()

    again = Ticket.objects.get(pk=ticket.pk)
    assert (again.booked_at, again.updated_at) == (now, ticket.updated_at)
    assert again.updated_at is not None


def test_rows_of_two_tables_are_one_statement_on_postgresql(attendee):
    with CaptureQueriesContext(connection) as captured:
        Rows(*told(attendee)).store()

    assert len(captured) == (1 if connection.vendor == "postgresql" else 2)


def test_row_whose_key_is_taken_is_left_out_alone(attendee):
    Rows(*told(attendee, number=1)).store()
    Notification.objects.all().delete()

    Rows(*told(attendee, number=2), ignore_conflicts=True).store()

    assert Notification.objects.get().context == {"number": 2}
    assert OutgoingEmail.objects.get().context == {"number": 1}


def test_taken_key_is_an_error_and_stores_nothing(attendee):
    Rows(*told(attendee, number=1)).store()
    Notification.objects.all().delete()

    with pytest.raises(IntegrityError), transaction.atomic():
        Rows(*told(attendee, number=2)).store()

    assert not Notification.objects.exists()


TAKE = (
    "UPDATE events_event SET places_taken = 1 WHERE id = %s AND places_taken = 0 RETURNING capacity"
)


def test_rows_are_stored_with_an_update_that_finds_its_row(event, attendee):
    rows, called = Rows(*told(attendee, title="Ärger")), []
    rows.on_stored(lambda: called.append(Notification.objects.count()))

    with transaction.atomic():
        assert rows.store_if(TAKE, [bound(Event, "id", event.pk)]) == (event.capacity,)

    event.refresh_from_db()
    assert (event.places_taken, called) == (1, [1])
    assert Notification.objects.get().context == OutgoingEmail.objects.get().context
    assert Notification.objects.get().context == {"title": "Ärger"}


def test_update_that_finds_no_row_stores_nothing(event, attendee):
    Event.objects.update(places_taken=2)
    told_of, called = told(attendee), []
    rows = Rows(*told_of)
    rows.on_stored(lambda: called.append(1))

    assert rows.store_if(TAKE, [bound(Event, "id", event.pk)]) is None

    event.refresh_from_db()
    assert (event.places_taken, called) == (2, [])
    assert not Notification.objects.exists()
    assert not OutgoingEmail.objects.exists()
    assert all(row._state.adding for row in told_of)


def test_row_that_cannot_be_stored_undoes_the_update(event, attendee):
    Rows(*told(attendee)).store()

    with pytest.raises(IntegrityError), transaction.atomic():
        Rows(*told(attendee)).store_if(TAKE, [bound(Event, "id", event.pk)])

    event.refresh_from_db()
    assert event.places_taken == 0
    assert (Notification.objects.count(), OutgoingEmail.objects.count()) == (1, 1)


def test_each_row_stored_with_an_update_says_what_becomes_of_its_conflict(event, attendee):
    Rows(*told(attendee, number=1)).store()
    OutgoingEmail.objects.all().delete()
    notice, mail = told(attendee, number=2)
    rows = Rows(notice, ignore_conflicts=True)
    rows.extend(Rows(mail))

    with transaction.atomic():
        assert rows.store_if(TAKE, [bound(Event, "id", event.pk)]) is not None

    assert Notification.objects.get().context == {"number": 1}
    assert OutgoingEmail.objects.get().context == {"number": 2}


def test_text_that_is_too_long_is_never_cut(event, attendee, now):
    ticket = TicketFactory.build(event=event, holder=attendee, booked_at=now, note="x" * 501)

    with suppress(DataError), transaction.atomic():  # SQLite bounds no text: forms and services do
        Rows(ticket).store_if(TAKE, [bound(Event, "id", event.pk)])

    stored_notes = Ticket.objects.values_list("note", flat=True)
    assert [len(note) for note in stored_notes] == [501] * (connection.vendor == "sqlite")


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


def test_change_writes_what_update_would(attendee):
    (_notice, mail), (_other, copy) = told(attendee), told(attendee, key="b")
    mail.save()
    copy.save()
    values = {
        "context": {"title": "Ärger & “Ende” %s {0}"},
        "message": b"\x00\xff%s",
        "leased_by": uuid.uuid4(),
        "sent_at": timezone.now(),
        "state": OutgoingEmail.State.SENT,
        "last_error": "' --",
    }

    assert change(OutgoingEmail, {"id": mail.pk, "state": OutgoingEmail.State.QUEUED}, **values)

    OutgoingEmail.objects.filter(pk=copy.pk).update(**values)
    ours, theirs = stored(mail), stored(copy)
    for name in ("id", "key", "created_at", "next_attempt_at"):
        assert ours.pop(name) != theirs.pop(name)
    assert ours == theirs


def test_change_keeps_to_the_rows_it_is_for(attendee):
    (_notice, mail), (_other, copy) = told(attendee), told(attendee, key="b")
    mail.save()
    copy.save()

    assert change(OutgoingEmail, {"id": mail.pk, "state": "sent"}, attempts=7) == 0
    assert change(OutgoingEmail, {"id": mail.pk, "state": "queued"}, attempts=8) == 1
    assert change(OutgoingEmail, {"state": "queued"}, priority=1) == 2
    assert change(OutgoingEmail, {"leased_by": None, "id": mail.pk}, attempts=9) == 0

    assert list(OutgoingEmail.objects.order_by("key").values_list("attempts", flat=True)) == [8, 0]


def test_row_that_is_known_is_found_without_asking(event, attendee):
    events = Lookup(Event.objects.all, "slug")
    known = Event(slug=event.slug, title="As it was read a moment ago")

    with CaptureQueriesContext(connection) as captured, events.knowing(lambda: known):
        assert events.find(event.slug) is known
    assert len(captured) == 0
    with events.knowing(lambda: known):
        assert events.find("another") is None
    with events.knowing(lambda: None):
        assert events.find(event.slug) == event
    assert events.find(event.slug).title == event.title


EVENT, SHORT_EVENT, TICKET = (
    Columns(Event, "event"),
    Columns(Event, "short", "id", "title"),
    Columns(Ticket, "ticket"),
)
JOINED = JoinedLookup(
    """
    SELECT {columns} FROM events_event event JOIN events_event short ON short.id = event.id
    LEFT JOIN tickets_ticket ticket ON ticket.event_id = event.id WHERE event.slug = %s
    """,
    *(EVENT, SHORT_EVENT, TICKET),
)


def test_rows_of_several_tables_are_found_together_as_the_orm_finds_them():
    ticket = TicketFactory(note="100 % “Ünïcode”")

    found = JOINED.find(ticket.event.slug)

    for row in (found.row(EVENT), found.row(TICKET)):
        assert not row._state.adding
        assert {name: getattr(row, name) for name in stored(row)} == stored(row)
    short = found.row(SHORT_EVENT)
    assert short.get_deferred_fields() >= {"description", "capacity"}
    assert (short.pk, short.title) == (ticket.event.pk, ticket.event.title)


def test_row_that_is_not_there_is_none(event):
    found = JOINED.find(event.slug)

    assert (found.row(EVENT), found.row(TICKET)) == (event, None)
    assert JOINED.find("another") is None
