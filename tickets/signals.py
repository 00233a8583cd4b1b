"""What tickets announce: sent by tickets.services inside the transaction that made it true."""

from django.dispatch import Signal

# A person took a place. Arguments: ticket (with its event and holder), now.
# Not sent when the person already held a ticket.
ticket_booked = Signal()

# A holder gave a place back, or closed their account. Arguments: ticket, now.
# Not sent when the event is cancelled: then every ticket is void because the event is.
ticket_cancelled = Signal()

# An organiser wrote to everybody with a ticket for their event. Arguments: message (with its event and
# sender), now. Not sent when the same message comes again (`send_message`).
holders_messaged = Signal()
