"""What ticket holders are told: audiences, words on the site, and what mails say.

Mails about a ticket one holds cannot be switched off, and each carries calendar data (SPEC 5). None
says anything about how full an event is.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from events import notices as event_notices
from events.models import Event
from events.notices import Said, duration_words, event_facts, said_of
from notifications import kinds
from notifications.kinds import Bell, Calendar, InlineImage, Letter, Recipient
from notifications.mail import absolute
from notifications.models import Announcement, OutgoingEmail
from tickets.barcode import barcode_png
from tickets.ics import CANCEL, REQUEST, ticket_ics
from tickets.models import HolderMessage, Ticket

BOOKED = "tickets.ticket_booked"
GIVEN_BACK = "tickets.ticket_cancelled"
CHANGED = "tickets.event_changed"
CANCELLED = "tickets.event_cancelled"
MESSAGE = "tickets.holder_message"


# No mail shows the description, which may be long.
_EVENTS = Prefetch("event", Event.objects.defer("description"))


def holders(kind: str, *, then: bool) -> kinds.Source:
    """The audience of an event's valid tickets, in key order.

    `then`: only those who held one when the cause came true. After a cancellation nobody can book,
    and somebody who booked while it waited for its lock must not be left out.
    """

    def source(announcement: Announcement, after: str, limit: int) -> list[Recipient]:
        tickets = Ticket.objects.valid().filter(event=announcement.about, holder__is_active=True)
        if then:
            # Who booked at a time that is still to come did so before the clock was set back.
            held = Q(booked_at__lte=announcement.caused_at) | Q(booked_at__gt=timezone.now())
            tickets = tickets.filter(held)
        if after:
            tickets = tickets.filter(pk__gt=UUID(after))
        found = tickets.select_related("holder").order_by("pk")[:limit]
        return [
            Recipient(
                user_id=ticket.holder_id,
                address=ticket.holder.email,
                cursor=str(ticket.pk),
                kind=kind,
                context={"ticket": str(ticket.pk)},
                url=ticket.get_absolute_url(),
            )
            for ticket in found
        ]

    return source


def _of_tickets(letter: Callable[[OutgoingEmail, Ticket], Letter | None]) -> kinds.Letters:
    """Letters to holders about their tickets, which are loaded together."""

    def letters(mails: Sequence[OutgoingEmail]) -> list[Letter | None]:
        tickets = _tickets_of(mails)
        return [letter(mail, tickets[mail.pk]) if mail.pk in tickets else None for mail in mails]

    return letters


def _tickets_of(mails: Sequence[OutgoingEmail]) -> dict[UUID, Ticket]:
    """The ticket of each mail's reader that it is about, by the mail's id, with event and holder."""
    wanted = [mail.context["ticket"] for mail in mails]
    found = {it.pk: it for it in Ticket.objects.filter(pk__in=wanted).prefetch_related(_EVENTS)}
    tickets = {}
    for mail in mails:
        ticket = found.get(UUID(mail.context["ticket"]))
        if ticket and mail.recipient and ticket.holder_id == mail.recipient_id:
            ticket.holder = mail.recipient
            tickets[mail.pk] = ticket
    return tickets


def _letter(ticket: Ticket, method: str) -> Letter:
    calendar = Calendar(method, ticket_ics(ticket, method=method))
    return Letter(said_of(ticket.event), event_facts, _own(ticket), calendar=calendar)


def _own(ticket: Ticket) -> dict[str, str]:
    return {"ticket_url": absolute(ticket.get_absolute_url())}


def _booked_bell(context: dict[str, Any]) -> Bell:
    return Bell(_("You have a ticket for “%(title)s”.") % context)


def _booked_letter(_mail: OutgoingEmail, ticket: Ticket) -> Letter | None:
    if not ticket.admits:
        return None
    codes = {"ticket.code": ticket.code, "ticket.code_in_groups": ticket.code_in_groups}
    letter = _letter(ticket, REQUEST)
    barcode = InlineImage("barcode", barcode_png(ticket.code))
    return replace(letter, own={**letter.own, **codes}, images=[barcode])


def _given_back_bell(context: dict[str, Any]) -> Bell:
    return Bell(_("You cancelled your ticket for “%(title)s”.") % context)


def _given_back_letter(_mail: OutgoingEmail, ticket: Ticket) -> Letter | None:
    if ticket.is_valid:
        return None
    return _letter(ticket, CANCEL)


def _changed_bell(context: dict[str, Any]) -> Bell:
    text = _("“%(title)s” has changed.") % context
    return Bell(text, " ".join(change_lines(context["changes"])))


def _changed_letter(mail: OutgoingEmail, ticket: Ticket) -> Letter | None:
    if not ticket.admits:
        return None
    lines = tuple(change_lines(mail.context["changes"]))
    shared = (said_of(ticket.event), lines)
    return replace(_letter(ticket, REQUEST), shared=shared, variables=_changed_facts)


def _changed_facts(shared: tuple[Said, tuple[str, ...]]) -> dict[str, Any]:
    said, lines = shared
    return {**event_facts(said), "changes": lines}


def change_context(changes: dict[str, tuple[Any, Any]]) -> dict[str, Any]:
    """What changed, as a notice keeps it. Not the online link itself: it is for valid tickets alone,
    and a notice stays when its ticket is given back.
    """
    kept: dict[str, Any] = {}
    for name, (old, new) in changes.items():
        if name == "location":
            kept[name] = [old, new]
        elif name == "duration":
            kept[name] = [old.total_seconds(), new.total_seconds()]
        else:
            kept[name] = bool(new)
    return kept


def change_lines(changes: dict[str, Any]) -> list[str]:
    """What changed, in sentences."""
    lines = []
    if "location" in changes:
        old, new = changes["location"]
        lines.append(_("The place is now %(new)s (it was %(old)s).") % {"new": new, "old": old})
    if "duration" in changes:
        old, new = (duration_words(timedelta(seconds=n)) for n in changes["duration"])
        lines.append(_("It now lasts %(new)s (it was %(old)s).") % {"new": new, "old": old})
    if "online_url" in changes:
        has_link = changes["online_url"]
        lines.append(
            _("The online link is new.") if has_link else _("There is no online link now.")
        )
    return lines


def _cancelled_bell(context: dict[str, Any]) -> Bell:
    text = _("“%(title)s” was cancelled. Your ticket is no longer valid.")
    return Bell(text % context, context.get("reason", ""))


def _cancelled_letter(_mail: OutgoingEmail, ticket: Ticket) -> Letter | None:
    if not ticket.is_void:
        return None
    return _letter(ticket, CANCEL)


def _message_bell(context: dict[str, Any]) -> Bell:
    return Bell(_("“%(title)s”: %(subject)s") % context, context["text"])


def _message_letters(mails: Sequence[OutgoingEmail]) -> list[Letter | None]:
    """Without calendar data: nothing about the ticket is another now."""
    messages = HolderMessage.objects.in_bulk([mail.context["message"] for mail in mails])

    def letter(mail: OutgoingEmail, ticket: Ticket) -> Letter | None:
        message = messages.get(UUID(mail.context["message"]))
        if message is None or not ticket.is_valid:
            return None
        shared = (said_of(ticket.event), message.subject, message.text)
        return Letter(shared, _message_facts, _own(ticket))

    return _of_tickets(letter)(mails)


def _message_facts(shared: tuple[Said, str, str]) -> dict[str, Any]:
    said, subject, text = shared
    return {**event_facts(said), "message": {"subject": subject, "text": text}}


def register() -> None:
    """Make these kinds known; called once, when the app is ready."""
    kinds.register(
        kinds.Kind(
            BOOKED,
            gettext_lazy("I get a ticket"),
            letters=_of_tickets(_booked_letter),
            bell=_booked_bell,
            icon="ticket",
        )
    )
    kinds.register(
        kinds.Kind(
            GIVEN_BACK,
            gettext_lazy("I cancel a ticket"),
            letters=_of_tickets(_given_back_letter),
            bell=_given_back_bell,
            icon="close",
        )
    )
    kinds.register(
        kinds.Kind(
            CHANGED,
            gettext_lazy("An event I have a ticket for changes"),
            letters=_of_tickets(_changed_letter),
            bell=_changed_bell,
            icon="edit",
            audience=holders(CHANGED, then=True),
        )
    )
    kinds.register(
        kinds.Kind(
            CANCELLED,
            gettext_lazy("An event I have a ticket for is cancelled"),
            letters=_of_tickets(_cancelled_letter),
            bell=_cancelled_bell,
            icon="warning",
            # Holders first: who organises it too gets the one mail that mends their calendar.
            audience=kinds.in_turn(
                holders(CANCELLED, then=False), event_notices.organisers(event_notices.CANCELLED)
            ),
        )
    )
    kinds.register(
        kinds.Kind(
            MESSAGE,
            gettext_lazy("Organisers write to everybody with a ticket for their event"),
            letters=_message_letters,
            bell=_message_bell,
            icon="mail",
            optional=True,
            audience=holders(MESSAGE, then=True),
        )
    )
