"""Taking, seeing and cancelling a ticket; an event's tickets for its organisers (SPEC 3)."""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from ninja import Query, Status
from ninja.decorators import decorate_view

from evento.http.auth import session_key
from evento.http.pagination import keyset_page
from evento.http.routing import Router, refuses
from evento.http.schemas import page_of
from events.answers import when
from events.api import managed_event, person
from events.finding import public_event_or_404
from tickets import services
from tickets.arrivals import api_arrival
from tickets.barcode import barcode_png, barcode_svg
from tickets.models import Ticket
from tickets.permissions import is_holder
from tickets.schemas import (
    EventTicketQuery,
    MyTicketQuery,
    TicketChanges,
    TicketInput,
    TicketOutput,
    Tickets,
)

router = Router(tags=["Tickets"])


def _kept_nowhere(run: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Tickets are secrets of their holders: nothing on the way keeps a copy."""

    @wraps(run)
    def answering(*args: Any, **kwargs: Any) -> HttpResponse:
        response = run(*args, **kwargs)
        if response.status_code < 400:
            response["Cache-Control"] = "private, no-store"
        return response

    return answering


def _arriving(run: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """One statement instead of three: on the day the tickets open everybody asks this."""

    @wraps(run)
    def running(request: HttpRequest, slug: str, **kwargs: Any) -> HttpResponse:
        with api_arrival(session_key(request), slug):
            return run(request, slug=slug, **kwargs)

    return running


private = decorate_view(_kept_nowhere)
arriving = decorate_view(_arriving)

NEWEST_FIRST = ("booked_at", "id")


def _picture(content_type: str) -> dict[str, Any]:
    schema = {"type": "string", "format": "binary"}
    return {"responses": {200: {"content": {content_type: {"schema": schema}}}}}


@router.post(
    "/events/{slug:slug}/ticket",
    response={200: TicketOutput, 201: TicketOutput},
    summary="Take a ticket",
    openapi_extra=refuses("event_full", "event_started", "event_cancelled"),
)
@arriving
@private
def book_ticket(
    request: HttpRequest, response: HttpResponse, slug: str, asked: TicketInput | None = None
) -> Status:
    """Take my one ticket for a published event that has not started and has space; no body is needed.

    201 with the new ticket. Asking again is no error: 200 with the same ticket.
    """
    event = public_event_or_404(slug)
    booking = services.book_ticket(event, holder=person(request), note=asked.note if asked else "")
    booking.ticket.event, booking.ticket.holder = event, person(request)
    response["Location"] = _address(booking.ticket)
    return Status(201 if booking.created else 200, _shown(booking.ticket))


@router.get("/tickets", response=Tickets, summary="List my tickets")
@private
def list_tickets(request: HttpRequest, asked: Query[MyTicketQuery]) -> dict[str, Any]:
    """My tickets, those taken last first."""
    mine = Ticket.objects.held_by(person(request)).select_related("event", "holder")
    mine = mine.defer("event__description")
    if asked.ahead is not None:
        mine = mine.with_ahead(timezone.now()).filter(ahead=asked.ahead)
    page = keyset_page(
        mine, fields=NEWEST_FIRST, newest_first=True, cursor=asked.cursor, size=asked.limit
    )
    return page_of(page, [_shown(ticket) for ticket in page.rows])


@router.get("/tickets/{uuid:ticket_id}", response=TicketOutput, summary="Get a ticket")
@private
def get_ticket(request: HttpRequest, ticket_id: UUID) -> TicketOutput:
    """One of my tickets, or of those of an event that I manage."""
    return _shown(_visible_ticket(request, ticket_id))


@router.patch(
    "/tickets/{uuid:ticket_id}",
    response=TicketOutput,
    summary="Change the note on my ticket",
    openapi_extra=refuses("ticket_cancelled", "ticket_void", "event_started"),
)
@private
def change_ticket(request: HttpRequest, ticket_id: UUID, asked: TicketChanges) -> TicketOutput:
    """Change the note to the organisers, until the event starts."""
    ticket = _own_ticket(request, ticket_id)
    changed = services.change_note(ticket, note=asked.note, by=person(request))
    changed.event, changed.holder = ticket.event, ticket.holder
    return _shown(changed)


@router.post(
    "/tickets/{uuid:ticket_id}/cancel",
    response=TicketOutput,
    summary="Cancel my ticket",
    openapi_extra=refuses("ticket_void", "event_started"),
)
@private
def cancel_ticket(request: HttpRequest, ticket_id: UUID) -> TicketOutput:
    """Give my place back, until the event starts. The ticket stays, cancelled; its code never works again.

    Cancelling again changes nothing.
    """
    ticket = _own_ticket(request, ticket_id)
    cancelled = services.cancel_ticket(ticket, by=person(request))
    cancelled.event, cancelled.holder = ticket.event, ticket.holder
    return _shown(cancelled)


@router.get(
    "/tickets/{uuid:ticket_id}/barcode.svg",
    summary="Get the barcode as SVG",
    openapi_extra=_picture("image/svg+xml"),
)
@private
def get_barcode_svg(request: HttpRequest, ticket_id: UUID) -> HttpResponse:
    """The code as Code 128, as vectors. 404 for a ticket that lets nobody in."""
    code = _admitting_code(request, ticket_id)
    return HttpResponse(barcode_svg(code), content_type="image/svg+xml")


@router.get(
    "/tickets/{uuid:ticket_id}/barcode.png",
    summary="Get the barcode as PNG",
    openapi_extra=_picture("image/png"),
)
@private
def get_barcode_png(request: HttpRequest, ticket_id: UUID) -> HttpResponse:
    """The code as Code 128, black and white. 404 for a ticket that lets nobody in."""
    code = _admitting_code(request, ticket_id)
    return HttpResponse(barcode_png(code), content_type="image/png")


@router.get("/events/{slug:slug}/tickets", response=Tickets, summary="List an event's tickets")
@private
def list_event_tickets(
    request: HttpRequest, slug: str, asked: Query[EventTicketQuery]
) -> dict[str, Any]:
    """Who has a ticket, or had one, for an event that I manage; those taken last first."""
    event = managed_event(request, slug)
    tickets = Ticket.objects.filter(event=event).select_related("holder").matching(asked.q)
    if asked.status:
        tickets = tickets.filter(status=asked.status)
    page = keyset_page(
        tickets, fields=NEWEST_FIRST, newest_first=True, cursor=asked.cursor, size=asked.limit
    )
    for ticket in page.rows:
        ticket.event = event
    return page_of(page, [_shown(ticket) for ticket in page.rows])


def _visible_ticket(request: HttpRequest, ticket_id: UUID) -> Ticket:
    """The ticket, for its holder and the event's organisers. Raises Http404 for everybody else."""
    tickets = Ticket.objects.visible_to(person(request)).select_related("event", "holder")
    return get_object_or_404(tickets, pk=ticket_id)


def _own_ticket(request: HttpRequest, ticket_id: UUID) -> Ticket:
    """The ticket, for its holder. Raises PermissionDenied for organisers, who may only see it."""
    ticket = _visible_ticket(request, ticket_id)
    if not is_holder(person(request), ticket):
        raise PermissionDenied
    return ticket


def _admitting_code(request: HttpRequest, ticket_id: UUID) -> str:
    ticket = _visible_ticket(request, ticket_id)
    if not ticket.admits:
        raise Http404
    return ticket.code


def _shown(ticket: Ticket) -> TicketOutput:
    """For who may see the ticket; its event and holder are loaded.

    Checked here, once: ninja would wrap a dict in objects of its own, which takes longer than all the rest.
    """
    event, admits = ticket.event, ticket.admits
    shown = {
        "id": ticket.pk,
        "status": "void" if ticket.is_void else ticket.status,
        "event": {
            "slug": event.slug,
            "title": event.title,
            "status": event.status,
            "cancellation_reason": event.cancellation_reason,
            "location": event.location,
            **when(event),
        },
        "holder": {"name": ticket.holder.name, "email": ticket.holder.email},
        "code": ticket.code if admits else None,
        "barcode": _barcode(ticket) if admits else None,
        "link": (event.online_url or None) if admits else None,
        "note": ticket.note,
        "booked_at": ticket.booked_at,
        "cancelled_at": ticket.cancelled_at,
    }
    return TicketOutput.model_validate(shown)


def _barcode(ticket: Ticket) -> dict[str, str]:
    address = _address(ticket)
    return {kind: f"{address}/barcode.{kind}" for kind in ("svg", "png")}


def _address(ticket: Ticket) -> str:
    return f"{_mine()}/{ticket.pk}"


@cache
def _mine() -> str:
    """The address of my tickets; Django looks it up among all routes anew each time."""
    return reverse("api:list_tickets")
