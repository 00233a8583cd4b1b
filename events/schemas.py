"""What the API says of events, and what it takes (SPEC 2, 8)."""

import datetime as dt
import re
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, StrictInt

from evento.http.schemas import Input, Moment, Output, PageOutput, PageQuery, omittable
from events.availability import PublicState
from events.fields import FIRST_YEAR, LAST_YEAR
from events.finding import Period
from events.models import MAX_DURATION, Event

MINUTE = dt.timedelta(minutes=1)
MAX_MINUTES = MAX_DURATION // MINUTE
# What every engine can store.
MAX_CAPACITY = 2_147_483_647
SOMETHING = r"\S"  # other than space


def _written_day(value: Any) -> Any:
    # A number would pass for seconds since 1970.
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        raise ValueError("Write the date as year-month-day: 2026-11-24")
    return value


def _year_within_reach(moment: dt.datetime) -> dt.datetime:
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"Choose a year between {FIRST_YEAR} and {LAST_YEAR}")
    return moment


Day = Annotated[dt.date, BeforeValidator(_written_day)]

# --- What is asked ------------------------------------------------------------------------------------


class EventQuery(PageQuery):
    """Which events of the site."""

    period: Period = Field(
        Period.UPCOMING,
        description=(
            "`upcoming` and `now` (under way) come soonest first, `past` latest first. `all` is what "
            "the calendar shows: every event that has a page, the cancelled ones too."
        ),
    )
    q: str = Field(
        "", max_length=100, description="Every word, somewhere in title, text, place or category."
    )
    where: list[Literal["in-person", "online"]] = Field([], max_length=2)
    category: str = Field("", max_length=60, description="The category's slug.")
    first_day: Day = omittable(alias="from", description="By the event's own date in its own zone.")
    last_day: Day = omittable(alias="to")
    when: Literal["weekend"] = omittable(description="Saturday and Sunday of this week.")
    available: bool = Field(
        False, description="Drops events that are FULL, and those that give out no more tickets."
    )


class MyEventQuery(PageQuery):
    """Which of the events that I manage."""

    period: Period = Field(Period.ALL, description="`upcoming` and `now` come soonest first.")
    status: Literal["draft", "published", "cancelled", "archived"] = omittable(
        description="Archived events are listed only when they are asked for."
    )


# What a new event and a change of one say alike of a field.
Title = Annotated[str, Field(max_length=150, pattern=SOMETHING, examples=["Repair café"])]
Start = Annotated[
    Moment,
    AfterValidator(_year_within_reach),
    Field(
        description="With its offset. It can never change once the event is published.",
        examples=["2027-03-05T19:30:00+01:00"],
    ),
]
TimeZone = Annotated[
    str,
    Field(
        max_length=64,
        description="IANA name of the zone where the event takes place; fixed like the start.",
        examples=["Europe/Berlin"],
    ),
]
Minutes = Annotated[StrictInt, Field(ge=1, le=MAX_MINUTES, examples=[120])]
Capacity = Annotated[
    StrictInt,
    Field(
        ge=1,
        le=MAX_CAPACITY,
        description="Seen by organisers alone. It cannot fall below the places taken.",
        examples=[40],
    ),
]
Location = Annotated[
    str,
    Field(
        max_length=200,
        pattern=SOMETHING,
        description="An event with only a link says `Online`.",
        examples=["Central Library, room 4"],
    ),
]
Description = Annotated[str, Field(max_length=20_000, description="Markdown.")]
Link = Annotated[
    str,
    Field(
        max_length=500,
        description="Shown to ticket holders and organisers alone. Empty: none.",
        examples=["https://meet.example.org/repair"],
    ),
]
CategorySlug = Annotated[
    str | None,
    Field(max_length=60, description="The category's slug; null: none.", examples=["workshops"]),
]
OrganiserName = Annotated[str, Field(max_length=120, description="For the public.")]
Contact = Annotated[
    str,
    Field(max_length=200, description="For the public: an e-mail address or a link."),
]


class EventInput(Input):
    """A new event."""

    title: Title
    starts_at: Start
    time_zone: TimeZone
    duration_minutes: Minutes
    capacity: Capacity
    location: Location
    description: Description = ""
    link: Link = ""
    category: CategorySlug = None
    organiser_name: OrganiserName = ""
    contact: Contact = ""
    status: Literal["draft", "published"] = Field(
        "published", description="`draft`: only its organisers see it."
    )


class EventChanges(Input):
    """What of an event to change. What is left out stays."""

    title: Title = omittable()
    starts_at: Start = omittable()
    time_zone: TimeZone = omittable()
    duration_minutes: Minutes = omittable()
    capacity: Capacity = omittable()
    location: Location = omittable()
    description: Description = omittable()
    link: Link = omittable()
    category: CategorySlug = omittable()
    organiser_name: OrganiserName = omittable()
    contact: Contact = omittable()


class CancellationInput(Input):
    """Why an event is cancelled."""

    reason: str = Field(
        "",
        max_length=1000,
        description="Stands in the message to everybody and on the event's page.",
        examples=["The room is flooded."],
    )


# --- What is answered ---------------------------------------------------------------------------------


class CategoryOutput(Output):
    """A kind of event, kept by staff."""

    slug: str = Field(examples=["workshops"])
    name: str = Field(examples=["Workshops"])


class Categories(Output):
    items: list[CategoryOutput]


class CoverOutput(Output):
    """A picture, as WebP."""

    url: str = Field(description="1600 pixels a side at most.")
    small_url: str = Field(description="480 pixels a side at most.")


class OrganisersPart(Output):
    """What only the event's organisers and staff see."""

    capacity: int = Field(examples=[40])
    places_taken: int = Field(examples=[12])
    created_at: dt.datetime
    updated_at: dt.datetime
    published_at: dt.datetime | None
    archived_at: dt.datetime | None


class EventSummary(Output):
    """An event as lists show it."""

    slug: str = Field(
        description="Names the event in addresses.", examples=["repair-cafe-7hq2k9xb"]
    )
    url: str = Field(description="The event's page for people.")
    title: str = Field(examples=["Repair café"])
    status: Event.Status = Field(description="A draft is seen by its organisers alone.")
    cancellation_reason: str = Field(description="The organisers' words; often empty.")
    starts_at: dt.datetime = Field(examples=["2027-03-05T18:30:00Z"])
    ends_at: dt.datetime = Field(examples=["2027-03-05T20:30:00Z"])
    time_zone: str = Field(examples=["Europe/Berlin"])
    date: dt.date = Field(description="Of the start, in the event's zone.", examples=["2027-03-05"])
    time: str = Field(description="Of the start, in the event's zone.", examples=["19:30"])
    duration_minutes: int = Field(examples=[120])
    location: str = Field(examples=["Central Library, room 4"])
    is_online: bool = Field(description="Whether one can take part through a link.")
    link: str | None = Field(
        description="Null for who may not see it: it is for ticket holders and organisers."
    )
    category: CategoryOutput | None
    cover: CoverOutput | None
    organiser_name: str
    contact: str
    availability: str | None = Field(
        description=(
            "`FULL`, or `last X spaces` when fewer than 5 % are left; otherwise null, as it is for "
            "events that have started or are cancelled. More is not public."
        ),
        examples=["last 3 spaces"],
    )
    availability_state: PublicState = Field(description="The same for programs.", examples=["last"])
    spaces_left: int | None = Field(
        description="With `last` how many; otherwise null.", examples=[3]
    )
    my_ticket: UUID | None = Field(description="My valid ticket for it.")
    for_organisers: OrganisersPart | None = Field(description="Null for everybody else.")


class EventOutput(EventSummary):
    """An event."""

    description: str = Field(description="Markdown.")


class Events(PageOutput):
    items: list[EventSummary]


class OfferedEvent(Output):
    """An event, as somebody sees it who is asked to help organise it."""

    title: str
    starts_at: dt.datetime
    time_zone: str
    location: str


class MyOffer(Output):
    """An offer to help organise an event."""

    id: UUID
    event: OfferedEvent
    offered_by: str = Field(description="A name.", examples=["Ada Lovelace"])
    offered_at: dt.datetime


class MyOffers(PageOutput):
    items: list[MyOffer]
