"""Finding events: those of the site, those that I manage, and offers to manage one (SPEC 7)."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Query

from evento.http.auth import PUBLIC
from evento.http.pagination import keyset_page
from evento.http.problem import Invalid
from evento.http.schemas import PageQuery, page_of
from events import services
from events.answers import offer_of, summaries_of
from events.api.common import person, router, shown, visible_event
from events.finding import LIST_ORDER, LISTED, Period, UpcomingFindForm, site_today
from events.models import Category, OrganiserOffer
from events.schemas import (
    Categories,
    EventOutput,
    EventQuery,
    Events,
    MyEventQuery,
    MyOffers,
)


@router.get("/events", response=Events, summary="List events", auth=PUBLIC)
def list_events(request: HttpRequest, asked: Query[EventQuery]) -> dict[str, Any]:
    """The events of the site, narrowed as its own pages do it. Nobody's drafts, nothing archived."""
    now = timezone.now()
    filters = asked.model_dump(by_alias=True, exclude={"period", "cursor", "limit"})
    form = UpcomingFindForm(filters, today=site_today(now))
    if not form.is_valid():
        raise Invalid.form(form, within="query")
    page = keyset_page(
        form.in_period(asked.period, now),
        fields=LIST_ORDER,
        newest_first=asked.period is Period.PAST,
        cursor=asked.cursor,
        size=asked.limit,
    )
    return page_of(page, summaries_of(page.rows, request.user, now))


@router.get("/events/{slug:slug}", response=EventOutput, summary="Get an event", auth=PUBLIC)
def get_event(request: HttpRequest, slug: str) -> dict[str, Any]:
    """One event. Drafts and archived events are for those who manage them."""
    return shown(request, visible_event(request, slug))


@router.get("/categories", response=Categories, summary="List categories", auth=PUBLIC)
def list_categories(request: HttpRequest) -> dict[str, Any]:
    """The kinds of event, by name."""
    return {"items": list(Category.objects.order_by("name"))}


@router.get("/me/events", response=Events, summary="List the events I manage")
def list_my_events(request: HttpRequest, asked: Query[MyEventQuery]) -> dict[str, Any]:
    """The events that I organise, drafts too; for staff every event."""
    now = timezone.now()
    events = LISTED.managed_by(request.user)
    if asked.status == "archived":
        events = events.exclude(archived_at=None)
    else:
        events = events.filter(archived_at=None)
        events = events.filter(status=asked.status) if asked.status else events
    periods = {
        Period.UPCOMING: events.upcoming(now),
        Period.NOW: events.under_way(now),
        Period.PAST: events.past(now),
        Period.ALL: events,
    }
    page = keyset_page(
        periods[asked.period],
        fields=["starts_at", "id"],
        newest_first=asked.period in {Period.PAST, Period.ALL},
        cursor=asked.cursor,
        size=asked.limit,
    )
    return page_of(page, summaries_of(page.rows, request.user, now))


@router.get("/me/offers", response=MyOffers, summary="List offers to help organise")
def list_my_offers(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    """Events that I was asked to help organise, by an address that I have verified."""
    offers = OrganiserOffer.objects.made_to(person(request)).select_related("event", "offered_by")
    page = keyset_page(offers, fields=["offered_at", "id"], cursor=asked.cursor, size=asked.limit)
    return page_of(page, [offer_of(offer) for offer in page.rows])


@router.post(
    "/me/offers/{uuid:offer_id}/accept", response=EventOutput, summary="Accept an offer to organise"
)
def accept_offer(request: HttpRequest, offer_id: UUID) -> dict[str, Any]:
    """Become an organiser of the event: of this one alone."""
    offers = OrganiserOffer.objects.made_to(person(request))
    offer = get_object_or_404(offers.select_related("event__category", "offered_by"), pk=offer_id)
    services.accept_offer(offer, user=person(request))
    return shown(request, offer.event)
