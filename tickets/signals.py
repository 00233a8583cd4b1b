"""What tickets announce: sent by tickets.services inside the transaction that made it true."""

from django.dispatch import Signal

# A ticket is about to be stored, if there is a place and its holder has none yet. Arguments: ticket (with its
# event and holder), rows, now. What a receiver adds to `rows` is stored with the ticket or not at all; it
# writes nothing itself, because nothing would undo that.
booking_prepared = Signal()

# A holder gave a place back, or closed their account. Arguments: ticket, now.
# Not sent when the event is cancelled: then every ticket is void because the event is.
ticket_cancelled = Signal()

# An organiser wrote to everybody with a ticket for their event. Arguments: message (with its event and
# sender), now. Not sent when the same message comes again (`send_message`).
holders_messaged = Signal()
