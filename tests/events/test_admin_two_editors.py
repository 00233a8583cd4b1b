"""Two organisers edit one event at once: each saves what they touched, and no more (SPEC 2)."""

from datetime import datetime, timedelta
from html.parser import HTMLParser

import pytest
from django.urls import reverse
from django.utils import timezone

from events.admin import EventAdmin
from events.models import Event
from events.services import cancel_event, change_event
from events.signals import event_changed
from tests.events.clocks import noon
from tests.events.factories import CategoryFactory, EventFactory
from tests.signals import heard
from tests.tickets.factories import TicketFactory

pytestmark = pytest.mark.django_db


class Inputs(HTMLParser):
    """What a browser would post from the event's form when nothing is touched."""

    def __init__(self, html):
        super().__init__()
        self.values, self._area, self._select = {}, None, None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        name = given.get("name")
        if tag == "input" and name and given.get("type") not in {"file", "submit", "checkbox"}:
            if given.get("type") != "radio" or "checked" in given:
                self.values[name] = given.get("value") or ""
        elif tag == "textarea":
            self._area, self.values[name] = name, ""
        elif tag == "select":
            self._select, self.values[name] = name, ""
        elif tag == "option" and "selected" in given and self._select:
            self.values[self._select] = given["value"]

    def handle_endtag(self, tag):
        if tag == "textarea":
            self._area = None
        elif tag == "select":
            self._select = None

    def handle_data(self, data):
        if self._area:
            self.values[self._area] += data.removeprefix("\n").replace("\n", "\r\n")


def page_of(event):
    return reverse("admin:events_event_change", args=[event.pk])


@pytest.fixture
def signed_in(client, organiser):
    client.force_login(organiser)
    return client


def opened(client, event):
    return Inputs(client.get(page_of(event)).text).values


def test_untouched_fields_of_a_stale_form_put_no_older_value_back(
    signed_in, event, other_organiser
):
    later = {
        "capacity": 50,
        "location": "Hall 2",
        "duration": timedelta(hours=5, minutes=30),
        "category": CategoryFactory(),
        "description": "New\r\nwords",
        "contact": "door@example.org",
    }
    values = opened(signed_in, event)
    change_event(event, changes=later, by=other_organiser)

    with heard(event_changed) as told:
        response = signed_in.post(page_of(event), values | {"title": "Better"})

    event.refresh_from_db()
    assert response.status_code == 302
    assert event.title == "Better"
    assert {name: getattr(event, name) for name in later} == later
    assert told == []


def test_untouched_capacity_that_is_too_low_by_now_is_no_error(
    signed_in, other_organiser, organiser
):
    event = EventFactory(organiser=organiser, capacity=1)
    values = opened(signed_in, event)
    change_event(event, changes={"capacity": 5}, by=other_organiser)
    TicketFactory.create_batch(2, event=event)

    response = signed_in.post(page_of(event), values | {"title": "Better"})

    event.refresh_from_db()
    assert response.status_code == 302
    assert (event.title, event.capacity) == ("Better", 5)


def test_touched_fields_win_and_holders_are_told_of_them_alone(signed_in, event, other_organiser):
    values = opened(signed_in, event)
    change_event(event, changes={"location": "Hall 2"}, by=other_organiser)

    with heard(event_changed) as told:
        signed_in.post(page_of(event), values | {"duration_0": "7", "organiser_name": "The club"})

    event.refresh_from_db()
    assert (event.location, event.duration) == ("Hall 2", timedelta(hours=7))
    assert event.organiser_name == "The club"
    assert [list(call["changes"]) for call in told] == [["duration"]]


def test_what_was_touched_stays_touched_when_an_error_sent_the_form_back(signed_in, event):
    values = opened(signed_in, event)
    touched = {"duration_0": "7", "location": "Hall 2", "contact": ""}
    change_event(event, changes={"contact": "door@example.org"}, by=None)

    refused = signed_in.post(page_of(event), values | touched | {"title": " "})
    again = Inputs(refused.text).values
    signed_in.post(page_of(event), again | {"title": "Better"})

    event.refresh_from_db()
    assert (event.title, event.location, event.contact) == ("Better", "Hall 2", "door@example.org")
    assert event.duration == timedelta(hours=7)


def test_a_field_can_be_emptied(signed_in, event):
    change_event(event, changes={"contact": "door@example.org"}, by=None)
    values = opened(signed_in, event)

    signed_in.post(page_of(event), values | {"contact": ""})

    event.refresh_from_db()
    assert event.contact == ""


def test_a_draft_keeps_the_start_that_somebody_else_chose(signed_in, organiser):
    start = noon(timezone.now()) + timedelta(days=20)
    draft = EventFactory(organiser=organiser, status=Event.Status.DRAFT, starts_at=start)
    values = opened(signed_in, draft)
    moved = {"starts_at": start + timedelta(days=3), "time_zone": "Asia/Tokyo"}
    change_event(draft, changes=moved, by=None)

    signed_in.post(page_of(draft), values | {"title": "Better", "_save": "1"})

    draft.refresh_from_db()
    assert (draft.title, draft.starts_at, draft.time_zone) == ("Better", *moved.values())


def test_a_draft_moved_to_another_day_keeps_its_time_of_day(signed_in, organiser):
    start = noon(timezone.now()) + timedelta(days=20)
    draft = EventFactory(organiser=organiser, status=Event.Status.DRAFT, starts_at=start)
    wall = draft.local_start + timedelta(days=1)

    signed_in.post(page_of(draft), opened(signed_in, draft) | {"starts_at_0": f"{wall:%Y-%m-%d}"})

    draft.refresh_from_db()
    assert draft.local_start.replace(tzinfo=None) == datetime.combine(wall.date(), wall.time())


@pytest.mark.parametrize("nonsense", ["", "x", "1 2 3", "\x00", "9" * 5000])
def test_nonsense_for_what_was_shown_first_is_no_failure(signed_in, event, nonsense):
    values = opened(signed_in, event)
    forged = {name: nonsense for name in values if name.startswith("initial-")}

    response = signed_in.post(page_of(event), values | forged)

    event.refresh_from_db()
    assert response.status_code in {200, 302}
    assert event.capacity == 10


def test_saving_an_event_that_is_cancelled_in_this_moment_says_so(
    signed_in, event, other_organiser, monkeypatch
):
    asked = []
    allowed = EventAdmin.has_change_permission

    def change_too_late(stale, **kwargs):
        asked.append(stale)
        return change_event(stale, **kwargs)

    values = opened(signed_in, event)
    cancel_event(event, by=other_organiser)
    monkeypatch.setattr("events.admin.events.change_event", change_too_late)
    monkeypatch.setattr(
        EventAdmin, "has_change_permission", lambda *given: not asked or allowed(*given)
    )

    response = signed_in.post(page_of(event), values | {"title": "Better"}, follow=True)

    assert asked
    assert response.redirect_chain == [(page_of(event), 302)]
    assert "can no longer be changed" in response.text
