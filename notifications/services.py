"""Every change of state of notices and the outbox. Receivers call these inside their transaction."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from evento.refusals import Refusal
from evento.statements import Rows, bound, execute
from notifications import kinds, sender
from notifications.models import Announcement, EmailOptOut, Notification, OutgoingEmail

# A bell shows no more than this, so the count need not go further.
COUNTED_UP_TO = 100
# Every page of who is signed in asks this, and Django takes longer to put it together than to ask it.
_UNREAD = f"""
    SELECT COUNT(*) FROM (
        SELECT 1 FROM notifications_notification WHERE recipient_id = %s AND read_at IS NULL
        LIMIT {COUNTED_UP_TO}
    ) unread
"""  # noqa: S608
ACCOUNT_MAIL = "accounts.mail"


def tell(
    recipient: User,
    *,
    kind: str,
    key: str,
    context: dict[str, Any],
    url: str = "",
) -> None:
    """Write one notice for one person: for the bell and, unless switched off, as a mail.

    `key` names the cause: a second notice with it is not written (SPEC 5 "no duplicates").
    `context` holds ids and the organisers' words, never a code or token.
    """
    notice_rows(recipient, kind=kind, key=key, context=context, url=url).store()


def notice_rows(recipient: User, *, kind: str, key: str, context: dict[str, Any], url: str) -> Rows:
    """What `tell` writes, for whoever stores it together with what causes it."""
    told = {"recipient_id": recipient.pk, "kind": kind, "key": key, "context": context}
    rows = Rows()
    rows.add_new(Notification, told | {"url": url}, ignore_conflicts=True)
    if wants_mail(recipient.pk, kind):
        mail = told | {"address": recipient.email}
        rows.add_new(OutgoingEmail, mail, ignore_conflicts=True)
        rows.on_stored(_send_soon)
    return rows


def announce(kind: str, *, about: UUID, context: dict[str, Any], caused_at: datetime) -> None:
    """Write one announcement, whoever many it concerns; the worker expands it (SPEC 5).

    The audience is who it concerned when the cause came true. Its transaction may have waited for a
    lock while somebody booked, so a moment later than the caller's `caused_at` counts.
    """
    Announcement.objects.create(
        kind=kinds.get(kind).name,
        about=about,
        context=context,
        caused_at=max(caused_at, timezone.now()),
    )
    _send_soon()


def mail_address(address: str, *, kind: str, key: str, context: dict[str, Any]) -> None:
    """Write one mail to somebody who may have no account. A second one with `key` is not written."""
    mail = OutgoingEmail(address=address, kind=kinds.get(kind).name, key=key, context=context)
    OutgoingEmail.objects.bulk_create([mail], ignore_conflicts=True)
    _send_soon()


def queue_rendered(address: str, message: bytes) -> None:
    """Write a mail that is rendered already (allauth's). Its text is emptied once it is sent.

    It is tied to the person whose address it is, so that closing the account clears it.
    """
    recipient = User.objects.filter(
        Q(email__iexact=address) | Q(emailaddress__email__iexact=address)
    ).first()
    mail = OutgoingEmail(recipient=recipient, address=address, kind=ACCOUNT_MAIL, message=message)
    mail.key = f"{ACCOUNT_MAIL}:{mail.pk}"
    mail.save(force_insert=True)
    _send_soon()


def unread_count(user: User) -> int:
    """How many notices `user` has not read, counted up to what the bell can show."""
    found = execute(_UNREAD, [bound(Notification, "recipient_id", user.pk)])
    return found[0] if found else 0


def mark_read(notification: Notification, *, by: User, now: datetime | None = None) -> None:
    """Mark one notice as read; twice is quiet. Somebody else's is a Refusal `not_found`."""
    if notification.recipient_id != by.pk:
        raise Refusal("not_found", _("There is no such notice."), status=404)
    unread = Notification.objects.filter(pk=notification.pk, read_at=None)
    unread.update(read_at=now or timezone.now())


def mark_all_read(user: User, *, now: datetime | None = None) -> None:
    """Mark all notices of `user` as read."""
    unread = Notification.objects.filter(recipient=user, read_at=None)
    unread.update(read_at=now or timezone.now())


def wants_mail(user_id: UUID, kind: str) -> bool:
    """Whether this kind is mailed to this person: mandatory kinds always are (SPEC 5)."""
    if not kinds.get(kind).optional:
        return True
    return not EmailOptOut.objects.filter(user_id=user_id, kind=kind).exists()


def opt_out(user: User, *, kind: str) -> None:
    """No more mail of an optional kind; twice is quiet. Raises Refusal `kind_not_optional`."""
    found = kinds.find(kind)
    if found is None or not found.optional:
        raise Refusal("kind_not_optional", _("E-mails about your tickets are always sent."))
    EmailOptOut.objects.bulk_create([EmailOptOut(user=user, kind=kind)], ignore_conflicts=True)


def opt_in(user: User, *, kind: str) -> None:
    """Mail of this kind again; twice is quiet."""
    EmailOptOut.objects.filter(user=user, kind=kind).delete()


@transaction.atomic
def set_preferences(user: User, *, wanted: set[str]) -> None:
    """Of the optional kinds, mail those in `wanted` and no other."""
    for kind in kinds.optional_kinds():
        if kind.name in wanted:
            opt_in(user, kind=kind.name)
        else:
            opt_out(user, kind=kind.name)


def unpark(mail: OutgoingEmail, *, now: datetime | None = None) -> bool:
    """Send a parked mail again, from its first attempt on. Whether it was (still) parked."""
    parked = OutgoingEmail.objects.filter(pk=mail.pk, state=OutgoingEmail.State.PARKED)
    unparked = parked.update(
        state=OutgoingEmail.State.QUEUED, attempts=0, next_attempt_at=now or timezone.now()
    )
    _send_soon()
    return bool(unparked)


def forget_person(user: User) -> None:
    """Keep nothing of a closing account: its notices and choices go, its mails lose address and words.

    Mails that wait are not sent any more. Each app whose receiver may write notices while an account
    closes calls this after its own part, because nobody knows which receiver is the last.
    """
    Notification.objects.filter(recipient=user).delete()
    EmailOptOut.objects.filter(user=user).delete()
    done = (OutgoingEmail.State.SENT, OutgoingEmail.State.DROPPED)
    for whose in ({"recipient": user}, {"recipient": None, "address__iexact": user.email}):
        mails = OutgoingEmail.objects.filter(**whose)
        mails.exclude(state__in=done).delete()
        mails.update(address="", context={}, message=b"", last_error="")


def _send_soon() -> None:
    """Without a worker beside it (`NOTIFICATIONS_SEND=on_commit`), send right after the commit."""
    if settings.NOTIFICATIONS_SEND == "on_commit":
        transaction.on_commit(sender.drain, robust=True)
