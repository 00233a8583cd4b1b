"""What organisers write to everybody with a ticket (SPEC 5)."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Status

from evento.http.pagination import keyset_page
from evento.http.routing import Router, refuses
from evento.http.schemas import PageQuery, page_of
from events.api import managed_event, person
from events.history import note_change
from tickets.models import HolderMessage
from tickets.schemas import MessageInput, MessageOutput, Messages
from tickets.services import send_message as send

router = Router(tags=["Messages"])


@router.post(
    "/events/{slug:slug}/messages",
    response={200: MessageOutput, 201: MessageOutput},
    summary="Write to everybody with a ticket",
    openapi_extra=refuses("not_published", "event_cancelled", "event_ended", "no_holders"),
)
def send_message(request: HttpRequest, slug: str, asked: MessageInput) -> Status:
    """Write to everybody who holds a ticket for an event that I manage, by e-mail and on the site: 201.

    The same words again within a day are taken for a second click: 200 with the same message, and nobody is
    told twice. Beyond five messages a day for one event: 429 `too_many_messages`.
    """
    event = managed_event(request, slug)
    sent = send(event, subject=asked.subject, text=asked.text, by=person(request))
    if sent.created:
        said = _("Wrote to holders: “%(subject)s”.") % {"subject": sent.message.subject}
        note_change(event, person(request), said)
    return Status(201 if sent.created else 200, _shown(sent.message))


@router.get("/events/{slug:slug}/messages", response=Messages, summary="List an event's messages")
def list_messages(request: HttpRequest, slug: str, asked: Query[PageQuery]) -> dict[str, Any]:
    """What was written to the holders of an event that I manage, by whichever organiser; newest first."""
    page = keyset_page(
        managed_event(request, slug).messages.select_related("sender"),
        fields=["sent_at", "id"],
        newest_first=True,
        cursor=asked.cursor,
        size=asked.limit,
    )
    return page_of(page, [_shown(message) for message in page.rows])


def _shown(message: HolderMessage) -> dict[str, Any]:
    return {
        "id": message.pk,
        "subject": message.subject,
        "text": message.text,
        "sent_at": message.sent_at,
        "sender": message.sender.name if message.sender.is_active else None,
        "holder_count": message.holder_count,
    }
