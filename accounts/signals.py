"""What accounts announce. Both are sent inside the transaction by accounts.services."""

from django.dispatch import Signal

# Sent by close_account before the account is scrubbed. Arguments: user, now.
# A receiver may refuse by raising evento.refusals.Refusal: then nothing is changed.
account_closing = Signal()

# Sent by export_personal_data. Arguments: user.
# Each receiver returns (section name, JSON-serialisable data) with what it keeps about the person.
personal_data_requested = Signal()
