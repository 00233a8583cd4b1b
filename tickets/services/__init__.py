"""Every change of state of tickets, one verb each. Faces and receivers call nothing else."""

from tickets.services.audit import Difference, differing_places, fix_places
from tickets.services.booking import Booking, book_ticket, booking_refusal, change_note
from tickets.services.cancelling import cancel_ticket, give_back_tickets
from tickets.services.messaging import (
    Sending,
    messages_left,
    messaging_refusal,
    send_message,
)
from tickets.services.promoting import promote_organiser

__all__ = [
    "Booking",
    "Difference",
    "Sending",
    "book_ticket",
    "booking_refusal",
    "cancel_ticket",
    "change_note",
    "differing_places",
    "fix_places",
    "give_back_tickets",
    "messages_left",
    "messaging_refusal",
    "promote_organiser",
    "send_message",
]
