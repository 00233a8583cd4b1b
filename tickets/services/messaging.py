"""Writing to everybody with a ticket for an event (SPEC 5): limited and recorded."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from evento.database import retry_conflicts
from evento.refusals import Refusal
from events.models import Event
from events.services import lock_event
from tickets.models import HolderMessage
from tickets.signals import holders_messaged

MESSAGES_A_DAY = 5
DAY = timedelta(days=1)
# For thanks and lost umbrellas. After that, a ticket is no longer a reason to be written to.
OPEN_AFTER_END = timedelta(days=14)


@dataclass(frozen=True)
class Sending:
    """The message, and whether this request sent it."""

    message: HolderMessage
    created: bool


def messaging_refusal(event: Event, now: datetime) -> Refusal | None:
    """Why nobody can write to the holders of `event` as it is loaded, or None; page and service ask alike.

    For its organisers alone: it tells whether anybody has a ticket.
    """
    if event.is_draft:
        return Refusal("not_published", _("This is a draft, so nobody has a ticket yet."))
    if event.is_cancelled:
        return Refusal(
            "event_cancelled", _("This event was cancelled. Everybody was told when that happened.")
        )
    if event.archived_at is not None or event.ends_at + OPEN_AFTER_END <= now:
        return Refusal("event_ended", _("This event is over, so its messages are closed."))
    if event.places_taken == 0:
        return Refusal("no_holders", _("Nobody has a ticket, so there is nobody to write to."))
    return None


def messages_left(event: Event, now: datetime) -> int:
    """How many messages may still be sent for `event` within the day that ends now."""
    return max(0, MESSAGES_A_DAY - _of_the_day(event, now).count())


@retry_conflicts
def send_message(
    event: Event, *, subject: str, text: str, by: User, now: datetime | None = None
) -> Sending:
    """Write to everybody who holds a valid ticket for `event`, by mail and on the site; keep a record.

    The same words again within a day are taken for a second click: they lead to the same message and
    nobody is told twice. Sends holders_messaged. Raises Refusal `too_many_messages` (429) beyond
    MESSAGES_A_DAY for one event, or as `messaging_refusal`; ValidationError when a text is missing or
    too long.
    """
    now = now or timezone.now()
    with transaction.atomic():
        stored = lock_event(event.pk)  # nobody else counts or sends meanwhile
        message = HolderMessage(
            event=stored,
            sender=by,
            subject=" ".join(subject.split()),
            text=text.replace("\r\n", "\n").strip(),
            holder_count=stored.places_taken,
            sent_at=now,
        )
        message.clean_fields(exclude=["event", "sender"])
        same = _of_the_day(stored, now).filter(subject=message.subject, text=message.text).first()
        if same is not None:
            return Sending(same, created=False)
        refusal = messaging_refusal(stored, now) or _too_many(stored, now)
        if refusal is not None:
            raise refusal
        message.save(force_insert=True)
        holders_messaged.send(HolderMessage, message=message, now=now)
    return Sending(message, created=True)


def _of_the_day(event: Event, now: datetime) -> QuerySet[HolderMessage]:
    return HolderMessage.objects.filter(event=event, sent_at__gt=now - DAY)


def _too_many(event: Event, now: datetime) -> Refusal | None:
    sent = list(_of_the_day(event, now).values_list("sent_at", flat=True)[:MESSAGES_A_DAY])
    if len(sent) < MESSAGES_A_DAY:
        return None
    return Refusal(
        "too_many_messages",
        _("You can write to an event’s holders %(limit)d times a day. Try again later.")
        % {"limit": MESSAGES_A_DAY},
        status=429,
        retry_after=sent[-1] + DAY - now,
    )
