"""Calendar data of tickets: what the library would write, fresh, and nobody's name kept in memory."""

import re
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


@pytest.mark.parametrize("site", ["http://localhost:8000", f"https://{'long-name.' * 9}example"])
@pytest.mark.parametrize(
    "title", ["Owls", 'Bats, owls; – 猫 "x" \\ ' * 5, "two\r\nlines", "a^b^\\n:;,'" * 9, "x" * 99]
)
def test_file_is_what_the_library_writes(title, site, settings):
    settings.SITE_URL = site
    link = f"https://meet.example/a,b;c?{'x' * 70}"
    event = EventFactory(title=title, location=title, organiser_name=title, online_url=link)
    ticket = TicketFactory(event=event, holder__display_name=title[:100])

    written = ticket_ics(ticket, method=CANCEL)

    assert written == Calendar.from_ical(written).to_ical()
    entry = Calendar.from_ical(written).events[0]
    assert entry["SUMMARY"] == title.replace("\r\n", "\n")
    assert entry["ATTENDEE"].params["CN"] == re.sub(r"[\r\n]+", " ", title[:100]).replace('"', "'")
    assert entry["DESCRIPTION"].endswith(f"\nJoin online: {link}")
    assert entry["URL"] == f"{site}{ticket.get_absolute_url()}"
    assert all(len(line) <= 75 for line in written.split(b"\r\n"))


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
