"""Calendar data of tickets: what the library would write, fresh, and nobody's name kept in memory."""

from datetime import timedelta

import pytest
from icalendar import Calendar

from tests.events.factories import EventFactory
from tests.tickets.factories import TicketFactory
from tickets import ics
from tickets.ics import CANCEL, PUBLISH, REQUEST, ticket_ics

pytestmark = pytest.mark.django_db


def lines(ticket, method=REQUEST):
    unfolded = ticket_ics(ticket, method=method).decode().replace("\r\n ", "")
    return unfolded.split("\r\n")


@pytest.mark.parametrize("title", ["Owls", 'Bats, owls; – 猫 "x" \\ ' * 5, "two\r\nlines"])
def test_file_is_what_the_library_writes(title):
    event = EventFactory(title=title, location=title, organiser_name=title)
    ticket = TicketFactory(event=event, holder__display_name=title[:100])

    written = ticket_ics(ticket, method=CANCEL)

    assert written == Calendar.from_ical(written).to_ical()
    assert Calendar.from_ical(written).events[0]["SUMMARY"] == title.replace("\r\n", "\n")


def test_every_change_of_the_event_is_in_the_next_file(event):
    ticket = TicketFactory(event=event)
    before = lines(ticket)

    event.title, event.location, event.organiser_name = "Newts", "Weir", "Wardens"
    event.starts_at += timedelta(hours=1)
    event.revision += 1
    event.updated_at += timedelta(minutes=1)
    event.status = "cancelled"
    after = lines(ticket, CANCEL)

    changed = {line.partition(":")[0].partition(";")[0] for line in set(after) - set(before)}
    assert changed == {
        *("METHOD", "SUMMARY", "LOCATION", "ORGANIZER", "DTSTART", "DTEND", "DTSTAMP", "SEQUENCE"),
        "STATUS",
    }


def test_each_ticket_has_its_own_lines(event):
    one, other = (set(lines(TicketFactory(event=event))) for _n in range(2))

    differing = {line.partition(":")[0].partition(";")[0] for line in one - other}
    assert differing - {"DTSTAMP"} == {"UID", "ATTENDEE", "DESCRIPTION", "URL"}


@pytest.fixture
def kept(monkeypatch):
    """What the lines are made of that stay in memory."""
    kept = []
    monkeypatch.setattr(ics, "_kept_line", lambda *facts, **more: kept.append((facts, more)) or b"")
    return kept


def test_nothing_of_a_person_is_kept_in_memory(event, kept):
    ticket = TicketFactory(event=event, holder__display_name="Zoë")

    ticket_ics(ticket, method=REQUEST)

    assert kept
    for personal in (ticket.holder.name, ticket.holder.email, str(ticket.pk), ticket.code):
        assert personal not in str(kept)


def test_how_fast_a_file_comes_tells_nothing_of_others(event, kept):
    ticket_ics(TicketFactory(event=event), method=PUBLISH)

    assert kept == []
