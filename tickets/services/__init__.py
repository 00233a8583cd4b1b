"""Every change of state of tickets, one verb each. Faces and receivers call nothing else."""

from tickets.services.booking import Booking, book_ticket, booking_refusal, change_note
from tickets.services.cancelling import cancel_ticket, give_back_tickets
from tickets.services.promoting import promote_organiser

__all__ = [
    "Booking",
    "book_ticket",
    "booking_refusal",
    "cancel_ticket",
    "change_note",
    "give_back_tickets",
    "promote_organiser",
]
