"""What organisers do with their events through the API."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from events.models import Event
from events.services import add_organiser, archive_event, cancel_event
from events.signals import event_cancelled, event_changed, event_published
from tests.accounts.factories import UserFactory
from tests.api.test_problem import assert_problem
from tests.events.factories import CategoryFactory, EventFactory
from tests.events.test_covers import encoded, picture
from tests.signals import heard
from tests.tickets.factories import TicketFactory

MINIMAL = {
    "title": "Repair café",
    "starts_at": "2099-03-05T19:30:00+01:00",
    "time_zone": "Europe/Berlin",
    "duration_minutes": 120,
    "capacity": 40,
    "location": "Central Library",
}
MAXIMAL = MINIMAL | {
    "description": "Bring **something**.",
    "link": "https://meet.example.org/repair",
    "category": "workshops",
    "organiser_name": "Fixers",
    "contact": "fixers@example.org",
    "status": "draft",
}


def field_errors(answer):
    assert answer.status_code == 422, answer.content
    assert {error["in"] for error in answer.json()["errors"]} == {"body"}
    return {error["field"]: error["code"] for error in answer.json()["errors"]}


def history_of(event):
    return [
        entry.get_change_message()
        for entry in LogEntry.objects.filter(object_id=event.pk).order_by("pk")
    ]


@pytest.fixture
def host(organiser, program_of):
    """The program of the event's organiser."""
    return program_of(organiser)


@pytest.fixture
def draft(organiser):
    return EventFactory(organiser=organiser, status=Event.Status.DRAFT)


# --- Creating -----------------------------------------------------------------------------------------


def test_created_event_is_public_at_once(host, organiser, program):
    with heard(event_published) as told:
        answer = host.call("POST", "/events", MINIMAL)

    event = Event.objects.get()
    assert answer.status_code == 201
    assert answer["Location"] == f"/api/v1/events/{event.slug}"
    assert answer.json() == host.call("GET", f"/events/{event.slug}").json()
    shown = answer.json()
    assert (shown["starts_at"], shown["ends_at"]) == (
        "2099-03-05T18:30:00Z",
        "2099-03-05T20:30:00Z",
    )
    assert (shown["date"], shown["time"], shown["status"]) == ("2099-03-05", "19:30", "published")
    assert (shown["for_organisers"]["capacity"], shown["for_organisers"]["places_taken"]) == (40, 0)
    assert list(event.organisers.all()) == [organiser]
    assert len(told) == 1
    assert program.call("GET", f"/events/{event.slug}").status_code == 200


def test_created_draft_is_its_organisers_own(host, program):
    CategoryFactory(slug="workshops", name="Workshops")

    answer = host.call("POST", "/events", MAXIMAL)

    assert answer.status_code == 201
    shown = answer.json()
    assert {name: shown[name] for name in MAXIMAL if name not in {"category", "capacity"}} == {
        **{name: value for name, value in MAXIMAL.items() if name not in {"category", "capacity"}},
        "starts_at": "2099-03-05T18:30:00Z",
    }
    assert shown["category"] == {"slug": "workshops", "name": "Workshops"}
    assert program.call("GET", f"/events/{shown['slug']}").status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": " \n"}, "title"),
        ({"title": "x" * 151}, "title"),
        ({"starts_at": "2099-03-05T19:30:00"}, "starts_at"),
        ({"starts_at": 4_000_000_000}, "starts_at"),
        ({"starts_at": "0001-01-01T00:00:00+14:00"}, "starts_at"),
        ({"starts_at": "9999-12-31T23:59:00-12:00"}, "starts_at"),
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"time_zone": ""}, "time_zone"),
        ({"duration_minutes": 0}, "duration_minutes"),
        ({"duration_minutes": 31 * 24 * 60 + 1}, "duration_minutes"),
        ({"duration_minutes": "120"}, "duration_minutes"),
        ({"capacity": 0}, "capacity"),
        ({"capacity": 2**31}, "capacity"),
        ({"capacity": 1.5}, "capacity"),
        ({"capacity": True}, "capacity"),
        ({"location": ""}, "location"),
        ({"description": "x" * 20_001}, "description"),
        ({"link": "javascript:alert(1)"}, "link"),
        ({"link": "no link"}, "link"),
        ({"category": "unknown"}, "category"),
        ({"status": "cancelled"}, "status"),
        ({"date": "2099-03-05"}, "date"),
        ({"ends_at": "2099-03-05T21:30:00+01:00"}, "ends_at"),
        ({"places_taken": 0}, "places_taken"),
        ({"slug": "mine"}, "slug"),
        ({"cover": "covers/x.webp"}, "cover"),
    ],
)
def test_field_that_is_wrong_or_not_ours_to_set_is_refused(host, change, field):
    answer = host.call("POST", "/events", MINIMAL | change)

    assert list(field_errors(answer)) == [field]
    assert not Event.objects.exists()


@pytest.mark.parametrize("missing", MINIMAL)
def test_what_every_event_has_must_be_given(host, missing):
    given = {name: value for name, value in MINIMAL.items() if name != missing}

    assert field_errors(host.call("POST", "/events", given)) == {missing: "missing"}


def test_start_in_the_past_is_refused_unless_it_is_a_draft(host):
    past = MINIMAL | {"starts_at": "2001-03-05T19:30:00Z"}

    assert_problem(host.call("POST", "/events", past), 409, "start_in_past")
    assert not Event.objects.exists()
    assert host.call("POST", "/events", past | {"status": "draft"}).status_code == 201


@pytest.mark.parametrize("who", ["attendee", "promoted"])
def test_only_organisers_by_class_and_staff_create(program_of, event, organiser, staff, who):
    person = UserFactory()
    if who == "promoted":
        add_organiser(event, user=person, by=organiser)

    assert_problem(program_of(person).call("POST", "/events", MINIMAL), 403, "forbidden")
    assert program_of(staff).call("POST", "/events", MINIMAL).status_code == 201


# --- Changing -----------------------------------------------------------------------------------------


def test_change_of_some_fields_leaves_the_others(host, event):
    TicketFactory(event=event)
    before = host.call("GET", f"/events/{event.slug}").json()

    with heard(event_changed) as told:
        answer = host.call(
            "PATCH",
            f"/events/{event.slug}",
            {"title": "New  title", "location": "New\nplace", "capacity": 50},
        )

    assert answer.status_code == 200
    changed = answer.json()
    assert changed.pop("for_organisers")["capacity"] == 50
    before.pop("for_organisers")
    assert changed == before | {"title": "New title", "location": "New place"}
    assert len(told) == 1
    assert history_of(event) == ["Changed Capacity, Place and Title."]


def test_change_of_nothing_changes_nothing(host, event):
    with heard(event_changed) as told:
        answer = host.call("PATCH", f"/events/{event.slug}", {})

    assert answer.json() == host.call("GET", f"/events/{event.slug}").json()
    assert told == []
    assert history_of(event) == []


def test_every_field_of_a_draft_changes(host, draft):
    CategoryFactory(slug="workshops", name="Workshops")
    change = {name: value for name, value in MAXIMAL.items() if name != "status"}

    answer = host.call("PATCH", f"/events/{draft.slug}", change)

    assert answer.status_code == 200
    shown = answer.json()
    for name in change.keys() - {"category", "capacity", "starts_at"}:
        assert shown[name] == change[name], name
    assert shown["starts_at"] == "2099-03-05T18:30:00Z"
    assert shown["category"]["slug"] == "workshops"
    assert shown["for_organisers"]["capacity"] == 40


def test_category_is_taken_off_by_null(host, organiser):
    event = EventFactory(organiser=organiser, category=CategoryFactory())

    answer = host.call("PATCH", f"/events/{event.slug}", {"category": None})

    assert answer.json()["category"] is None


@pytest.mark.parametrize(
    "change",
    [{"starts_at": "2099-03-05T19:30:00+01:00"}, {"time_zone": "Europe/Berlin"}],
)
def test_start_of_a_published_event_never_changes_and_nothing_else_does_then(host, event, change):
    answer = host.call("PATCH", f"/events/{event.slug}", {"title": "New", **change})

    assert_problem(answer, 409, "start_frozen")
    stored = Event.objects.get()
    assert (stored.title, stored.starts_at, stored.time_zone) == (
        event.title,
        event.starts_at,
        event.time_zone,
    )


def test_same_start_again_is_fine(host, event):
    same = {
        "starts_at": event.starts_at.astimezone(event.zone).isoformat(),
        "time_zone": event.time_zone,
        "title": "New",
    }

    assert host.call("PATCH", f"/events/{event.slug}", same).json()["title"] == "New"


def test_capacity_never_falls_below_the_places_taken(host, event):
    for _n in range(3):
        TicketFactory(event=event)

    answer = host.call("PATCH", f"/events/{event.slug}", {"capacity": 2})

    assert_problem(answer, 409, "capacity_below_taken")
    assert host.call("PATCH", f"/events/{event.slug}", {"capacity": 3}).status_code == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": None}, "title"),
        ({"title": " "}, "title"),
        ({"capacity": None}, "capacity"),
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"link": "ftp:"}, "link"),
        ({"category": "unknown"}, "category"),
        ({"status": "published"}, "status"),
        ({"ends_at": "2099-03-05T21:30:00+01:00"}, "ends_at"),
    ],
)
def test_change_that_is_wrong_is_refused(host, draft, change, field):
    answer = host.call("PATCH", f"/events/{draft.slug}", {"location": "Elsewhere", **change})

    assert list(field_errors(answer)) == [field]
    draft.refresh_from_db()
    assert draft.location != "Elsewhere"


def test_cancelled_and_archived_events_stay_as_they_are(host, organiser):
    cancelled = EventFactory(organiser=organiser)
    cancel_event(cancelled, by=organiser)
    archived = EventFactory(organiser=organiser, starts_at=timezone.now() - timedelta(days=3))
    archive_event(archived)

    for event, code in ((cancelled, "event_cancelled"), (archived, "event_archived")):
        answer = host.call("PATCH", f"/events/{event.slug}", {"title": "New"})
        assert_problem(answer, 409, code)


# --- Its life -----------------------------------------------------------------------------------------


def test_draft_is_published(host, draft):
    answer = host.call("POST", f"/events/{draft.slug}/publish")
    again = host.call("POST", f"/events/{draft.slug}/publish")

    assert (answer.status_code, answer.json()["status"]) == (200, "published")
    assert_problem(again, 409, "not_a_draft")
    assert history_of(draft) == ["Published."]


def test_draft_with_a_past_start_is_not_published(host, organiser):
    draft = EventFactory(
        organiser=organiser,
        status=Event.Status.DRAFT,
        starts_at=timezone.now() - timedelta(days=1),
    )

    answer = host.call("POST", f"/events/{draft.slug}/publish")

    assert_problem(answer, 409, "start_in_past")


@pytest.mark.parametrize(
    ("body", "reason"),
    [((), ""), (({},), ""), (({"reason": " Storm "},), "Storm")],
    ids=["no body", "no reason", "a reason"],
)
def test_event_is_cancelled_once_with_or_without_a_reason(host, event, body, reason):
    with heard(event_cancelled) as told:
        answer = host.call("POST", f"/events/{event.slug}/cancel", *body)
        again = host.call("POST", f"/events/{event.slug}/cancel", {"reason": "Another"})

    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["cancellation_reason"]) == ("cancelled", reason)
    assert again.json() == answer.json()
    assert len(told) == 1
    assert history_of(event) == ["Cancelled."]


def test_reason_is_bounded_and_nothing_else_is_taken(host, event):
    for body, field in (({"reason": "x" * 1001}, "reason"), ({"quietly": True}, "quietly")):
        answer = host.call("POST", f"/events/{event.slug}/cancel", body)
        assert list(field_errors(answer)) == [field]
    assert not Event.objects.get().is_cancelled


def test_draft_and_past_event_are_not_cancelled(host, organiser, draft):
    past = EventFactory(organiser=organiser, starts_at=timezone.now() - timedelta(days=3))

    answers = {
        "not_published": host.call("POST", f"/events/{draft.slug}/cancel"),
        "event_ended": host.call("POST", f"/events/{past.slug}/cancel"),
    }

    for code, answer in answers.items():
        assert_problem(answer, 409, code)


def test_past_event_is_archived_and_gone_for_everybody_else(host, program, organiser, event):
    past = EventFactory(organiser=organiser, starts_at=timezone.now() - timedelta(days=3))

    answer = host.call("POST", f"/events/{past.slug}/archive")
    again = host.call("POST", f"/events/{past.slug}/archive")

    assert answer.status_code == 200
    assert answer.json()["for_organisers"]["archived_at"]
    assert again.json() == answer.json()
    assert history_of(past) == ["Archived."]
    assert program.call("GET", f"/events/{past.slug}").status_code == 404
    assert_problem(host.call("POST", f"/events/{event.slug}/archive"), 409, "not_archivable")


def test_copy_is_a_draft_of_ones_own(host, event):
    answer = host.call("POST", f"/events/{event.slug}/copy")

    assert answer.status_code == 201
    copy = answer.json()
    assert copy["slug"] != event.slug
    assert answer["Location"] == f"/api/v1/events/{copy['slug']}"
    assert (copy["title"], copy["status"]) == (event.title, "draft")


def test_promoted_organiser_does_not_copy(program_of, event, organiser, attendee):
    add_organiser(event, user=attendee, by=organiser)

    answer = program_of(attendee).call("POST", f"/events/{event.slug}/copy")

    assert_problem(answer, 403, "forbidden")


def test_draft_is_deleted_and_nothing_else(host, draft, event):
    answer = host.call("DELETE", f"/events/{draft.slug}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert_problem(host.call("GET", f"/events/{draft.slug}"), 404, "not_found")
    assert_problem(host.call("DELETE", f"/events/{event.slug}"), 409, "not_a_draft")
    assert Event.objects.get() == event


# --- The cover ----------------------------------------------------------------------------------------


def upload_cover(program, event, data):
    upload = SimpleUploadedFile("me at home.png", data, content_type="image/png")
    return program.post(f"/api/v1/events/{event.slug}/cover", {"cover": upload})


def test_cover_is_uploaded_shown_and_removed(host, event, program, settings):
    answer = upload_cover(host, event, encoded(picture()))

    assert answer.status_code == 200, answer.content
    cover = program.call("GET", f"/events/{event.slug}").json()["cover"]
    assert cover == answer.json()["cover"]
    for url in cover.values():
        assert url.startswith(f"{settings.SITE_URL}/media/covers/")
        assert program.get(url.removeprefix(settings.SITE_URL)).getvalue().startswith(b"RIFF")

    removed = host.call("DELETE", f"/events/{event.slug}/cover")

    assert removed.json()["cover"] is None
    assert history_of(event) == ["Changed Cover picture.", "Changed Cover picture."]


@pytest.mark.parametrize("data", [b"no picture", b"<svg onload='alert(1)'/>"])
def test_file_that_is_no_picture_is_refused(host, event, data):
    answer = upload_cover(host, event, data)

    assert field_errors(answer) == {"cover": "cover_unreadable"}
    assert not Event.objects.get().cover


def test_upload_without_a_file_is_refused(host, event):
    answer = host.post(f"/api/v1/events/{event.slug}/cover", {"picture": "x"})

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["cover"]
