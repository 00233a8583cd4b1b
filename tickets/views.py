"""Requesting a ticket, my tickets, one ticket with its barcode (SPEC 3, 9)."""

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.middleware import get_user
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.middleware import HtmxDetails

from accounts.models import User
from evento.refusals import Refusal
from events.availability import exact_availability
from events.models import Event
from events.permissions import may_manage_event
from tickets.arrivals import arrival
from tickets.barcode import barcode_png, barcode_svg
from tickets.forms import NoteForm
from tickets.ics import ticket_ics
from tickets.models import Ticket
from tickets.permissions import is_holder
from tickets.services import book_ticket, booking_refusal, cancel_ticket, change_note
from tickets.states import card_context, is_changeable, panel_context

TICKETS_PER_PAGE = 20
MAX_PAGE = 10_000
# An htmx request says which element it swaps: the panel of the event's page, or a card's actions.
PANEL = "panel"
BARCODES = {"svg": ("image/svg+xml", barcode_svg), "png": ("image/png", barcode_png)}

# Tickets are secrets of their holders: no browser or proxy keeps a copy.
private = cache_control(private=True, no_store=True)
get_or_post = require_http_methods(["GET", "HEAD", "POST"])


class SiteRequest(HttpRequest):
    """A request as these views get it: with htmx's details and, after `login_required`, a person."""

    user: User  # type: ignore[assignment]
    htmx: HtmxDetails


@private
@get_or_post
def request_ticket(request: SiteRequest, slug: str) -> HttpResponse:
    """POST: book. A GET, as after signing in, leads to the event, whose button does it."""
    arrived = arrival(request, slug)
    event = arrived.event
    with arrived.known():
        # Everybody may know why not, so nobody has to say first who they are; and whose session is over is
        # nobody, so that it does not tell whether there is a ticket.
        holds_a_ticket = arrived.has_ticket and request.user.is_authenticated
        if request.method == "POST" and not holds_a_ticket:
            refusal = booking_refusal(event, timezone.now())
            if refusal is not None:
                return _refused(request, event, refusal)
        if not request.user.is_authenticated:
            return redirect_to_login(event.get_absolute_url())
        return _book(request, event) if request.method == "POST" else redirect(event)


@private
@login_required
@require_safe
def my_tickets(request: SiteRequest) -> HttpResponse:
    """My tickets: those for events ahead of me first, then past and cancelled ones."""
    number = _page_number(request)
    start = (number - 1) * TICKETS_PER_PAGE
    now = timezone.now()
    mine = Ticket.objects.held_by(request.user).upcoming_first(now)
    tickets = list(mine.select_related("event")[start : start + TICKETS_PER_PAGE + 1])
    page = tickets[:TICKETS_PER_PAGE]
    context = {
        "ahead": [ticket for ticket in page if ticket.ahead],
        "behind": [ticket for ticket in page if not ticket.ahead],
        "number": number,
        "earlier": number - 1,
        "later": number + 1 if len(tickets) > TICKETS_PER_PAGE else None,
        "now": now,
    }
    return render(request, "tickets/list.html", context)


@private
@login_required
@require_safe
def show_ticket(request: SiteRequest, pk: UUID) -> HttpResponse:
    """One ticket as it is shown at the door."""
    ticket = _visible_ticket(request, pk)
    return _ticket_page(request, ticket, NoteForm({"note": ticket.note}))


@private
@login_required
@get_or_post
def change_ticket_note(request: SiteRequest, pk: UUID) -> HttpResponse:
    """POST: change the note to the organisers, until the start."""
    ticket = _own_ticket(request, pk)
    if request.method != "POST":
        return redirect(ticket)
    form = NoteForm(request.POST)
    if not form.is_valid():
        return _ticket_page(request, ticket, form, status=422)
    try:
        change_note(ticket, note=form.cleaned_data["note"], by=request.user)
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Your note is saved."))
    return redirect(ticket)


@private
@login_required
@get_or_post
def cancel(request: SiteRequest, pk: UUID) -> HttpResponse:
    """GET asks whether to cancel; only the POST of its button acts."""
    ticket = _own_ticket(request, pk)
    if request.method != "POST":
        if not is_changeable(ticket, timezone.now()):
            return redirect(ticket)
        return render(request, "tickets/cancel.html", {"ticket": ticket, "event": ticket.event})
    try:
        cancel_ticket(ticket, by=request.user)
    except Refusal as refusal:
        return _refused(request, ticket.event, refusal, ticket=ticket)
    return _done(request, ticket, said=_("Your ticket is cancelled."), held=False)


@private
@login_required
@require_safe
def calendar_file(request: SiteRequest, pk: UUID) -> HttpResponse:
    """The ticket for its holder's own calendar (SPEC 5)."""
    ticket = _own_ticket(request, pk)
    file = HttpResponse(ticket_ics(ticket), content_type="text/calendar; charset=utf-8")
    file["Content-Disposition"] = 'attachment; filename="ticket.ics"'
    return file


@private
@login_required
@require_safe
def barcode(request: SiteRequest, pk: UUID, kind: str) -> HttpResponse:
    """The barcode as a picture; a ticket that lets nobody in has none (SPEC 3)."""
    ticket = _visible_ticket(request, pk)
    if not ticket.admits:
        raise Http404
    content_type, draw = BARCODES[kind]
    return HttpResponse(draw(ticket.code), content_type=content_type)


def _book(request: SiteRequest, event: Event) -> HttpResponse:
    note = ""
    if request.POST.get("note"):  # few write one, and a form takes a twentieth of a refusal's time
        form = NoteForm(request.POST)
        if not form.is_valid():
            refusal = Refusal("note_too_long", str(form.errors["note"][0]), status=422)
            return _refused(request, event, refusal, form=form)
        note = form.cleaned_data["note"]
    # Itself: `request.user` stands for the person, and looks for them at each attribute.
    person = cast(User, get_user(request))
    try:
        booking = book_ticket(event, holder=person, note=note)
    except Refusal as refusal:
        return _refused(request, event, refusal)
    if booking.created:
        return _done(request, booking.ticket, said=_("You have a ticket."))
    return _done(request, booking.ticket, said=_("You already have a ticket for this event."))


def _visible_ticket(request: SiteRequest, pk: UUID) -> Ticket:
    """The ticket, for its holder and the event's organisers. Raises Http404 for everybody else."""
    tickets = Ticket.objects.visible_to(request.user).select_related("event", "holder")
    return get_object_or_404(tickets, pk=pk)


def _own_ticket(request: SiteRequest, pk: UUID) -> Ticket:
    """The ticket, for its holder alone. Raises Http404 for everybody else."""
    tickets = Ticket.objects.held_by(request.user).select_related("event", "holder")
    return get_object_or_404(tickets, pk=pk)


def _ticket_page(
    request: SiteRequest, ticket: Ticket, form: NoteForm, *, status: int = 200
) -> HttpResponse:
    now = timezone.now()
    mine = is_holder(request.user, ticket)
    changeable = mine and is_changeable(ticket, now)
    context = {
        "ticket": ticket,
        "event": ticket.event,
        "mine": mine,
        "now": now,
        "over": ticket.event.has_ended(now),
        "changeable": changeable,
        "form": form if changeable else None,
    }
    return render(request, "tickets/detail.html", context, status=status)


def _done(request: SiteRequest, ticket: Ticket, *, said: str, held: bool = True) -> HttpResponse:
    """The change was made: on to the ticket, or for htmx the part of the page that it changes."""
    if request.htmx:
        valid = ticket if held else None
        return _fragment(request, ticket.event, valid, 200, announcement=said)
    messages.success(request, said)
    return redirect(ticket)


def _refused(
    request: SiteRequest,
    event: Event,
    refusal: Refusal,
    *,
    ticket: Ticket | None = None,
    **said: Any,
) -> HttpResponse:
    """The rule's sentence: in the fragment for htmx, else on the page one came from (SPEC 11)."""
    if refusal.status == 404:
        raise Http404
    if request.htmx:
        return _fragment(request, event, ticket, refusal.status, refusal=str(refusal), **said)
    messages.error(request, str(refusal))
    return redirect(ticket or event)


def _fragment(
    request: SiteRequest, event: Event, ticket: Ticket | None, status: int, **said: Any
) -> HttpResponse:
    """The panel or the card's actions as they are now: the event is read anew."""
    event = Event.objects.get(pk=event.pk)
    if request.htmx.target == PANEL:
        template, context_of = "tickets/_panel.html", panel_context
    else:
        template, context_of = "tickets/_card.html", card_context
    context = context_of(request.user, event, ticket, now=timezone.now())
    if request.htmx.target == PANEL and may_manage_event(request.user, event):
        context["exact"] = exact_availability(event)  # their own count stands beside the panel
    return render(request, template, context | said, status=status)


def _page_number(request: SiteRequest) -> int:
    """The page asked for; nonsense means the first one."""
    asked = request.GET.get("page", "")
    return min(max(int(asked), 1), MAX_PAGE) if asked.isascii() and asked.isdigit() else 1
