"""What tickets tell their holders, and what closing accounts leave behind. Receivers write rows only."""

from datetime import datetime
from typing import Any

from accounts.models import User
from evento.statements import Rows
from events.models import Event
from events.notices import event_context
from notifications.services import announce, forget_person, notice_rows
from tickets import notices
from tickets.models import HolderMessage, Ticket
from tickets.services import give_back_tickets


def tell_booked(sender: Any, *, ticket: Ticket, rows: Rows, **kwargs: Any) -> None:
    rows.extend(_notice_rows(notices.BOOKED, ticket))


def tell_given_back(sender: Any, *, ticket: Ticket, **kwargs: Any) -> None:
    _notice_rows(notices.GIVEN_BACK, ticket).store()


def announce_change(
    sender: Any, *, event: Event, changes: dict[str, tuple[Any, Any]], now: datetime, **kwargs: Any
) -> None:
    announce(
        notices.CHANGED,
        about=event.pk,
        context={**event_context(event), "changes": notices.change_context(changes)},
        caused_at=now,
    )


def announce_cancellation(
    sender: Any, *, event: Event, by: User | None, now: datetime, **kwargs: Any
) -> None:
    announce(
        notices.CANCELLED,
        about=event.pk,
        context={
            **event_context(event),
            "reason": event.cancellation_reason,
            "by": None if by is None else str(by.pk),
        },
        caused_at=now,
    )


def announce_message(sender: Any, *, message: HolderMessage, now: datetime, **kwargs: Any) -> None:
    announce(
        notices.MESSAGE,
        about=message.event_id,
        context={
            **event_context(message.event),
            "message": str(message.pk),
            "subject": message.subject,
            "text": message.text,
        },
        caused_at=now,
    )


def give_back_closing_account(sender: Any, *, user: User, now: datetime, **kwargs: Any) -> None:
    """Places at events ahead are free again; past tickets stay and count (SPEC 1)."""
    give_back_tickets(user, now=now)
    forget_person(user)  # giving tickets back has just told them


def give_personal_data(
    sender: Any, *, user: User, **kwargs: Any
) -> tuple[str, list[dict[str, Any]]]:
    tickets = Ticket.objects.held_by(user).order_by("booked_at")
    return "tickets", list(
        tickets.values(
            "event__title",
            "event__starts_at",
            "code",
            "status",
            "note",
            "booked_at",
            "cancelled_at",
        )
    )


def give_sent_messages(sender: Any, *, user: User, **kwargs: Any) -> tuple[str, list[Any]]:
    """They stay when the account closes: they are part of the event, and people were told them."""
    messages = HolderMessage.objects.filter(sender=user).order_by("sent_at")
    return "messages_to_holders", list(
        messages.values("event__title", "subject", "text", "sent_at")
    )


def _notice_rows(kind: str, ticket: Ticket) -> Rows:
    return notice_rows(
        ticket.holder,
        kind=kind,
        key=f"{kind}:{ticket.pk}",
        context={"ticket": str(ticket.pk), **event_context(ticket.event)},
        url=ticket.get_absolute_url(),
    )
