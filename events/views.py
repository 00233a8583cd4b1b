"""The pages of what is on: lists, calendar, one event, its calendar file, an offer to organise."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from evento.http.pagination import BadCursor, Page, keyset_page
from evento.http.visitor_pages import kept_for_visitors
from events import calendar, services
from events.availability import exact_availability
from events.facts import public_facts
from events.finding import (
    LIST_ORDER,
    LISTED,
    FindForm,
    UpcomingFindForm,
    by_day,
    site_today,
    visible_event_or_404,
)
from events.holdings import tickets_of
from events.ics import event_ics, event_url
from events.markdown import render as render_markdown
from events.markdown import summary
from events.models import Event, OrganiserOffer
from events.permissions import may_manage_event
from events.querysets import EventQuerySet
from events.structured import event_json_ld

RESULTS, MORE = "results", "more"  # ids of the elements that a request of htmx replaces


def _part_wanted(request: HttpRequest) -> str:
    """The id of the element htmx will replace, or nothing for a whole page."""
    htmx = request.htmx  # type: ignore[attr-defined]
    return htmx.target or "" if htmx and not htmx.history_restore_request else ""


def _answer_list(
    request: HttpRequest, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """The whole list page, or the part of it that htmx replaces."""
    template = {RESULTS: "events/_results.html", MORE: "events/_more.html"}.get(
        _part_wanted(request), "events/list.html"
    )
    response = render(request, template, context, status=status)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


def _refuse_list(request: HttpRequest, context: dict[str, Any], sentence: str = "") -> HttpResponse:
    """The list page with what is wrong in its address. htmx shows a 422, and no 400."""
    context |= {"refused": True, "sentence": sentence}
    return _answer_list(request, context, status=422 if _part_wanted(request) else 400)


def _days_covered(page: Page[Event]) -> str:
    """`<first>:<last>`: the days whose events belong to this page of the upcoming list.

    A day that runs on belongs to both pages. Open at the end where no page precedes or follows: what is
    under way began earlier, and what is new may come later than all the rest.
    """
    first = page.after[0].isoformat() if page.after else ""
    last = page.rows[-1].starts_on.isoformat() if page.next_cursor else ""
    return f"{first}:{last}"


def _list_page(
    request: HttpRequest, events: EventQuerySet, context: dict[str, Any], *, newest_first: bool
) -> HttpResponse:
    """One page of `events` by day. `context` has the valid form they were found by."""
    form = context["form"]
    cursor = request.GET.get("after", "")
    try:
        page = keyset_page(events, fields=LIST_ORDER, newest_first=newest_first, cursor=cursor)
    except BadCursor:
        sentence = _("That page does not exist any more. Start again from the first one.")
        return _refuse_list(request, context, sentence)
    appended = _part_wanted(request) == MORE and page.after
    context |= {
        "live_range": _days_covered(page),
        "days": by_day(page.rows, continues=page.after[0] if page.after and appended else None),
        "is_first": page.after is None,
        "next_url": form.address(after=page.next_cursor) if page.next_cursor else "",
        "first_url": form.address(),
        "shown": len(page.rows),
    }
    if page.after is not None:
        context["days_on_now"] = []
    response = _answer_list(request, context)
    if _part_wanted(request) == RESULTS:
        response["HX-Push-Url"] = request.path + form.address().removesuffix("?")
    return response


@require_safe
@kept_for_visitors
def upcoming(request: HttpRequest) -> HttpResponse:
    """What is on: under way first, then what comes, soonest first (SPEC 7)."""
    now = timezone.now()
    form = UpcomingFindForm(request.GET, today=site_today(now))
    context: dict[str, Any] = {"form": form, "now": now}
    if not form.is_valid():
        return _refuse_list(request, context)
    published = LISTED.published()
    if not request.GET.get("after"):
        context["days_on_now"] = by_day(form.on_now(published, now).order_by(*LIST_ORDER))
    return _list_page(request, form.upcoming(published, now), context, newest_first=False)


@require_safe
@kept_for_visitors
def past(request: HttpRequest) -> HttpResponse:
    """What has been, newest first. It has no filter by what is available, so none can tell (SPEC 2)."""
    now = timezone.now()
    form = FindForm(request.GET, today=site_today(now))
    context = {"form": form, "now": now, "is_past": True}
    if not form.is_valid():
        return _refuse_list(request, context)
    events = form.narrow(LISTED.published().past(now))
    return _list_page(request, events, context, newest_first=True)


@require_safe
@kept_for_visitors
def month(request: HttpRequest, year: int | None = None, month: int | None = None) -> HttpResponse:
    """A month of events on their own dates, cancelled ones too; without a date, this month."""
    now = timezone.now()
    today = site_today(now)
    shown = calendar.month_of(
        today.year if year is None else year, today.month if month is None else month
    )
    if shown is None:
        raise Http404
    of_month = LISTED.public().filter(starts_on__range=(shown.first_day, shown.last_day))
    mine = tickets_of(request.user, of_month) if isinstance(request.user, User) else ()
    events = of_month.first_of_each_day(calendar.MOST_A_DAY, beside=mine, now=now)
    days = calendar.month_days(shown, events, today=today, now=now)
    context = {
        "now": now,
        "month": shown,
        "days": days,
        "has_events": any(day.entries for day in days),
        "previous": shown.shifted(-1),
        "next": shown.shifted(1),
        "is_this_month": (shown.year, shown.number) == (today.year, today.month),
    }
    return render(request, "events/calendar.html", context)


@require_safe
@kept_for_visitors
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One event. Drafts and archived events are for their organisers (SPEC 2)."""
    now = timezone.now()
    event = visible_event_or_404(request.user, slug)
    is_manager = may_manage_event(request.user, event)
    context = {
        **public_facts(event, now),
        "url": event_url(event),
        "description": render_markdown(event.description),
        "summary": summary(event.description),
        "json_ld": event_json_ld(event) if not event.is_draft else "",
        "exact": exact_availability(event) if is_manager else None,
    }
    return render(request, "events/detail.html", context)


@require_safe
@kept_for_visitors
def ics(request: HttpRequest, slug: str) -> HttpResponse:
    """The event's calendar file."""
    event = visible_event_or_404(request.user, slug)
    response = HttpResponse(event_ics(event), content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{event.slug}.ics"'
    return response


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def offer(request: HttpRequest, offer_id: UUID) -> HttpResponse:
    """An offer to help organise an event; its button accepts it (SPEC 1)."""
    user = request.user
    offers = OrganiserOffer.objects.made_to(user)  # type: ignore[arg-type]
    found = get_object_or_404(offers.select_related("event", "offered_by"), pk=offer_id)
    if request.method != "POST":
        return render(request, "events/offer.html", {"offer": found, "event": found.event})
    services.accept_offer(found, user=user)  # type: ignore[arg-type]
    messages.success(
        request, _("You are now an organiser of “%(event)s”.") % {"event": found.event.title}
    )
    return redirect("admin:events_event_change", found.event.pk)
