"""Who manages an event (SPEC 1). Here, because people with a ticket become organisers at once."""

from typing import Any
from uuid import UUID

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Query, Status

from evento.http.pagination import keyset_page
from evento.http.problem import Invalid
from evento.http.routing import Router, refuses
from evento.http.schemas import PageQuery, page_of
from events.api import managed_event, person
from events.history import note_change
from events.limits import count_offer
from events.models import EventOrganiser, OrganiserOffer
from events.services import remove_organiser as take_off
from events.services import withdraw_offer as take_back
from tickets.schemas import (
    OfferOutput,
    Offers,
    OrganiserInput,
    OrganiserOutput,
    Organisers,
)
from tickets.services import promote_organiser

router = Router(tags=["Events"])


@router.get(
    "/events/{slug:slug}/organisers", response=Organisers, summary="List an event's organisers"
)
def list_organisers(request: HttpRequest, slug: str, asked: Query[PageQuery]) -> dict[str, Any]:
    """Who manages an event that I manage too; its creator first."""
    rows = managed_event(request, slug).organiser_rows.select_related("user", "added_by")
    page = keyset_page(rows, fields=["added_at", "id"], cursor=asked.cursor, size=asked.limit)
    return page_of(page, [_organiser(row) for row in page.rows])


@router.post(
    "/events/{slug:slug}/organisers",
    response={200: OrganiserOutput, 202: OfferOutput},
    summary="Add an organiser",
)
def add_organiser(request: HttpRequest, slug: str, asked: OrganiserInput) -> Status:
    """Somebody with a ticket for the event becomes an organiser at once: 200. Anybody else gets an offer by
    e-mail, whether or not the address has an account: 202. Twice is quiet; 30 an hour are the limit.
    """
    event = managed_event(request, slug)
    count_offer(request)
    try:
        added = promote_organiser(event, email=asked.email, by=person(request))
    except ValidationError as error:
        raise Invalid.model(error, names={NON_FIELD_ERRORS: "email"}) from error
    note_change(event, person(request), _("Added an organiser."))
    if isinstance(added, EventOrganiser):
        return Status(200, _organiser(added))
    return Status(202, _offer(added))


@router.delete(
    "/events/{slug:slug}/organisers/{uuid:person_id}",
    response={204: None},
    summary="Remove an organiser, or leave",
    openapi_extra=refuses("last_organiser"),
)
def remove_organiser(request: HttpRequest, slug: str, person_id: UUID) -> Status:
    """Take somebody off an event, or yourself. Access ends at once; the offers they made end with it."""
    event = managed_event(request, slug)
    row = get_object_or_404(event.organiser_rows.select_related("user"), user=person_id)
    take_off(event, user=row.user)
    note_change(event, person(request), _("Removed organiser %(name)s.") % {"name": row.user})
    return Status(204, None)


@router.get(
    "/events/{slug:slug}/offers", response=Offers, summary="List offers to help organise an event"
)
def list_offers(request: HttpRequest, slug: str, asked: Query[PageQuery]) -> dict[str, Any]:
    """Whom the organisers have asked, and who has not answered yet."""
    offers = managed_event(request, slug).organiser_offers.select_related("offered_by")
    page = keyset_page(offers, fields=["offered_at", "id"], cursor=asked.cursor, size=asked.limit)
    return page_of(page, [_offer(offer) for offer in page.rows])


@router.delete(
    "/events/{slug:slug}/offers/{uuid:offer_id}",
    response={204: None},
    summary="Withdraw an offer",
)
def withdraw_offer(request: HttpRequest, slug: str, offer_id: UUID) -> Status:
    """Take an offer back. Its link leads nowhere from then on."""
    event = managed_event(request, slug)
    take_back(get_object_or_404(event.organiser_offers, pk=offer_id))
    note_change(event, person(request), _("Withdrew an offer to organise."))
    return Status(204, None)


def _organiser(row: EventOrganiser) -> dict[str, Any]:
    return {
        "id": row.user_id,
        "name": row.user.name,
        "email": row.user.email,
        "added_by": row.added_by.name if row.added_by else None,
        "added_at": row.added_at,
    }


def _offer(offer: OrganiserOffer) -> dict[str, Any]:
    return {
        "id": offer.pk,
        "email": offer.email,
        "offered_by": offer.offered_by.name,
        "offered_at": offer.offered_at,
    }
