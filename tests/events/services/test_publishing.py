"""The life of an event (SPEC 2)."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from evento.refusals import Refusal
from events.models import Event
from events.services import (
    archive_event,
    cancel_event,
    change_event,
    copy_event,
    create_event,
    delete_draft,
    publish_event,
)
from events.signals import event_cancelled, event_changed, event_near_capacity, event_published
from tests.events.factories import EventFactory
from tests.signals import heard
from tests.tickets.factories import TicketFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft(organiser):
    return EventFactory(organiser=organiser, status=Event.Status.DRAFT)


def refused_code(call, *args, **kwargs):
    with pytest.raises(Refusal) as refused:
        call(*args, **kwargs)
    return refused.value.code


def test_create_publishes_and_makes_the_creator_the_first_organiser(organiser, now):
    event = EventFactory.build()

    with heard(event_published) as calls:
        create_event(event, creator=organiser, now=now)

    assert [row.user for row in event.organiser_rows.all()] == [organiser]
    assert (event.is_published, event.published_at) == (True, now)
    assert calls == [{"event": event, "by": organiser, "now": now}]


def test_create_as_draft_tells_nobody(organiser):
    event = EventFactory.build()

    with heard(event_published) as calls:
        create_event(event, creator=organiser, publish=False)

    assert event.is_draft
    assert calls == []


def test_create_refuses_a_start_in_the_past_and_keeps_nothing(organiser, now):
    event = EventFactory.build(starts_at=now)

    assert refused_code(create_event, event, creator=organiser, now=now) == "start_in_past"
    assert Event.objects.count() == 0


def test_create_refuses_an_unknown_time_zone(organiser):
    with pytest.raises(ValidationError, match="time zone"):
        create_event(EventFactory.build(time_zone="Mars/Base"), creator=organiser)


def test_draft_may_have_a_start_in_the_past_but_not_go_public_with_it(organiser, now):
    draft = EventFactory(organiser=organiser, status="draft", starts_at=now - timedelta(days=1))

    assert refused_code(publish_event, draft, by=organiser, now=now) == "start_in_past"


def test_publish_refuses_a_published_event(event, organiser):
    assert refused_code(publish_event, event, by=organiser) == "not_a_draft"


def test_change_announces_place_link_and_duration_once(event, organiser, now):
    old = (event.location, event.duration)
    new = {"location": "Hall 2", "duration": timedelta(hours=3), "title": "New"}

    with heard(event_changed) as calls:
        stored = change_event(event, changes=new, by=organiser, now=now)

    changes = {"location": (old[0], "Hall 2"), "duration": (old[1], timedelta(hours=3))}
    assert calls == [{"event": stored, "changes": changes, "by": organiser, "now": now}]
    assert (stored.revision, stored.title) == (1, "New")


@pytest.mark.parametrize("changes", [{"title": "New"}, {"location": "Central Library, room 4"}, {}])
def test_change_of_nothing_that_matters_tells_nobody(event, organiser, changes):
    with heard(event_changed) as calls:
        change_event(event, changes=changes, by=organiser)

    event.refresh_from_db()
    assert (calls, event.revision) == ([], 0)


def test_change_of_a_draft_or_past_event_tells_nobody(draft, organiser, now):
    past = EventFactory(organiser=organiser, starts_at=now - timedelta(days=2))

    with heard(event_changed) as calls:
        change_event(draft, changes={"location": "Hall 2"}, by=organiser)
        change_event(past, changes={"location": "Hall 2"}, by=organiser)

    assert calls == []


def test_change_leaves_what_others_changed_meanwhile(event, organiser):
    stale = Event.objects.get(pk=event.pk)
    change_event(event, changes={"title": "Theirs"}, by=organiser)

    change_event(stale, changes={"contact": "me@example.org"}, by=organiser)

    event.refresh_from_db()
    assert (event.title, event.contact) == ("Theirs", "me@example.org")


def test_capacity_falls_to_the_places_taken_and_no_further(event, organiser):
    TicketFactory.create_batch(3, event=event)

    change_event(event, changes={"capacity": 3}, by=organiser)

    code = refused_code(change_event, event, changes={"capacity": 2, "title": "x"}, by=organiser)
    event.refresh_from_db()
    assert (code, event.capacity, event.title) == ("capacity_below_taken", 3, event.title)


def test_lowering_capacity_tells_organisers_when_the_last_places_go(event, organiser):
    TicketFactory.create_batch(3, event=event)

    with heard(event_near_capacity) as calls:
        change_event(event, changes={"capacity": 4}, by=organiser)
        change_event(event, changes={"capacity": 4, "title": "New"}, by=organiser)

    assert [call["availability"].left for call in calls] == [1]


def test_change_refuses_a_cancelled_event(event, organiser):
    cancel_event(event, by=organiser)

    code = refused_code(change_event, event, changes={"title": "New"}, by=organiser)
    assert code == "event_cancelled"


def test_change_refuses_an_archived_event(organiser, now):
    event = EventFactory(organiser=organiser, starts_at=now - timedelta(days=2))
    archive_event(event)

    code = refused_code(change_event, event, changes={"title": "New"}, by=organiser)

    assert code == "event_archived"
    event.refresh_from_db()
    assert event.title != "New"


@pytest.mark.parametrize("field", ["title", "location", "organiser_name", "contact"])
def test_one_line_is_kept_of_what_is_one(event, organiser, field):
    """A line break in it would write paragraphs into mails."""
    words = "Lunch\r\n\r\nWrite to \u2028 evil@example.org"

    created = create_event(EventFactory.build(**{field: words}), creator=organiser)
    changed = change_event(event, changes={field: words}, by=organiser)

    for stored in (created, changed):
        stored.refresh_from_db()
        assert getattr(stored, field) == "Lunch Write to evil@example.org"


def test_change_refuses_fields_that_are_not_for_editing(event, organiser):
    with pytest.raises(ValueError, match="places_taken"):
        change_event(event, changes={"places_taken": 0}, by=organiser)


def test_cancel_voids_tickets_by_the_event_alone(event, organiser, now):
    ticket = TicketFactory(event=event)

    with heard(event_cancelled) as calls:
        stored = cancel_event(event, by=organiser, reason=" Storm. ", now=now)

    ticket.refresh_from_db()
    assert calls == [{"event": stored, "by": organiser, "now": now}]
    assert (stored.cancellation_reason, stored.cancelled_at) == ("Storm.", now)
    assert (ticket.status, ticket.is_void, stored.revision) == ("valid", True, 1)


def test_cancel_again_is_quiet(event, organiser):
    cancel_event(event, by=organiser, reason="Storm")

    with heard(event_cancelled) as calls:
        stored = cancel_event(event, by=organiser, reason="Other")

    assert (calls, stored.cancellation_reason) == ([], "Storm")


def test_cancel_works_until_the_end_and_not_for_drafts(event, draft, organiser, now):
    ends = event.ends_at

    assert refused_code(cancel_event, event, by=organiser, now=ends) == "event_ended"
    assert refused_code(cancel_event, draft, by=organiser) == "not_published"
    assert cancel_event(event, by=organiser, now=ends - timedelta(seconds=1)).is_cancelled


def test_copy_is_a_new_draft_that_shares_no_counter(event, other_organiser):
    TicketFactory.create_batch(2, event=event)

    copy = copy_event(event, by=other_organiser)

    assert (copy.is_draft, copy.places_taken, copy.title) == (True, 0, event.title)
    assert (copy.slug, copy.pk) != (event.slug, event.pk)
    assert [row.user for row in copy.organiser_rows.all()] == [other_organiser]


def test_archive_takes_past_and_cancelled_events_only(event, draft, organiser, now):
    past = EventFactory(starts_at=now - timedelta(days=2))

    assert refused_code(archive_event, event) == "not_archivable"
    assert refused_code(archive_event, draft) == "not_archivable"
    assert archive_event(past, now=now).archived_at == now
    assert archive_event(cancel_event(event, by=organiser), now=now).archived_at == now
    assert not Event.objects.public().exists()


def test_delete_takes_drafts_only(event, draft):
    delete_draft(draft)

    assert refused_code(delete_draft, event) == "not_a_draft"
    assert list(Event.objects.all()) == [event]
