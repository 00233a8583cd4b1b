"""The event form: starts on the event's own clock, lengths, capacity, publishing (SPEC 2)."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from evento.refusals import Refusal
from events.forms import EventForm
from events.local_time import instants_of
from events.models import Event
from tests.events.clocks import noon
from tests.events.factories import EventFactory

NEXT_YEAR = timezone.now().year + 1


def last_sunday(month):
    """When clocks change in Europe next year: the last Sunday of March and of October."""
    day = datetime.combine(date(NEXT_YEAR, month, 31), time())
    return day - timedelta(days=(day.weekday() + 1) % 7)


def entered(**changes):
    values = {
        "title": "Reading group",
        "starts_at_0": f"{NEXT_YEAR}-06-01",
        "starts_at_1": "18:30",
        "time_zone": "Europe/London",
        "duration_0": "2",
        "duration_1": "30",
        "location": "Library",
        "capacity": "20",
        "description": "",
        "online_url": "",
        "category": "",
        "organiser_name": "",
        "contact": "",
    }
    values |= changes
    return {name: value for name, value in values.items() if value is not None}


def stored_values(event):
    """What the form of `event` posts when nothing was touched."""
    form = EventForm(instance=event)
    names = ("title", "location", "capacity", "description", "organiser_name", "contact")
    values = {name: getattr(event, name) for name in names}
    hours, minutes = form.fields["duration"].widget.decompress(event.duration)
    return entered(
        **values,
        duration_0=hours,
        duration_1=minutes,
        starts_at_0=None,
        starts_at_1=None,
        time_zone=None,
    )


def codes(form):
    return {
        name: [error.code for error in errors] for name, errors in form.errors.as_data().items()
    }


@pytest.mark.django_db
def test_form_reads_the_start_on_the_clock_of_its_zone():
    form = EventForm(entered(time_zone="Asia/Kolkata"))

    assert form.is_valid(), form.errors
    assert form.cleaned_data["starts_at"] == datetime(NEXT_YEAR, 6, 1, 13, 0, tzinfo=UTC)
    assert form.cleaned_data["duration"] == timedelta(hours=2, minutes=30)


@pytest.mark.django_db
def test_form_refuses_a_start_that_clocks_skip():
    gap = last_sunday(3)

    form = EventForm(
        entered(starts_at_0=f"{gap:%Y-%m-%d}", starts_at_1="02:30", time_zone="Europe/Berlin")
    )

    assert codes(form) == {"starts_at": ["start_missing"]}


@pytest.mark.django_db
@pytest.mark.parametrize(("fold", "offset"), [("0", 2), ("1", 1)])
def test_form_asks_which_of_two_starts_is_meant(fold, offset):
    night = last_sunday(10)
    data = entered(starts_at_0=f"{night:%Y-%m-%d}", starts_at_1="02:30", time_zone="Europe/Berlin")

    asked = EventForm(data)
    answered = EventForm(data | {"start_fold": fold})

    assert codes(asked) == {"start_fold": ["start_ambiguous"]}
    assert 'type="radio"' in str(asked["start_fold"])
    assert "The first (02:30 CEST, UTC+02:00)" in str(asked["start_fold"])
    assert "The second (02:30 CET, UTC+01:00)" in str(asked["start_fold"])
    assert answered.is_valid(), answered.errors
    meant = night.replace(hour=2, minute=30, tzinfo=UTC) - timedelta(hours=offset)
    assert answered.cleaned_data["starts_at"] == meant


@pytest.mark.django_db
def test_form_does_not_ask_about_an_ordinary_start():
    assert EventForm(entered())["start_fold"].field.widget.is_hidden


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("title", {"title": " "}),
        ("starts_at", {"starts_at_0": "", "starts_at_1": ""}),
        ("starts_at", {"starts_at_1": ""}),
        ("starts_at", {"starts_at_0": "0001-01-01"}),
        ("starts_at", {"starts_at_0": "9999-12-31"}),
        ("starts_at", {"starts_at_0": "soon"}),
        ("time_zone", {"time_zone": ""}),
        ("time_zone", {"time_zone": "Mars/Olympus"}),
        ("duration", {"duration_0": "", "duration_1": ""}),
        ("duration", {"duration_0": "0", "duration_1": "0"}),
        ("duration", {"duration_0": "745"}),
        ("duration", {"duration_1": "60"}),
        ("duration", {"duration_0": "-1"}),
        ("location", {"location": "  "}),
        ("capacity", {"capacity": ""}),
        ("capacity", {"capacity": "0"}),
        ("capacity", {"capacity": "-5"}),
        ("online_url", {"online_url": "javascript:alert(1)"}),
    ],
)
def test_form_refuses_a_value_beside_its_field(field, changes):
    form = EventForm(entered(**changes))

    assert list(form.errors) == [field]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "minutes"),
    [
        ({"duration_0": "1", "duration_1": ""}, 60),
        ({"duration_0": "", "duration_1": "45"}, 45),
        ({"duration_0": "744", "duration_1": ""}, 31 * 24 * 60),
        ({"duration_0": None, "duration_1": None, "duration": "1:15:00"}, 75),
    ],
)
def test_form_takes_hours_minutes_or_both(values, minutes):
    form = EventForm(entered(**values))

    assert form.is_valid(), form.errors
    assert form.cleaned_data["duration"] == timedelta(minutes=minutes)


@pytest.mark.django_db
def test_form_publishes_a_past_start_only_as_a_draft():
    data = entered(starts_at_0="2020-06-01")

    assert codes(EventForm(data)) == {"starts_at": ["start_in_past"]}
    assert EventForm(data | {"_draft": "1"}).is_valid()


@pytest.mark.django_db
def test_draft_form_shows_the_start_on_the_clock_of_its_zone():
    starts_at = datetime(NEXT_YEAR, 6, 1, 13, 0, tzinfo=UTC)
    draft = EventFactory(status=Event.Status.DRAFT, starts_at=starts_at, time_zone="Asia/Kolkata")

    html = str(EventForm(instance=draft)["starts_at"])

    assert f'value="{NEXT_YEAR}-06-01"' in html
    assert 'value="18:30"' in html


@pytest.mark.django_db
def test_draft_form_saved_untouched_changes_nothing():
    start = noon(timezone.now()) + timedelta(days=3, seconds=7)
    draft = EventFactory(status=Event.Status.DRAFT, starts_at=start, time_zone="US/Pacific")
    wall = draft.local_start
    data = stored_values(draft) | {
        "starts_at_0": f"{wall:%Y-%m-%d}",
        "starts_at_1": f"{wall:%H:%M}",
        "time_zone": "US/Pacific",
    }

    form = EventForm(data, instance=draft)

    assert form.is_valid(), form.errors
    assert form.changes == {}


@pytest.mark.django_db
def test_draft_form_keeps_the_second_of_two_starts():
    night = last_sunday(10)
    second = instants_of(night.replace(hour=2, minute=30), ZoneInfo("Europe/Berlin"))[1]
    draft = EventFactory(status=Event.Status.DRAFT, starts_at=second, time_zone="Europe/Berlin")

    form = EventForm(instance=draft)

    assert form.initial["start_fold"] == 1
    assert not form["start_fold"].field.widget.is_hidden


@pytest.mark.django_db
def test_draft_form_with_another_zone_moves_the_instant():
    starts_at = datetime(NEXT_YEAR, 6, 1, 17, 30, tzinfo=UTC)
    draft = EventFactory(status=Event.Status.DRAFT, starts_at=starts_at, time_zone="Europe/London")
    data = stored_values(draft) | {
        "starts_at_0": f"{NEXT_YEAR}-06-01",
        "starts_at_1": "18:30",
        "time_zone": "Europe/Berlin",
    }

    form = EventForm(data, instance=draft)

    assert form.is_valid(), form.errors
    assert form.changes == {
        "starts_at": starts_at - timedelta(hours=1),
        "time_zone": "Europe/Berlin",
    }


def test_published_form_has_no_start_to_fill_in(event):
    form = EventForm(instance=event)

    assert not {"starts_at", "start_fold", "time_zone"} & set(form.fields)


@pytest.mark.parametrize(
    "forged",
    [
        {"starts_at_0": f"{NEXT_YEAR + 1}-01-01", "starts_at_1": "10:00"},
        {"starts_at_0": f"{NEXT_YEAR + 1}-01-01"},
        {"starts_at_1": "03:33"},
        {"starts_at": f"{NEXT_YEAR + 1}-01-01T10:00:00Z"},
        {"starts_at": f"{NEXT_YEAR + 1}-01-01 10:00"},
        {"starts_at": "2026-99-99 10:00"},
        {"starts_at": "later"},
        {"starts_at_0": "later", "starts_at_1": "later"},
        {"time_zone": "Europe/Lisbon"},
    ],
)
def test_published_form_refuses_a_forged_start(event, forged):
    event.starts_at = event.starts_at.replace(hour=12, minute=0)

    form = EventForm(stored_values(event) | forged, instance=event)

    assert codes(form) == {"__all__": ["start_frozen"]}


def test_published_form_takes_the_same_start_again(event):
    wall = event.local_start
    same = {
        "starts_at": event.starts_at.astimezone(ZoneInfo("Asia/Tokyo")).isoformat(),
        "starts_at_0": f"{wall:%Y-%m-%d}",
        "starts_at_1": f"{wall:%H:%M}",
        "time_zone": event.time_zone,
    }

    form = EventForm(stored_values(event) | same, instance=event)

    assert form.is_valid(), form.errors
    assert form.changes == {}


def test_form_refuses_a_capacity_below_the_places_taken(event):
    event.places_taken = 7

    form = EventForm(stored_values(event) | {"capacity": "6"}, instance=event)

    assert codes(form) == {"capacity": ["capacity_below_taken"]}
    assert "7" in form.errors["capacity"][0]
    assert EventForm(stored_values(event) | {"capacity": "7"}, instance=event).is_valid()


@pytest.mark.parametrize(
    ("code", "field"), [("capacity_below_taken", "capacity"), ("start_frozen", "__all__")]
)
def test_form_shows_what_a_service_refused(event, code, field):
    class Refused(EventForm):
        refusal = Refusal(code, "No.")

    assert codes(Refused(stored_values(event), instance=event)) == {field: [code]}
