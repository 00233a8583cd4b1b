"""What the API says of tickets and of who organises an event, and what it takes (SPEC 1, 3, 8)."""

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from evento.http.schemas import Input, Output, PageOutput, PageQuery, omittable
from events.models import Event
from tickets.models import MESSAGE_LENGTH, NOTE_LENGTH, SUBJECT_LENGTH

Note = Annotated[
    str,
    Field(
        max_length=NOTE_LENGTH,
        description="For the organisers: access needs, say. Nobody else sees it. Empty: none.",
        examples=["I come with a wheelchair."],
    ),
]


class TicketInput(Input):
    """What goes with a ticket."""

    note: Note = ""


class TicketChanges(Input):
    """What of a ticket may change."""

    note: Note


class MyTicketQuery(PageQuery):
    """Which of my tickets."""

    ahead: bool = omittable(
        description="true: those that still let me in. false: past, cancelled and void ones."
    )


class EventTicketQuery(PageQuery):
    """Which tickets of an event."""

    q: str = Field(
        "",
        max_length=100,
        description="Words of the holder's name, username or e-mail; or a whole code.",
    )
    status: Literal["valid", "cancelled"] = omittable(
        description="As the ticket itself is: void ones (the event was cancelled) are `valid`."
    )


class TicketEvent(Output):
    """The event of a ticket. More is at `/events/{slug}`, unless it is archived."""

    slug: str = Field(examples=["repair-cafe-7hq2k9xb"])
    title: str = Field(examples=["Repair café"])
    status: Event.Status
    cancellation_reason: str = Field(description="The organisers' words; often empty.")
    starts_at: dt.datetime = Field(examples=["2027-03-05T18:30:00Z"])
    ends_at: dt.datetime = Field(examples=["2027-03-05T20:30:00Z"])
    time_zone: str = Field(examples=["Europe/Berlin"])
    date: dt.date = Field(description="Of the start, in the event's zone.", examples=["2027-03-05"])
    time: str = Field(description="Of the start, in the event's zone.", examples=["19:30"])
    duration_minutes: int = Field(examples=[120])
    location: str = Field(examples=["Central Library, room 4"])


class HolderOutput(Output):
    """Whose ticket it is."""

    name: str = Field(examples=["Ada Lovelace"])
    email: str = Field(examples=["ada@example.org"])


class BarcodeOutput(Output):
    """The code as Code 128, dark on white. Fetch it with the same sign-in."""

    svg: str = Field(examples=["/api/v1/tickets/6f8f57a5-1d3c-4f5e-9a57-0f7f1a4a3f53/barcode.svg"])
    png: str = Field(examples=["/api/v1/tickets/6f8f57a5-1d3c-4f5e-9a57-0f7f1a4a3f53/barcode.png"])


class TicketOutput(Output):
    """One person's place at one event. Only its holder and the event's organisers can see it."""

    id: UUID = Field(examples=["6f8f57a5-1d3c-4f5e-9a57-0f7f1a4a3f53"])
    status: Literal["valid", "cancelled", "void"] = Field(
        description="`void`: the event was cancelled."
    )
    event: TicketEvent
    holder: HolderOutput
    code: str | None = Field(
        description="20 digits; null for a ticket that lets nobody in.",
        examples=["01234567890123456789"],
    )
    barcode: BarcodeOutput | None = Field(description="Null for a ticket that lets nobody in.")
    link: str | None = Field(
        description="Where the event is online; null for a ticket that lets nobody in."
    )
    note: Note
    booked_at: dt.datetime
    cancelled_at: dt.datetime | None


class Tickets(PageOutput):
    items: list[TicketOutput]


# --- Organisers ---------------------------------------------------------------------------------------


class OrganiserInput(Input):
    """Whom to make an organiser of the event."""

    email: str = Field(min_length=3, max_length=254, examples=["grace@example.org"])


class OrganiserOutput(Output):
    """Somebody who manages the event."""

    id: UUID = Field(description="The person's.")
    name: str = Field(examples=["Grace Hopper"])
    email: str = Field(examples=["grace@example.org"])
    added_by: str | None = Field(description="A name.", examples=["Ada Lovelace"])
    added_at: dt.datetime


class OfferOutput(Output):
    """An offer to help organise the event, open until it is accepted or withdrawn."""

    id: UUID
    email: str = Field(examples=["grace@example.org"])
    offered_by: str = Field(description="A name.", examples=["Ada Lovelace"])
    offered_at: dt.datetime


class Organisers(PageOutput):
    items: list[OrganiserOutput]


class Offers(PageOutput):
    items: list[OfferOutput]


# --- Messages -----------------------------------------------------------------------------------------

# Something that is left when the space around it is taken away.
WORDS = r"[^\s\x1c-\x1f\x85]"


class MessageInput(Input):
    """What to write, in plain text."""

    subject: str = Field(max_length=SUBJECT_LENGTH, pattern=WORDS, examples=["Bring a torch"])
    text: str = Field(max_length=MESSAGE_LENGTH, pattern=WORDS, examples=["It gets dark at six."])


class MessageOutput(Output):
    """A message that went to everybody who had a ticket then."""

    id: UUID = Field(examples=["5b6f0c5e-2f4d-4a53-9a55-6d1a5f1f6c11"])
    subject: str = Field(examples=["Bring a torch"])
    text: str = Field(examples=["It gets dark at six."])
    sent_at: dt.datetime = Field(examples=["2027-03-04T12:00:00Z"])
    sender: str | None = Field(
        description="A name; null once that account is closed.", examples=["Ada Lovelace"]
    )
    holder_count: int = Field(ge=0, description="How many people had a ticket then.", examples=[31])


class Messages(PageOutput):
    items: list[MessageOutput]
