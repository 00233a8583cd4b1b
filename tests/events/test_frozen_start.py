"""The start of a published event never changes, whichever way it is tried (SPEC 2)."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection, transaction

from evento.refusals import Refusal
from evento.statements import bound
from events.models import Event
from events.services import change_event, publish_event
from tests.events.factories import EventFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def later(event):
    return event.starts_at + timedelta(days=1)


@pytest.fixture(params=[Event.Status.PUBLISHED, Event.Status.CANCELLED])
def frozen(request, event):
    Event.objects.filter(pk=event.pk).update(status=request.param)
    event.refresh_from_db()
    return event


def stored(event):
    return Event.objects.values("starts_at", "time_zone", "starts_on", "title").get(pk=event.pk)


def test_service_refuses_another_start_and_applies_nothing_else(event, organiser, later):
    before = stored(event)

    with pytest.raises(Refusal) as refused:
        change_event(event, changes={"starts_at": later, "title": "New"}, by=organiser)

    assert refused.value.code == "start_frozen"
    assert stored(event) == before


def test_service_refuses_another_zone_at_the_same_instant(event, organiser):
    with pytest.raises(Refusal) as refused:
        change_event(event, changes={"time_zone": "Europe/Lisbon"}, by=organiser)

    assert refused.value.code == "start_frozen"


def test_service_accepts_the_same_start_again(event, organiser):
    same_instant = event.starts_at.astimezone(ZoneInfo("Asia/Tokyo"))

    change_event(event, changes={"starts_at": same_instant, "title": "New"}, by=organiser)

    assert stored(event)["title"] == "New"


def test_save_refuses_another_start(frozen, later):
    before = stored(frozen)
    frozen.starts_at = later
    frozen.title = "New"

    with pytest.raises(Refusal) as refused:
        frozen.save()

    assert refused.value.code == "start_frozen"
    assert stored(frozen) == before


def test_stale_draft_object_cannot_move_what_another_organiser_published(organiser, later):
    draft = EventFactory(organiser=organiser, status=Event.Status.DRAFT)
    stale = Event.objects.get(pk=draft.pk)
    publish_event(draft, by=organiser)
    stale.starts_at = later

    with pytest.raises(Refusal):
        stale.save(update_fields=["starts_at"])

    assert stored(draft)["starts_at"] == draft.starts_at


def test_queryset_update_refuses_another_start(frozen, later):
    with pytest.raises(Refusal) as refused:
        Event.objects.filter(pk=frozen.pk).update(starts_at=later, title="New")

    assert refused.value.code == "start_frozen"
    assert stored(frozen)["title"] == frozen.title


def test_queryset_update_refuses_all_rows_for_one_frozen_row(event, organiser, later):
    draft = EventFactory(organiser=organiser, status=Event.Status.DRAFT)

    with pytest.raises(Refusal):
        Event.objects.update(starts_at=later)

    assert stored(draft)["starts_at"] == draft.starts_at


def test_bulk_update_refuses_another_start(frozen, later):
    frozen.starts_at = later

    with pytest.raises(Refusal):
        Event.objects.bulk_update([frozen], ["starts_at"])

    assert stored(frozen)["starts_at"] != later


def test_raw_sql_is_refused_by_the_database(frozen, later):
    with (
        pytest.raises(IntegrityError, match="start"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "UPDATE events_event SET starts_at = %s WHERE id = %s",
            [bound(Event, "starts_at", later), bound(Event, "id", frozen.pk)],
        )

    assert stored(frozen)["starts_at"] != later


def test_draft_may_move(organiser, later):
    draft = EventFactory(organiser=organiser, status=Event.Status.DRAFT)

    change_event(draft, changes={"starts_at": later}, by=organiser)

    assert stored(draft)["starts_at"] == later
    assert stored(draft)["starts_on"] == later.astimezone(draft.zone).date()


def test_draft_may_move_and_be_published_in_one_go(organiser, later):
    draft = EventFactory(organiser=organiser, status=Event.Status.DRAFT)

    change_event(draft, changes={"starts_at": later}, by=organiser, publish=True)

    assert Event.objects.get(pk=draft.pk).is_published
    assert stored(draft)["starts_at"] == later


def test_trigger_is_there_after_all_migrations():
    catalogue = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if connection.vendor == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    )
    with connection.cursor() as cursor:
        cursor.execute(catalogue)
        names = {row[0] for row in cursor.fetchall()}

    assert "events_event_start_frozen" in names
