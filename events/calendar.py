"""A month of events as whole weeks (SPEC 7)."""

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from events.models import Event

FIRST_YEAR, LAST_YEAR = 2000, 2100
SHOWN_A_DAY = 5  # and others behind "more"; templates/events/calendar.html slices by it
# A day that has more leads to its own list, or a month of thousands would be a page of megabytes.
MOST_A_DAY = 25


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
    count: int  # of the day's events, those beyond MOST_A_DAY too
    ahead: int  # of them, not cancelled and not ended

    @property
    def more(self) -> int:
        """How many are not seen at first."""
        return max(0, self.count - SHOWN_A_DAY)

    @property
    def is_cut(self) -> bool:
        """Whether it has more events than entries."""
        return self.count > len(self.entries)


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
    month: Month, events: Iterable[Any], *, today: date, now: datetime
) -> list[CalendarDay]:
    """The days of all weeks that `month` touches, from a Monday on, with `events` on their own dates.

    `events` are those of `first_of_each_day`.
    """
    entries: dict[date, list[Entry]] = {}
    counts: dict[date, tuple[int, int]] = {}
    for event in events:
        counts[event.starts_on] = event.of_day, event.ahead_of_day
        entries.setdefault(event.starts_on, []).append(Entry(event, event.has_ended(now)))
    weeks = calendar.Calendar(firstweekday=calendar.MONDAY)
    return [
        CalendarDay(
            day,
            day.month != month.number,
            day == today,
            entries.get(day, []),
            *counts.get(day, (0, 0)),
        )
        for day in weeks.itermonthdates(month.year, month.number)
    ]
