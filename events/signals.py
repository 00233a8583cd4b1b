"""What events announce: sent by events.services inside the transaction that made it true."""

from django.dispatch import Signal

# A draft became public, or an event was created as published. Arguments: event, by (User or None), now.
event_published = Signal()

# Place, link or duration of a published event that has not ended was changed; once per save, after
# the revision went up. Arguments: event, changes ({field: (old, new)}), by (User or None), now.
event_changed = Signal()

# A published event was cancelled; all its tickets are void from here on.
# Arguments: event, by (User or None for a command), now.
event_cancelled = Signal()

# What everybody may know of an event is another now: it was published, cancelled or archived, a public
# field was edited, or the public word on fullness came, changed or went. Never sent for a booking that
# changes nothing public (SPEC 2 "the secrecy rule"). Arguments: event_id, now.
public_state_changed = Signal()

# The last places are going (SPEC 2 "Near capacity"), latched. For organisers only.
# Arguments: event_id, availability (exact), now.
event_near_capacity = Signal()

# The last place is taken, latched. For organisers only. Arguments: event_id, availability, now.
event_full = Signal()

# A person became an organiser of one event. Arguments: event, user, by (User or None), now.
organiser_added = Signal()

# An address was offered to help organise; whether it has an account is not known here.
# Arguments: offer, now.
organiser_offered = Signal()
