"""Writing the demo: rows in bulk, with the counters that booking one by one would have left.

However many people and tickets are asked for, no more than a batch of them is in memory.
"""

import math
import random
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from allauth.account.models import EmailAddress
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.text import slugify

from accounts.models import User
from evento.demo.covers import landscape
from evento.demo.people import (
    SIGN_INS,
    Crowd,
    hashed,
    random_uuid,
    sign_in_account,
    verified_address,
)
from evento.demo.programme import Plan, plan_programme
from evento.demo.writing import write
from evento.statements import Rows
from events.availability import exact_availability
from events.covers import EXTENSION, small_name
from events.models import SLUG_ALPHABET, SLUG_RANDOM_LENGTH, Category, Event, EventOrganiser
from events.signals import event_cancelled, event_full, event_near_capacity
from tickets.models import CODE_LENGTH, Ticket
from tickets.signals import booking_prepared

EVENTS_AT_ONCE = 100
PEOPLE_AT_ONCE = 1000
NOTES = (
    "I use a wheelchair.",
    "Vegetarian, please.",
    "I may be ten minutes late.",
    "Allergic to nuts.",
    "I bring my hearing dog.",
    "Could I sit near the front? I read lips.",
)
ONLINE_ROOM = "https://meet.example.org/"

Progress = Callable[[int], object]


class AlreadyThere(Exception):
    """The database has the demo of this seed already."""


@dataclass(frozen=True)
class Cast:
    """Who plays which part."""

    organiser: User
    attendee: User
    sign_ins: list[uuid.UUID]
    crowd: Crowd
    # By their number in the crowd: those who were there under another key, from another demo.
    known: dict[int, uuid.UUID]

    @property
    def size(self) -> int:
        return len(self.sign_ins) + self.crowd.count

    def holder(self, number: int) -> uuid.UUID:
        """The key of one of all `size` people, the sign-ins first."""
        if number < len(self.sign_ins):
            return self.sign_ins[number]
        return self._key(number - len(self.sign_ins))

    def team(self, rng: random.Random, *, led_by_us: bool) -> list[uuid.UUID]:
        """Who organises an event, its leader first; with `led_by_us` that is the demo's organiser."""
        others = self.crowd.organisers()
        if led_by_us or not others:
            leader, left = self.organiser.pk, list(rng.sample(others, k=min(len(others), 1)))
        else:
            first, *left = rng.sample(others, k=min(len(others), 2))
            leader = self._key(first)
        return [leader, *(self._key(number) for number in left[: rng.choice((0, 0, 1))])]

    def _key(self, number: int) -> uuid.UUID:
        return self.known.get(number) or self.crowd.id_of(number)


@dataclass(frozen=True)
class Request:
    """What was asked for."""

    events: int
    people: int
    tickets: int
    seed: int
    password: str


@dataclass(frozen=True)
class Stage:
    """What every event of one demo is composed from."""

    cast: Cast
    categories: dict[str, Category]
    rng: random.Random
    now: datetime


@dataclass
class Page:
    """One batch of events with who organises them."""

    events: list[Event]
    organisers: list[EventOrganiser]


def planned(request: Request, now: datetime) -> list[Plan]:
    """The programme of this request. Raises TooManyTickets."""
    return plan_programme(request.events, request.tickets, request.people, request.seed, now)


def build(request: Request, plans: list[Plan], now: datetime, progress: Progress) -> None:
    """Write people, then events with their tickets, batch by batch; each batch whole or not at all.

    The demo's own accounts are told of what concerns them, as if it had just happened. Raises
    AlreadyThere.
    """
    cast = _write_people(request, progress)
    rng = random.Random(f"{request.seed}:events")  # noqa: S311 - the same seed, the same data
    stage = Stage(cast, _categories(plans), rng, now)
    for first in range(0, len(plans), EVENTS_AT_ONCE):
        batch = plans[first : first + EVENTS_AT_ONCE]
        page = Page([], [])
        for plan in batch:
            _compose(page, plan, stage)
        with transaction.atomic():
            if first == 0 and Event.objects.filter(pk=page.events[0].pk).exists():
                raise AlreadyThere
            Event.objects.bulk_create(page.events)
            write(EventOrganiser, page.organisers)
            progress(len(page.events))
            for event, plan in zip(page.events, batch, strict=True):
                progress(write(Ticket, _tickets(event, plan, stage)))
            if first == 0:
                _tell(page, cast, now)


def _write_people(request: Request, progress: Progress) -> Cast:
    password = hashed(request.password)
    # A second demo shares the three sign-ins of the first.
    sign_ins = _written([sign_in_account(one, request.seed, password) for one in SIGN_INS])
    progress(len(sign_ins))
    crowd = Crowd(request.people - len(SIGN_INS), request.seed, password)
    known = {}
    for first in range(0, crowd.count, PEOPLE_AT_ONCE):
        numbers = range(first, min(first + PEOPLE_AT_ONCE, crowd.count))
        for number, person in zip(numbers, _written(map(crowd.person, numbers)), strict=True):
            if person.pk != crowd.id_of(number):
                known[number] = person.pk
        progress(len(numbers))
    organiser, attendee = sign_ins[:2]
    return Cast(organiser, attendee, [person.pk for person in sign_ins], crowd, known)


@transaction.atomic
def _written(people: Iterable[User]) -> list[User]:
    """These people as they are stored: those of a demo that was interrupted are there already."""
    wanted = list(people)
    emails = [person.email for person in wanted]
    there = {person.email: person for person in User.objects.filter(email__in=emails)}
    missing = [person for person in wanted if person.email not in there]
    write(User, missing)
    write(EmailAddress, map(verified_address, missing))
    return [there.get(person.email, person) for person in wanted]


def _categories(plans: list[Plan]) -> dict[str, Category]:
    return {
        slug: Category.objects.get_or_create(slug=slug, defaults={"name": slug.capitalize()})[0]
        for slug in sorted({plan.category for plan in plans})
    }


def _compose(page: Page, plan: Plan, stage: Stage) -> None:
    cast, rng = stage.cast, stage.rng
    event = _event(plan, rng, stage.now)
    event.category = stage.categories[plan.category]
    # The demo's organiser has the draft and most of the programme: there is something to manage.
    leads = rng.random() < 0.7 or plan.state == "draft"
    leader, *helpers = cast.team(rng, led_by_us=leads)
    page.events.append(event)
    page.organisers += [
        EventOrganiser(
            id=random_uuid(rng),
            event=event,
            user_id=person,
            added_by_id=leader,
            added_at=_since(event),
        )
        for person in (leader, *helpers)
    ]


def _event(plan: Plan, rng: random.Random, now: datetime) -> Event:
    tail = "".join(rng.choices(SLUG_ALPHABET, k=SLUG_RANDOM_LENGTH))
    published = min(now, plan.starts_at) - timedelta(days=rng.randint(20, 45), hours=rng.random())
    event = Event(
        id=random_uuid(rng),
        slug=f"{slugify(plan.title)[:60].strip('-')}-{tail}",
        title=plan.title,
        description=plan.description,
        starts_at=plan.starts_at,
        time_zone=plan.zone,
        duration=timedelta(minutes=plan.minutes),
        capacity=plan.capacity,
        places_taken=plan.taken,
        location=plan.location,
        online_url=f"{ONLINE_ROOM}{rng.getrandbits(40):x}" if plan.online else "",
        organiser_name=plan.organiser_name,
        contact=plan.contact,
        status=Event.Status.DRAFT if plan.state == "draft" else Event.Status.PUBLISHED,
        published_at=None if plan.state == "draft" else published,
    )
    event.starts_on = event.local_start.date()
    if plan.state == "cancelled":
        event.status = Event.Status.CANCELLED
        event.cancelled_at, event.cancellation_reason, event.revision = now, plan.reason, 1
    _latch(event, now)
    if plan.cover:
        # Written to the disk with its row.
        name = f"{rng.getrandbits(128):032x}{EXTENSION}"
        _forget_files(event.cover.field.generate_filename(event, name))
        event.cover = ContentFile(landscape(rng), name=name)
    return event


def _forget_files(name: str) -> None:
    """Make room for a cover of the same seed from an earlier database: storage would rename ours."""
    for file in (name, small_name(name)):
        default_storage.delete(file)


def _latch(event: Event, now: datetime) -> None:
    """As if the organisers had been told of the last places, so that they are not told again."""
    availability = exact_availability(event)
    if event.is_open(now) and availability.is_near_capacity:
        event.near_capacity_at = now - timedelta(hours=1)
        event.full_at = now if availability.left == 0 else None


def _since(event: Event) -> datetime:
    return event.published_at or event.starts_at - timedelta(days=30)


def _holders(plan: Plan, stage: Stage) -> Iterator[uuid.UUID]:
    """As many different people as the plan has tickets."""
    cast = stage.cast
    count = plan.taken + plan.given_back
    numbers = _shuffled(cast.size, stage.rng)
    if plan.attendee and count:
        count -= 1
        yield cast.attendee.pk
        numbers = (n for n in numbers if cast.holder(n) != cast.attendee.pk)
    for number in islice(numbers, count):
        yield cast.holder(number)


def _shuffled(count: int, rng: random.Random) -> Iterator[int]:
    """All numbers below `count`, each once, in an order drawn by chance; no list of them is kept."""
    step = rng.randrange(count) + 1
    while math.gcd(step, count) != 1:
        step = rng.randrange(count) + 1
    first = rng.randrange(count)
    return ((first + n * step) % count for n in range(count))


def _tickets(event: Event, plan: Plan, stage: Stage) -> Iterator[Ticket]:
    """Valid ones first, then those their holders gave back."""
    rng = stage.rng
    until = min(stage.now, event.starts_at)
    since = _since(event)
    window = (until - since).total_seconds() * 0.9
    for n, holder in enumerate(_holders(plan, stage)):
        booked_at = since + timedelta(seconds=rng.uniform(0, window))
        given_back = n >= plan.taken
        yield Ticket(
            id=random_uuid(rng),
            event_id=event.pk,
            holder_id=holder,
            code=f"{rng.randrange(10**CODE_LENGTH):0{CODE_LENGTH}d}",
            status=Ticket.Status.CANCELLED if given_back else Ticket.Status.VALID,
            note=rng.choice(NOTES) if rng.random() < 0.08 else "",
            booked_at=booked_at,
            cancelled_at=booked_at + (until - booked_at) / 2 if given_back else None,
        )


def _tell(page: Page, cast: Cast, now: datetime) -> None:
    """Give the demo's own accounts something in their bell and under var/mail/."""
    held = Ticket.objects.held_by(cast.attendee).valid().filter(event__in=page.events)
    for ticket in held.select_related("event", "holder"):
        if ticket.event.is_open(now):
            rows = Rows()
            booking_prepared.send(Ticket, ticket=ticket, rows=rows, now=now)
            rows.store()
    own = {row.event_id for row in page.organisers if row.user_id == cast.organiser.pk}
    for event in page.events:
        if event.is_cancelled:
            event_cancelled.send(Event, event=event, by=cast.organiser, now=now)
        if event.pk in own and event.near_capacity_at:
            signal = event_full if event.full_at else event_near_capacity
            availability = exact_availability(event)
            signal.send(Event, event_id=event.pk, availability=availability, now=now)
