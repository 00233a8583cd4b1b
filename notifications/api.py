"""My notices, for programs: the bell, and which kinds also come by e-mail."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Status
from pydantic import Field, StrictBool

from accounts.models import User
from evento.http.pagination import keyset_page
from evento.http.routing import Router, refuses
from evento.http.schemas import Input, Output, PageOutput, PageQuery, page_of
from notifications import kinds, services
from notifications.mail import absolute
from notifications.models import Notification

router = Router(tags=["Notifications"])


class NotificationOutput(Output):
    """One notice, in the words of the site."""

    id: UUID = Field(examples=["0b9f8f0e-54c4-4e0e-8f0a-2f5f3b7c9d11"])
    kind: str = Field(description="`<app>.<name>`.", examples=["tickets.ticket_booked"])
    text: str = Field(description="One line.", examples=["You have a ticket for “Repair café”."])
    words: str = Field(description="What organisers or others wrote, or empty.", examples=[""])
    link: str | None = Field(
        description="The page that it is about.",
        examples=["https://evento.example/tickets/8c0e2c1e-6a4c-4a52-9d1e-0f0a8c1d2e3f/"],
    )
    ticket_id: UUID | None = Field(
        description="The ticket that it is about.",
        examples=["8c0e2c1e-6a4c-4a52-9d1e-0f0a8c1d2e3f"],
    )
    created_at: datetime = Field(examples=["2026-11-21T19:30:00Z"])
    read_at: datetime | None = Field(description="Null: unread.", examples=[None])


class NotificationPage(PageOutput):
    items: list[NotificationOutput]


class NotificationQuery(PageQuery):
    """Which of my notices."""

    unread: bool = Field(False, description="Only those that I have not read.")


class UnreadOutput(Output):
    unread_count: int = Field(
        ge=0,
        le=services.COUNTED_UP_TO,
        description=f"Counted up to {services.COUNTED_UP_TO}.",
        examples=[3],
    )


class ChoiceInput(Input):
    email: StrictBool = Field(description="Whether it also comes by e-mail.", examples=[False])


class ChoiceOutput(Output):
    """One kind of notice, and whether it also comes by e-mail."""

    kind: str = Field(description="`<app>.<name>`.", examples=["tickets.holder_message"])
    label: str = Field(examples=["Organisers write to everybody with a ticket for their event"])
    email: bool = Field(examples=[True])
    optional: bool = Field(description="Whether its e-mails can be switched off.", examples=[True])


class ChoicesOutput(Output):
    items: list[ChoiceOutput]


@router.get("/notifications", response=NotificationPage, summary="List my notices")
def list_notifications(request: HttpRequest, asked: Query[NotificationQuery]) -> dict[str, Any]:
    """Newest first. Reading the list marks nothing as read."""
    mine = Notification.objects.filter(recipient=_me(request))
    if asked.unread:
        mine = mine.filter(read_at=None)
    page = keyset_page(
        mine,
        fields=("created_at", "id"),
        newest_first=True,
        cursor=asked.cursor,
        size=asked.limit,
    )
    return page_of(page, [_shown(notice) for notice in page.rows])


@router.get("/notifications/unread-count", response=UnreadOutput, summary="Count my unread notices")
def count_unread_notifications(request: HttpRequest) -> dict[str, int]:
    """What the bell shows."""
    return {"unread_count": services.unread_count(_me(request))}


@router.post(
    "/notifications/{uuid:notification_id}/read",
    response=NotificationOutput,
    summary="Mark a notice as read",
)
def mark_notification_read(request: HttpRequest, notification_id: UUID) -> dict[str, Any]:
    """Twice is quiet: `read_at` stays."""
    person = _me(request)
    notice = get_object_or_404(Notification, pk=notification_id, recipient=person)
    services.mark_read(notice, by=person)
    notice.refresh_from_db(fields=["read_at"])
    return _shown(notice)


@router.post("/notifications/read-all", response={204: None}, summary="Mark all notices as read")
def mark_all_notifications_read(request: HttpRequest) -> Status:
    """All of mine, also those that no page has shown yet."""
    services.mark_all_read(_me(request))
    return Status(204, None)


@router.get("/notifications/preferences", response=ChoicesOutput, summary="List my e-mail choices")
def list_notification_preferences(request: HttpRequest) -> dict[str, Any]:
    """Each kind of notice, and whether it also comes by e-mail. The site shows all of them."""
    unwanted = set(_me(request).email_opt_outs.values_list("kind", flat=True))
    return {"items": list(_choices([*kinds.mandatory_kinds(), *kinds.optional_kinds()], unwanted))}


@router.put(
    "/notifications/preferences/{kind}",
    response=ChoiceOutput,
    summary="Choose e-mails of a kind",
    openapi_extra=refuses("kind_not_optional"),
)
def choose_notification_emails(
    request: HttpRequest, kind: str, asked: ChoiceInput
) -> dict[str, Any]:
    """Switch the e-mails of an optional kind on or off. Those about a ticket one holds are always sent."""
    found = kinds.find(kind)
    if found is None or found.bell is None:
        raise Http404
    choose = services.opt_in if asked.email else services.opt_out
    choose(_me(request), kind=found.name)
    [choice] = _choices([found], set() if asked.email else {found.name})
    return choice


def _me(request: HttpRequest) -> User:
    return cast("User", request.user)


def _choices(chosen: Iterable[kinds.Kind], unwanted: set[str]) -> Iterable[dict[str, Any]]:
    for kind in chosen:
        yield {
            "kind": kind.name,
            "label": str(kind.label),
            "email": kind.name not in unwanted,
            "optional": kind.optional,
        }


def _shown(notice: Notification) -> dict[str, Any]:
    bell = kinds.bell_of(notice)
    return {
        "id": notice.pk,
        "kind": notice.kind,
        "text": str(bell.text),
        "words": bell.words,
        "link": absolute(notice.url) if notice.url else None,
        "ticket_id": notice.context.get("ticket"),
        "created_at": notice.created_at,
        "read_at": notice.read_at,
    }
