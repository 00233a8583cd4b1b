"""A month of events as whole weeks (SPEC 7)."""

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from events.models import Event

FIRST_YEAR, LAST_YEAR = 2000, 2100
SHOWN_A_DAY = 5  # and the rest behind "more"; templates/events/calendar.html slices by it


@dataclass(frozen=True)
class Entry:
    """An event on its day; past when it has ended."""

    event: Event
    is_past: bool


@dataclass(frozen=True)
class CalendarDay:
    date: date
    is_outside: bool
    is_today: bool
    entries: list[Entry]

    @property
    def more(self) -> int:
        """How many are folded away."""
        return max(0, len(self.entries) - SHOWN_A_DAY)


@dataclass(frozen=True)
class Month:
    """A month, within the years the calendar covers."""

    year: int
    number: int

    @property
    def first_day(self) -> date:
        return date(self.year, self.number, 1)

    @property
    def last_day(self) -> date:
        return date(self.year, self.number, calendar.monthrange(self.year, self.number)[1])

    def shifted(self, months: int) -> "Month | None":
        """The month that many months on, or None outside the years the calendar covers."""
        year, month = divmod(self.year * 12 + self.number - 1 + months, 12)
        return month_of(year, month + 1)


def month_of(year: int, number: int) -> Month | None:
    """The month, or None where the calendar does not reach."""
    if FIRST_YEAR <= year <= LAST_YEAR and 1 <= number <= 12:
        return Month(year, number)
    return None


def month_days(
    month: Month, events: Iterable[Event], *, today: date, now: datetime
) -> list[CalendarDay]:
    """The days of all weeks that `month` touches, from a Monday on, with `events` on their own dates."""
    entries: dict[date, list[Entry]] = {}
    for event in events:
        entries.setdefault(event.starts_on, []).append(Entry(event, event.has_ended(now)))
    weeks = calendar.Calendar(firstweekday=calendar.MONDAY)
    return [
        CalendarDay(
            date=day,
            is_outside=day.month != month.number,
            is_today=day == today,
            entries=entries.get(day, []),
        )
        for day in weeks.itermonthdates(month.year, month.number)
    ]
