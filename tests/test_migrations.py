"""Migrations keep the rows of a database that is in use, forwards and back, on both engines."""

import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import IntegrityError

pytestmark = pytest.mark.django_db(transaction=True)

# The first state of each app.
FIRST = [
    ("accounts", "0001_initial"),
    ("notifications", "0001_initial"),
    ("events", "0001_initial"),
    ("tickets", "0001_initial"),
]
THEN = datetime(2026, 3, 1, 18, 30, tzinfo=UTC)


def migrate_to(targets):
    """Bring the database there; the models as they are in that state."""
    executor = MigrationExecutor(connection)
    executor.migrate(targets)
    return MigrationExecutor(connection).loader.project_state(targets).apps


def newest():
    own = {app for app, _name in FIRST}
    leaves = MigrationExecutor(connection).loader.graph.leaf_nodes()
    return [(app, name) for app, name in leaves if app in own]


@pytest.fixture
def _back_to_newest():
    yield
    migrate_to(newest())


def fill(apps):
    """People, an event in each state, tickets, notices and mails, as the first version wrote them."""
    people = [
        apps.get_model("accounts", "User").objects.create(
            username=f"Person{n}", email=f"person{n}@example.org", password="!", role="organiser"
        )
        for n in range(3)
    ]
    category = apps.get_model("events", "Category").objects.create(name="Music", slug="music")
    events = [
        apps.get_model("events", "Event").objects.create(
            title=f"A {status} evening",
            slug=f"{status}-abc",
            starts_at=THEN,
            starts_on=date(2026, 3, 1),
            time_zone="Europe/London",
            duration=timedelta(hours=2),
            capacity=20,
            places_taken=2,
            location="Library",
            category=category,
            status=status,
        )
        for status in ("draft", "published", "cancelled")
    ]
    organiser = apps.get_model("events", "EventOrganiser")
    organiser.objects.create(event=events[1], user=people[0], added_by=people[0], added_at=THEN)
    offer = apps.get_model("events", "OrganiserOffer")
    offer.objects.create(
        event=events[1], email="who@example.org", offered_by=people[0], offered_at=THEN
    )
    tickets = apps.get_model("tickets", "Ticket").objects
    for n, person in enumerate(people):
        tickets.create(
            event=events[1],
            holder=person,
            code=f"{n:020}",
            note="By the door, please",
            booked_at=THEN,
            status="cancelled" if n == 2 else "valid",
        )
    notices = {"kind": "tickets.booked", "context": {"event": str(events[1].pk)}}
    notification = apps.get_model("notifications", "Notification")
    notification.objects.create(recipient=people[1], key="k1", **notices)
    mail = apps.get_model("notifications", "OutgoingEmail")
    mail.objects.create(recipient=people[1], address=people[1].email, key="k1", **notices)
    mail.objects.create(address="who@example.org", key="k2", state="sent", sent_at=THEN, **notices)
    announcement = apps.get_model("notifications", "Announcement")
    announcement.objects.create(kind="events.cancelled", about=uuid.uuid4(), caused_at=THEN)
    opt_out = apps.get_model("notifications", "EmailOptOut")
    opt_out.objects.create(user=people[2], kind="tickets.booked")


def rows(apps, fields):
    """The rows of each of our models, by the fields that `fields` names for it."""
    return {
        label: sorted(map(repr, apps.get_model(label).objects.order_by().values(*names)))
        for label, names in fields.items()
    }


def fields_of(apps):
    own = {app for app, _name in FIRST}
    return {
        model._meta.label: [field.attname for field in model._meta.concrete_fields]
        for model in apps.get_models()
        if model._meta.app_label in own
    }


@pytest.mark.usefixtures("_back_to_newest")
def test_rows_of_the_first_version_come_through_all_migrations_and_back():
    first = migrate_to(FIRST)
    fill(first)
    fields = fields_of(first)
    before = rows(first, fields)
    assert all(before.values()), "a model of the first version has no row here: fill it"

    assert rows(migrate_to(newest()), fields) == before
    assert rows(migrate_to(FIRST), fields) == before
    assert rows(migrate_to(newest()), fields) == before
    assert_rules_hold()


def assert_rules_hold():
    """A migration of SQLite may build a table anew, and lose its triggers and partial indexes."""
    wrong = [
        "UPDATE events_event SET starts_at = '2027-01-01 00:00:00' WHERE status = 'published'",
        "UPDATE events_event SET places_taken = capacity + 1",
        "UPDATE tickets_ticket SET status = 'valid', holder_id = (SELECT MIN(CAST(holder_id AS text)) "
        "FROM tickets_ticket)"
        if connection.vendor == "sqlite"
        else "UPDATE tickets_ticket SET status = 'valid', holder_id = "
        "(SELECT MIN(holder_id::text)::uuid FROM tickets_ticket)",
        "UPDATE accounts_user SET username = 'person0'",
        "UPDATE notifications_outgoingemail SET state = 'unheard of'",
    ]
    for statement in wrong:
        with pytest.raises(IntegrityError), connection.cursor() as cursor:
            cursor.execute(statement)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="Django makes them there alone")
def test_booking_writes_to_no_index_for_patterns():
    written = ("tickets_ticket", "notifications_notification", "notifications_outgoingemail")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname FROM pg_indexes WHERE tablename = ANY(%s)"
            " AND indexdef LIKE '%%pattern_ops%%'",
            [list(written)],
        )
        assert cursor.fetchall() == []
