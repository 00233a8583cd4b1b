"""The demo's programme: which events, when, and how many tickets each has."""

import math
import random
import re
import tomllib
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

SOURCE = Path(__file__).with_name("programme.toml")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SPAN_DAYS = 110  # how far ahead the programme reaches
GIVEN_BACK = 20  # one ticket in so many was cancelled by its holder


@dataclass
class Plan:
    """One event of the demo: its particulars, and how many tickets it gets."""

    title: str
    category: str
    location: str
    zone: str
    at: time
    minutes: int
    capacity: int
    description: str
    organiser_name: str
    contact: str
    day: str = ""
    state: str = "plenty"
    online: bool = False
    cover: bool = False
    attendee: bool = False
    reason: str = ""
    starts_at: datetime = field(init=False)
    taken: int = 0
    given_back: int = 0

    @property
    def is_scarce_by_plan(self) -> bool:
        return self.state in ("full", "few", "one")

    @property
    def shares(self) -> bool:
        """Whether it gets part of the tickets that the scarce ones leave."""
        return self.state in ("plenty", "past", "now", "cancelled")


class TooManyTickets(ValueError):
    """So many tickets cannot be given to so few people, each at most one for an event."""

    def __init__(self, left_over: int) -> None:
        super().__init__(left_over)
        self.left_over = left_over


# A line break inside a paragraph is the source file's, and Evento shows line breaks as they are typed.
UNWRAPPED = re.compile(r"(?<!\n)\n(?![\n*>#-]|\d+\.)")


def plan_programme(events: int, tickets: int, holders: int, seed: int, now: datetime) -> list[Plan]:
    """`events` plans with `tickets` tickets between them, dated from `now` on. Raises TooManyTickets."""
    rng = random.Random(f"{seed}:programme")  # noqa: S311 - the same seed, the same data
    plans = _repeated(events)
    _date(plans, rng, now)
    _allot(plans, tickets, holders, rng)
    return plans


def _read() -> list[Plan]:
    rows: list[dict[str, Any]] = tomllib.loads(SOURCE.read_text(encoding="utf-8"))["event"]
    for row in rows:
        row["at"] = time.fromisoformat(row["at"])
        row["description"] = UNWRAPPED.sub(" ", row["description"].strip())
    return [Plan(**row) for row in rows]


def _repeated(events: int) -> list[Plan]:
    """The programme once, then again as numbered repeats without pictures."""
    first = _read()
    plans = []
    for n in range(events):
        plan = first[n % len(first)]
        turn = n // len(first)
        if turn:
            # What is on now is on one page, however many events there are: no more than the first time.
            state = "plenty" if plan.state == "now" else plan.state
            title = f"{plan.title} (no. {turn + 1})"
            plan = replace(plan, title=title, state=state, cover=False)
        plans.append(plan)
    return plans


def _date(plans: list[Plan], rng: random.Random, now: datetime) -> None:
    ahead = [plan for plan in plans if plan.state not in ("past", "now")]
    for n, plan in enumerate(ahead):
        first_day = now.date() + timedelta(days=2 + n * SPAN_DAYS // len(ahead))
        plan.starts_at = _start(plan, _on_weekday(first_day, plan.day, later=True))
    for n, plan in enumerate(plan for plan in plans if plan.state == "past"):
        last_day = now.date() - timedelta(days=4 + 9 * (n % 40) + rng.randrange(4))
        plan.starts_at = _start(plan, _on_weekday(last_day, plan.day, later=False))
    for plan in plans:
        if plan.state == "now":
            plan.starts_at = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)


def _on_weekday(day: date, name: str, *, later: bool) -> date:
    if not name:
        return day
    ahead = (WEEKDAYS.index(name) - day.weekday()) % 7
    return day + timedelta(days=ahead if later or not ahead else ahead - 7)


def _start(plan: Plan, day: date) -> datetime:
    return datetime.combine(day, plan.at, ZoneInfo(plan.zone))


def _allot(plans: list[Plan], tickets: int, holders: int, rng: random.Random) -> None:
    """First the scarce events, as long as there are tickets and people enough; the rest is shared.

    When that leaves tickets over, no event is scarce and all are shared.
    """
    left = tickets
    for plan in plans:
        if not plan.is_scarce_by_plan:
            continue
        wanted = plan.capacity - _places_left(plan, rng)
        if wanted <= min(left, holders):
            plan.taken = wanted
            left -= wanted
        else:
            plan.state = "plenty"
    try:
        _share([plan for plan in plans if plan.shares], left, holders, rng)
    except TooManyTickets:
        for plan in plans:
            if plan.is_scarce_by_plan:
                plan.state = "plenty"
        _share([plan for plan in plans if plan.shares], tickets, holders, rng)


def _places_left(plan: Plan, rng: random.Random) -> int:
    if plan.state == "few":  # fewer than 5 %, and more than one
        return rng.randint(2, math.ceil(plan.capacity / 20) - 1)
    return 1 if plan.state == "one" else 0


def _share(plans: list[Plan], tickets: int, holders: int, rng: random.Random) -> None:
    weights = [plan.capacity * rng.uniform(0.25, 0.8) for plan in plans]
    total = sum(weights)
    given = [min(holders, int(tickets * weight / total)) for weight in weights]
    rest = tickets - sum(given)
    for n in range(len(plans)):
        more = min(rest, holders - given[n])
        given[n] += more
        rest -= more
    if rest:
        raise TooManyTickets(left_over=rest)
    for plan, count in zip(plans, given, strict=True):
        plan.given_back = count // GIVEN_BACK
        plan.taken = count - plan.given_back
        # Never scarce by accident: which events are is written in the programme.
        plan.capacity = max(plan.capacity, math.ceil(plan.taken * 1.15) + 2)
