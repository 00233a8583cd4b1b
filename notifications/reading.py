"""What the next mails say, read together shortly before they are sent."""

import time
from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.utils import translation

from accounts.models import User
from notifications import kinds
from notifications.models import EmailOptOut, OutgoingEmail

TOGETHER = 50
# For so long what was read holds, however slow the mail server is.
FRESH_SECONDS = 1.0

Letters = dict[UUID, kinds.Letter | None]


class Reader:
    """Reads the letters of a batch, the next few at once."""

    def __init__(self) -> None:
        self._letters: Letters = {}
        self._read_at = 0.0

    def letter(self, mail: OutgoingEmail, rest: Sequence[OutgoingEmail]) -> kinds.Letter | None:
        """The letter of the first mail of the `rest` of a batch; None when nobody is to get it.

        Raises KeyError for a kind that the code no longer knows.
        """
        if mail.pk not in self._letters or time.monotonic() - self._read_at > FRESH_SECONDS:
            self._read_at = time.monotonic()
            self._letters = _read_some([it for it in rest[:TOGETHER] if not it.message])
        return self._letters.pop(mail.pk)


def _read_some(mails: Sequence[OutgoingEmail]) -> Letters:
    try:
        return letters_of(mails)
    except Exception:  # noqa: BLE001 - one that cannot be read keeps no other
        return letters_of(mails[:1])


def letters_of(mails: Sequence[OutgoingEmail]) -> Letters:
    """The letters of some mails, from what is stored now; None for those that nobody is to get."""
    people = User.objects.in_bulk({mail.recipient_id for mail in mails if mail.recipient_id})
    by_kind = defaultdict(list)
    for mail in mails:
        if mail.recipient_id is not None:
            mail.recipient = people[mail.recipient_id]
        by_kind[mail.kind].append(mail)
    letters: Letters = dict.fromkeys(mail.pk for mail in mails)
    with translation.override(settings.LANGUAGE_CODE):
        for name, theirs in by_kind.items():
            kind = kinds.get(name)
            wanted = _wanted(kind, theirs)
            letters |= zip([mail.pk for mail in wanted], kind.letters(wanted), strict=True)
    return letters


def _wanted(kind: kinds.Kind, mails: list[OutgoingEmail]) -> list[OutgoingEmail]:
    """Those whose account is open and has not switched this kind off since the mail was written."""
    mails = [mail for mail in mails if mail.recipient is None or mail.recipient.is_active]
    if not kind.optional:
        return mails
    off = EmailOptOut.objects.filter(kind=kind.name, user__in=[it.recipient_id for it in mails])
    people = set(off.values_list("user_id", flat=True))
    return [mail for mail in mails if mail.recipient_id not in people]
