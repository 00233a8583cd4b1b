from datetime import UTC, datetime, timedelta

import pytest
from icalendar import Calendar

from events.ics import event_ics
from events.models import Event
from tests.events.factories import CategoryFactory, EventFactory

pytestmark = pytest.mark.django_db


def entry_of(content):
    (entry,) = Calendar.from_ical(content).walk("VEVENT")
    return entry


@pytest.fixture
def concert():
    return EventFactory(
        title="Concert; with, commas\\ and öther\nlines",
        starts_at=datetime(2030, 6, 1, 18, 30, tzinfo=UTC),
        time_zone="Europe/Berlin",
        duration=timedelta(hours=2, minutes=15),
        location="Café Ü, room 4",
        online_url="https://secret.example/room",
        description="**Bring** an umbrella",
        category=CategoryFactory(name="Music"),
        capacity=7919,
        organiser_name="The, Band",
    )


def test_ics_answer_is_a_calendar_file(client, concert):
    answer = client.get(f"/events/{concert.slug}.ics")

    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer["Content-Disposition"] == f'attachment; filename="{concert.slug}.ics"'
    assert b"METHOD:PUBLISH" in answer.content


def test_ics_says_what_the_event_is(client, concert):
    entry = entry_of(client.get(f"/events/{concert.slug}.ics").content)

    assert entry["SUMMARY"] == concert.title
    assert entry["LOCATION"] == "Café Ü, room 4"
    assert entry["DTSTART"].dt == concert.starts_at
    assert entry["DTEND"].dt == concert.ends_at
    assert entry["STATUS"] == "CONFIRMED"
    assert entry["URL"] == f"http://localhost:8000{concert.get_absolute_url()}"
    assert "Bring an umbrella" in entry["DESCRIPTION"]
    assert entry["ORGANIZER"] == "MAILTO:evento@localhost"
    assert entry["ORGANIZER"].params["CN"] == "The, Band"
    assert entry["CATEGORIES"].to_ical() == b"Music"


def test_ics_same_event_same_bytes(concert):
    assert event_ics(concert) == event_ics(Event.objects.get(pk=concert.pk))


def test_ics_uid_and_stamp_are_the_events_own(concert):
    entry = entry_of(event_ics(concert))

    assert entry["UID"] == f"{concert.pk}@localhost"
    assert entry["DTSTAMP"].dt == concert.updated_at.replace(microsecond=0)
    assert entry["SEQUENCE"] == 0


def test_ics_never_tells_link_or_capacity(concert):
    content = event_ics(concert)

    assert b"secret.example" not in content
    assert b"7919" not in content


def test_ics_folds_lines_as_the_standard_asks(concert):
    assert all(len(line) <= 75 for line in event_ics(concert).split(b"\r\n"))


def test_ics_of_cancelled_event_says_so(client, concert):
    Event.objects.filter(pk=concert.pk).update(status=Event.Status.CANCELLED)

    entry = entry_of(client.get(f"/events/{concert.slug}.ics").content)

    assert entry["STATUS"] == "CANCELLED"


def test_ics_of_draft_is_for_its_organiser_alone(client, organiser, other_organiser):
    draft = EventFactory(status=Event.Status.DRAFT, organiser=organiser)

    answers = []
    for reader in (None, other_organiser, organiser):
        client.logout()
        if reader:
            client.force_login(reader)
        answers.append(client.get(f"/events/{draft.slug}.ics").status_code)

    assert answers == [404, 404, 200]


def test_ics_of_unknown_event_is_not_found(client):
    assert client.get("/events/nothing-22222222.ics").status_code == 404
