import re
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from events.calendar import month_days, month_of
from events.models import Event
from tests.events.factories import CategoryFactory, EventFactory
from tests.tickets.factories import TicketFactory

pytestmark = pytest.mark.django_db


def day_of(page, number, month="June"):
    """The list item of one day of the month."""
    days = re.split(r'<li class="calendar-day', page)[1:]
    (found,) = [
        day
        for day in days
        if f'<span class="number">{number}</span>' in day and f", {month}</span>" in day
    ]
    return found


def june(client):
    return client.get("/calendar/2030/6/").content.decode()


def test_calendar_shows_this_month(client):
    page = client.get("/calendar/").content.decode()

    today = timezone.localdate()
    assert f"<h1>{today:%B} <span>{today:%Y}</span></h1>" in page
    assert page.count('aria-current="date"') == 1


def test_calendar_today_goes_by_the_sites_clock(client, settings):
    """On these two clocks it is never the same day."""
    marked = []

    for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):
        settings.TIME_ZONE = zone
        timezone.get_default_timezone.cache_clear()
        page = client.get("/calendar/").content.decode()
        marked.append(re.search(r'is-today.*?class="number">(\d+)<', page)[1])
    timezone.get_default_timezone.cache_clear()

    assert marked[0] != marked[1]


def test_month_has_whole_weeks_from_monday():
    days = month_days(month_of(2030, 6), [], today=date(2030, 6, 5), now=timezone.now())

    assert days[0].date == date(2030, 5, 27)
    assert days[-1].date == date(2030, 6, 30)
    assert len(days) % 7 == 0
    assert [day.date for day in days if day.is_today] == [date(2030, 6, 5)]
    assert days[0].is_outside


def test_month_puts_event_on_its_own_date(client):
    """Half past eleven in the evening in Los Angeles is the next day in UTC."""
    EventFactory(
        title="Late show",
        starts_at=datetime(2030, 6, 2, 6, 30, tzinfo=UTC),
        time_zone="America/Los_Angeles",
    )

    page = june(client)

    assert "Late show" in day_of(page, 1)
    assert ">23:30</time>" in day_of(page, 1)
    assert "Late show" not in day_of(page, 2)


def test_month_event_of_the_last_evening_stays_in_its_month(client):
    EventFactory(
        title="Year's end",
        starts_at=datetime(2031, 1, 1, 4, 0, tzinfo=UTC),
        time_zone="America/New_York",
    )

    assert b"Year&#x27;s end" in client.get("/calendar/2030/12/").content
    assert b"Year&#x27;s end" not in client.get("/calendar/2031/1/").content


def test_month_strikes_cancelled_events_through(client):
    EventFactory(
        title="Off", starts_at=datetime(2030, 6, 3, 12, tzinfo=UTC), status=Event.Status.CANCELLED
    )

    day = day_of(june(client), 3)

    assert "calendar-event is-cancelled" in day
    assert "(cancelled)" in day


@pytest.mark.parametrize(
    "hidden", [{"status": Event.Status.DRAFT}, {"archived_at": timezone.now()}]
)
def test_month_never_shows_drafts_and_archived(client, organiser, hidden):
    EventFactory(
        title="Hidden",
        starts_at=datetime(2030, 6, 3, 12, tzinfo=UTC),
        organiser=organiser,
        **hidden,
    )
    client.force_login(organiser)

    assert "Hidden" not in june(client)


def test_month_shows_past_events_as_past(client):
    event = EventFactory(starts_at=timezone.now() - timedelta(days=40))

    page = client.get(f"/calendar/{event.starts_on.year}/{event.starts_on.month}/").content

    assert b"calendar-event is-past" in page


def test_month_marks_where_i_have_a_ticket(client, attendee):
    event = EventFactory(starts_at=datetime(2030, 6, 3, 12, tzinfo=UTC))
    TicketFactory(event=event, holder=attendee)
    client.force_login(attendee)

    assert "calendar-event has-ticket" in june(client)


def test_month_shows_mine_however_many_come_before(client, attendee, monkeypatch):
    monkeypatch.setattr("events.calendar.MOST_A_DAY", 7)
    tours = [
        EventFactory(title=f"Tour {n}", starts_at=datetime(2030, 6, 3, 8 + n, tzinfo=UTC))
        for n in range(10)
    ]
    TicketFactory(event=tours[8], holder=attendee)
    TicketFactory(event=tours[9], holder=attendee, status="cancelled")
    client.force_login(attendee)

    day = day_of(june(client), 3)

    assert re.findall(r"Tour \d", day) == [f"Tour {n}" for n in [*range(7), 8]]
    assert re.search(r'has-ticket".+<span class="name">Tour 8<', day)


def test_month_folds_a_crowded_day(client):
    for hour in range(8):
        EventFactory(title=f"Hour {hour}", starts_at=datetime(2030, 6, 3, 8 + hour, tzinfo=UTC))

    day = day_of(june(client), 3)

    assert '<summary class="calendar-more">3 more</summary>' in day
    assert day.count("calendar-event ") + day.count('calendar-event"') == 8


@pytest.mark.parametrize(
    ("apart", "path"), [(timedelta(days=40), "/"), (-timedelta(days=40), "/past/")]
)
def test_month_leads_from_a_day_of_very_many_to_their_list(client, monkeypatch, apart, path):
    monkeypatch.setattr("events.calendar.MOST_A_DAY", 7)
    noon = timezone.now().replace(hour=12, minute=0) + apart
    for minute in range(9):
        EventFactory(title=f"Tour {minute}", starts_at=noon + timedelta(minutes=minute))
    EventFactory(title="The day after", starts_at=noon + timedelta(days=1))
    month = f"/calendar/{noon.year}/{noon.month}/"

    day = day_of(client.get(month).content.decode(), noon.day, f"{noon:%B}")
    address = re.search(r'href="([^"]+)">The list of this day<', day)[1].replace("&amp;", "&")
    listed = client.get(address).content.decode()

    assert re.findall(r"Tour \d", day) == [f"Tour {n}" for n in range(7)]
    assert '<summary class="calendar-more">4 more</summary>' in day
    assert address == f"{path}?from={noon:%Y-%m-%d}&to={noon:%Y-%m-%d}"
    assert {f"Tour {n}" for n in range(9)} <= {*re.findall(r"Tour \d", listed)}
    assert "The day after" not in listed


@pytest.mark.parametrize("hours", [1, -1, -3], ids=["to come", "under way", "ended"])
def test_month_leads_from_a_day_that_is_over_here_to_the_list_that_has_its_events(
    client, monkeypatch, hours
):
    monkeypatch.setattr("events.calendar.MOST_A_DAY", 7)
    now = datetime(2030, 6, 4, 3, tzinfo=UTC)  # the evening of the 3rd in Honolulu
    for minute in range(9):
        starts = now + timedelta(hours=hours, minutes=minute)
        EventFactory(title=f"Tour {minute}", time_zone="Pacific/Honolulu", starts_at=starts)
    EventFactory(
        time_zone="Pacific/Honolulu",
        status=Event.Status.CANCELLED,
        starts_at=now + timedelta(hours=2),
    )

    with time_machine.travel(now, tick=False):
        address = re.search(r'href="([^"]+)">The list of this day<', day_of(june(client), 3))[1]
        listed = client.get(address.replace("&amp;", "&")).content.decode()

    assert {f"Tour {n}" for n in range(9)} <= {*re.findall(r"Tour \d", listed)}


def test_month_strikes_through_what_is_cancelled_however_many_come_before(client, monkeypatch):
    monkeypatch.setattr("events.calendar.MOST_A_DAY", 7)
    for hour in range(9):
        EventFactory(title=f"Hour {hour}", starts_at=datetime(2030, 6, 3, 8 + hour, tzinfo=UTC))
    last = datetime(2030, 6, 3, 20, tzinfo=UTC)
    EventFactory(title="Bats", status=Event.Status.CANCELLED, starts_at=last)

    day = day_of(june(client), 3)

    assert re.findall(r"Hour \d", day) == [f"Hour {n}" for n in range(7)]
    assert re.search(r'is-cancelled".+<span class="name">Bats<', day)
    assert '<summary class="calendar-more">5 more</summary>' in day


def test_month_folds_a_day_that_is_just_not_too_full_and_leads_nowhere_else(client, monkeypatch):
    monkeypatch.setattr("events.calendar.MOST_A_DAY", 7)
    for hour in range(7):
        EventFactory(starts_at=datetime(2030, 6, 3, 8 + hour, tzinfo=UTC))

    day = day_of(june(client), 3)

    assert '<summary class="calendar-more">2 more</summary>' in day
    assert "The list of this day" not in day


def test_month_without_events_says_so(client):
    assert "Nothing in this month." in june(client)


def test_month_leads_to_its_neighbours(client):
    page = client.get("/calendar/2030/12/").content.decode()

    assert 'href="/calendar/2030/11/" aria-label="November 2030"' in page
    assert 'href="/calendar/2031/1/" aria-label="January 2031"' in page


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/calendar/2000/1/", 200),
        ("/calendar/2100/12/", 200),
        ("/calendar/1999/12/", 404),
        ("/calendar/2101/1/", 404),
        ("/calendar/2030/0/", 404),
        ("/calendar/2030/13/", 404),
        ("/calendar/99999999999999999999/1/", 404),
        ("/calendar/2030/-1/", 404),
    ],
)
def test_month_outside_the_calendar_is_not_found(client, address, status):
    assert client.get(address).status_code == status


def test_month_at_the_edge_leads_inside_only(client):
    first = client.get("/calendar/2000/1/").content.decode()
    last = client.get("/calendar/2100/12/").content.decode()

    assert 'rel="prev"' not in first
    assert 'rel="next"' not in last


@pytest.mark.parametrize(("signed_in", "at_most"), [(False, 1), (True, 7)])
def test_month_queries_do_not_grow_with_its_events(client, attendee, signed_in, at_most):
    if signed_in:
        client.force_login(attendee)
    moment = datetime(2030, 6, 3, 12, tzinfo=UTC)
    counts = []

    for rows in (1, 29):
        for n in range(rows):
            EventFactory(starts_at=moment + timedelta(hours=n), category=CategoryFactory())
        with CaptureQueriesContext(connection) as queries:
            june(client)
        counts.append(len(queries))

    assert counts[0] == counts[1] <= at_most
