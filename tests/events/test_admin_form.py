"""The event form in the admin saves through the services (SPEC 2)."""

from datetime import timedelta
from io import BytesIO

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from events import services
from events.covers import clean_cover
from events.models import Event
from events.services import cancel_event, publish_event
from events.signals import event_changed, event_published
from tests.accounts.factories import UserFactory
from tests.events.clocks import noon
from tests.events.factories import CategoryFactory, EventFactory
from tests.events.test_forms import entered, stored_values
from tests.signals import heard
from tests.tickets.factories import TicketFactory
from tickets.services import book_ticket

pytestmark = pytest.mark.django_db

ADD = "/admin/events/event/add/"
LIST = "/admin/events/event/"


def page_of(event):
    return reverse("admin:events_event_change", args=[event.pk])


def errors_of(response):
    return dict(response.context["adminform"].form.errors)


def stored(event):
    return Event.objects.values().get(pk=event.pk)


@pytest.fixture
def signed_in(client, organiser):
    client.force_login(organiser)
    return client


@pytest.fixture
def draft(organiser):
    return EventFactory(
        organiser=organiser,
        status=Event.Status.DRAFT,
        starts_at=noon(timezone.now()) + timedelta(days=20),
    )


def draft_values(draft, **changes):
    wall = draft.local_start
    return (
        stored_values(draft)
        | {
            "starts_at_0": f"{wall:%Y-%m-%d}",
            "starts_at_1": f"{wall:%H:%M}",
            "time_zone": draft.time_zone,
        }
        | changes
    )


def picture():
    buffer = BytesIO()
    Image.new("RGB", (40, 30), (9, 90, 60)).save(buffer, "PNG")
    return SimpleUploadedFile("p.png", buffer.getvalue(), content_type="image/png")


@pytest.mark.parametrize("button", ["_publish", "_save"])
def test_new_event_is_published_and_its_creator_is_its_first_organiser(
    signed_in, organiser, button
):
    category = CategoryFactory()

    with heard(event_published) as published:
        response = signed_in.post(ADD, entered(category=category.pk, **{button: "1"}))

    event = Event.objects.get()
    assert response.url == LIST
    assert event.is_published
    assert event.category == category
    assert [row.user for row in event.organiser_rows.all()] == [organiser]
    assert [call["event"] for call in published] == [event]


def test_new_event_saved_as_a_draft_is_told_to_nobody(signed_in):
    with heard(event_published) as published:
        response = signed_in.post(ADD, entered(_draft="1"), follow=True)

    assert Event.objects.get().is_draft
    assert published == []
    assert "saved as a draft" in response.text


def test_new_event_with_a_cover_keeps_it(signed_in):
    signed_in.post(ADD, entered(cover=picture()))

    assert Event.objects.get().cover.name.endswith(".webp")


@pytest.mark.django_db(transaction=True)
def test_cover_is_decoded_once_and_before_the_transaction(signed_in, monkeypatch):
    decoded_inside = []

    def noting(upload):
        decoded_inside.append(connection.in_atomic_block)
        return clean_cover(upload)

    monkeypatch.setattr("events.fields.clean_cover", noting)
    signed_in.post(ADD, entered(cover=picture()))

    assert Event.objects.get().cover
    assert decoded_inside == [False]


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\nno", b"<svg onload='alert(1)'/>"])
def test_hostile_cover_is_an_error_in_the_form(signed_in, data):
    cover = SimpleUploadedFile("p.png", data, content_type="image/png")

    response = signed_in.post(ADD, entered(cover=cover))

    assert list(errors_of(response)) == ["cover"]
    assert not Event.objects.exists()


def test_new_event_in_the_past_is_refused_beside_its_start(signed_in):
    response = signed_in.post(ADD, entered(starts_at_0="2020-01-01", _publish="1"))

    assert list(errors_of(response)) == ["starts_at"]
    assert not Event.objects.exists()


def test_new_event_form_starts_with_the_persons_own_time_zone(client):
    client.force_login(UserFactory(organiser=True, time_zone="Asia/Tokyo"))

    form = client.get(ADD, {"starts_at": "x", "duration": "x"}).context["adminform"].form

    assert form["time_zone"].value() == "Asia/Tokyo"


def test_draft_is_saved_and_stays_a_draft(signed_in, draft):
    response = signed_in.post(page_of(draft), draft_values(draft, title="Better", _save="1"))

    draft.refresh_from_db()
    assert response.url == LIST
    assert (draft.title, draft.is_draft) == ("Better", True)


def test_draft_start_may_change(signed_in, draft):
    later = draft.local_start + timedelta(days=1)

    signed_in.post(page_of(draft), draft_values(draft, starts_at_0=f"{later:%Y-%m-%d}"))

    assert Event.objects.get().starts_on == later.date()


def test_draft_is_changed_and_published_by_one_button(signed_in, draft):
    with heard(event_published) as published:
        signed_in.post(page_of(draft), draft_values(draft, title="Better", _publish="1"))

    draft.refresh_from_db()
    assert (draft.title, draft.is_published) == ("Better", True)
    assert len(published) == 1


def test_draft_published_with_a_past_start_is_refused_and_nothing_applied(signed_in, draft):
    before = stored(draft)

    response = signed_in.post(
        page_of(draft), draft_values(draft, title="New", starts_at_0="2020-01-01", _publish="1")
    )

    assert list(errors_of(response)) == ["starts_at"]
    assert stored(draft) == before


def test_published_form_shows_the_start_and_the_way_out(signed_in, event):
    html = signed_in.get(page_of(event)).text

    assert 'name="starts_at' not in html
    assert 'name="time_zone"' not in html
    assert f"{event.local_start:%H:%M}, London time" in html
    assert "can never change" in html
    assert f'action="/admin/events/event/{event.pk}/copy/"' in html


@pytest.mark.parametrize(
    "forged",
    [
        {"starts_at_0": "2031-01-01", "starts_at_1": "10:00"},
        {"starts_at": "2031-01-01T10:00:00Z"},
        {"time_zone": "Europe/Lisbon"},
    ],
)
def test_forged_start_of_a_published_event_is_refused_and_nothing_applied(
    client, event, organiser, staff, forged
):
    before = stored(event)

    for person in (organiser, staff):
        client.force_login(person)
        response = client.post(
            page_of(event), stored_values(event) | forged | {"title": "New", "capacity": "99"}
        )

        assert "can never change" in str(errors_of(response)["__all__"])
        assert stored(event) == before


def test_form_of_a_draft_that_was_published_meanwhile_cannot_move_it(signed_in, draft, organiser):
    values = draft_values(draft, starts_at_0="2031-01-01", title="New", _save="1")
    publish_event(draft, by=organiser)
    before = stored(draft)

    response = signed_in.post(page_of(draft), values)

    assert "can never change" in str(errors_of(response)["__all__"])
    assert stored(draft) == before


def test_change_of_place_is_announced_once(signed_in, event):
    with heard(event_changed) as changed:
        signed_in.post(page_of(event), stored_values(event) | {"location": "Elsewhere"})

    assert [list(call["changes"]) for call in changed] == [["location"]]


def test_form_saved_untouched_changes_and_announces_nothing(signed_in, event):
    before = stored(event)

    with heard(event_changed) as changed:
        signed_in.post(page_of(event), stored_values(event))

    assert changed == []
    assert stored(event) == before


def test_capacity_below_the_places_taken_is_an_error_beside_its_field(signed_in, event):
    for _n in range(4):
        TicketFactory(event=event)
    before = stored(event)

    response = signed_in.post(
        page_of(event), stored_values(event) | {"capacity": "3", "title": "New"}
    )

    assert list(errors_of(response)) == ["capacity"]
    assert stored(event) == before


def test_capacity_taken_up_between_form_and_service_is_shown_in_the_form(
    signed_in, event, monkeypatch
):
    """Somebody books after the form was checked and before the event is locked."""
    real = services.change_event

    def booked_first(*args, **kwargs):
        TicketFactory(event=Event.objects.get())
        return real(*args, **kwargs)

    monkeypatch.setattr("events.admin.events.change_event", booked_first)
    for _n in range(3):
        TicketFactory(event=event)

    response = signed_in.post(
        page_of(event), stored_values(event) | {"capacity": "3", "title": "New"}
    )

    assert response.status_code == 200
    assert list(errors_of(response)) == ["capacity"]
    assert Event.objects.get().title == event.title
    assert 'value="New"' in response.text


def test_stale_form_loses_no_place(signed_in, event):
    event.capacity = 30
    event.save(update_fields=["capacity"])
    values = stored_values(event) | {"title": "New", "capacity": "40"}

    for _n in range(20):
        book_ticket(event, holder=UserFactory())
    signed_in.post(page_of(event), values)

    event.refresh_from_db()
    assert (event.title, event.capacity, event.places_taken) == ("New", 40, 20)


def test_stale_form_keeps_what_a_colleague_changed(signed_in, event):
    """Only what was touched is saved: the form compares with what is stored when it arrives."""
    values = stored_values(event)
    category = CategoryFactory()
    Event.objects.filter(pk=event.pk).update(category=category)

    signed_in.post(page_of(event), values | {"title": "New", "category": category.pk})

    event.refresh_from_db()
    assert (event.title, event.category) == ("New", category)


def test_cancelled_event_is_shown_but_not_changed(signed_in, event, organiser):
    values = stored_values(event) | {"title": "New"}
    cancel_event(event, by=organiser, reason="The roof leaks")

    shown = signed_in.get(page_of(event))
    response = signed_in.post(page_of(event), values, follow=True)

    assert "The roof leaks" in shown.text
    assert 'name="title"' not in shown.text
    assert "can no longer be changed" in response.text
    assert Event.objects.get().title == event.title


def test_only_drafts_are_deleted(signed_in, event, draft):
    url = reverse("admin:events_event_delete", args=[draft.pk])
    asked = signed_in.get(url)

    signed_in.post(url, {"post": "yes"})
    refused = signed_in.post(reverse("admin:events_event_delete", args=[event.pk]), {"post": "yes"})

    assert draft.title in asked.text
    assert refused.status_code == 403
    assert list(Event.objects.all()) == [event]


def test_history_tells_who_did_what(signed_in, event, organiser):
    signed_in.post(page_of(event), stored_values(event) | {"title": "New"})

    entry = LogEntry.objects.get()
    history = signed_in.get(reverse("admin:events_event_history", args=[event.pk]))
    assert entry.user == organiser
    assert "Title" in history.text


def test_stored_cover_is_seen_and_can_be_removed(signed_in, event):
    signed_in.post(page_of(event), stored_values(event) | {"cover": picture()})
    event.refresh_from_db()
    html = signed_in.get(page_of(event)).text

    signed_in.post(page_of(event), stored_values(event) | {"cover-clear": "on"})

    assert f'src="{event.cover.small_url}"' in html
    assert Event.objects.get().cover.name == ""
