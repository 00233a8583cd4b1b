"""Pages and buttons of one event beside its form: copy, cancel, archive, organisers (SPEC 1, 2)."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from evento.refusals import Refusal
from events.admin.showing import person, start_line
from events.forms import CancelForm, OrganiserForm
from events.limits import count_offer
from events.models import Event, EventOrganiser, OrganiserOffer
from events.permissions import may_create_events, may_enter_admin
from events.services import (
    archive_event,
    cancel_event,
    copy_event,
    offer_organiser,
    remove_organiser,
    withdraw_offer,
)

View = Callable[..., HttpResponse]
Methods = Callable[[View], View]


@dataclass(frozen=True)
class Tool:
    """A button above the form: a link, or what is posted at once."""

    label: str
    url: str
    posts: bool = False
    is_grave: bool = False


def of_managed_event(view: View) -> View:
    """Give the view the event, if the person manages it (404 otherwise); show what a service refuses."""

    @functools.wraps(view)
    def wrapper(
        pages: "EventPages", request: HttpRequest, event_id: UUID, **kwargs: Any
    ) -> HttpResponse:
        event = get_object_or_404(Event.objects.managed_by(person(request)), pk=event_id)
        try:
            return view(pages, request, event, **kwargs)
        except Refusal as refusal:
            pages.message_user(request, str(refusal), messages.ERROR)
            return HttpResponseRedirect(pages.page_url("change", event))

    return wrapper


class EventPages(admin.ModelAdmin):
    """What an EventAdmin adds to Django's own pages. The people with tickets come with `tickets`."""

    def get_urls(self) -> list[URLPattern]:
        pages: list[tuple[str, View, Methods]] = [
            ("copy", self.copy_view, require_POST),
            ("cancel", self.cancel_view, require_http_methods(["GET", "HEAD", "POST"])),
            ("archive", self.archive_view, require_http_methods(["GET", "HEAD", "POST"])),
            ("organisers", self.organisers_view, require_http_methods(["GET", "HEAD", "POST"])),
            ("remove_organiser", self.remove_organiser_view, require_POST),
            ("withdraw_offer", self.withdraw_offer_view, require_POST),
        ]
        routes = {
            "remove_organiser": "organisers/<uuid:user_id>/remove",
            "withdraw_offer": "organisers/offers/<uuid:offer_id>/withdraw",
        }
        return [
            path(
                f"<uuid:event_id>/{routes.get(name, name)}/",
                self.admin_site.admin_view(methods(view)),
                name=f"events_event_{name}",
            )
            for name, view, methods in pages
        ] + super().get_urls()

    def page_url(self, name: str, event: Event, **kwargs: Any) -> str:
        """The address of one of the event's pages in the admin."""
        if name in {"change", "history", "delete"}:
            return reverse(f"admin:events_event_{name}", args=[event.pk])
        return reverse(f"admin:events_event_{name}", kwargs={"event_id": event.pk, **kwargs})

    def tools(self, request: HttpRequest, event: Event) -> list[Tool]:
        """What this person can do with the event beside editing it."""
        now = timezone.now()
        tools = [
            Tool(gettext("View on site"), event.get_absolute_url()),
            Tool(gettext("Organisers"), self.page_url("organisers", event)),
        ]
        if may_create_events(person(request)):
            tools.append(
                Tool(gettext("Copy as new draft"), self.page_url("copy", event), posts=True)
            )
        tools.append(Tool(gettext("History"), self.page_url("history", event)))
        if event.archived_at is None and (event.is_cancelled or event.is_published):
            if event.is_cancelled or event.has_ended(now):
                tools.append(Tool(gettext("Archive"), self.page_url("archive", event)))
            else:
                url = self.page_url("cancel", event)
                tools.append(Tool(gettext("Cancel event"), url, is_grave=True))
        return tools

    # --- Ports that tickets fills (it stands above this app) ---

    def people_to_tell(self, event: Event, by: User) -> int:
        """How many people a cancellation reaches."""
        return event.organiser_rows.exclude(user=by).count()

    def promote(self, event: Event, email: str, by: User) -> EventOrganiser | OrganiserOffer:
        """Make the person at `email` an organiser, or offer it to them. Raises ValidationError."""
        return offer_organiser(event, email=email, by=by)

    def candidates(self, event: Event, words: str) -> list[User]:
        """The people who may be made organisers without an offer, found by name or e-mail."""
        return []

    # --- The pages ---

    @of_managed_event
    def copy_view(self, request: HttpRequest, event: Event) -> HttpResponse:
        if not may_create_events(person(request)):
            raise PermissionDenied
        copy = copy_event(event, by=person(request))
        self.log_addition(request, copy, gettext("Copied."))
        self.message_user(
            request,
            _("This is a new draft with the same particulars. Choose its start, then publish."),
            messages.SUCCESS,
        )
        return HttpResponseRedirect(self.page_url("change", copy))

    @of_managed_event
    def cancel_view(self, request: HttpRequest, event: Event) -> HttpResponse:
        """GET asks, with the number of people it reaches; POST cancels."""
        form = CancelForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            cancel_event(event, by=person(request), reason=form.cleaned_data["reason"])
            self.log_change(request, event, gettext("Cancelled."))
            self.message_user(
                request, _("The event is cancelled. Everybody is being told."), messages.SUCCESS
            )
            return HttpResponseRedirect(self.page_url("change", event))
        if not event.is_published or event.has_ended(timezone.now()):
            self.message_user(request, _("This event cannot be cancelled."), messages.ERROR)
            return HttpResponseRedirect(self.page_url("change", event))
        context = {"form": form, "people": self.people_to_tell(event, person(request))}
        return self._page(request, event, "cancel", gettext("Cancel event"), context)

    @of_managed_event
    def archive_view(self, request: HttpRequest, event: Event) -> HttpResponse:
        """GET asks; POST archives."""
        if request.method == "POST":
            archive_event(event)
            self.log_change(request, event, gettext("Archived."))
            self.message_user(request, _("The event is archived."), messages.SUCCESS)
            return HttpResponseRedirect(reverse("admin:events_event_changelist"))
        return self._page(request, event, "archive", gettext("Archive event"), {})

    @of_managed_event
    def organisers_view(self, request: HttpRequest, event: Event) -> HttpResponse:
        """Who manages the event and to whom it was offered; POST adds somebody by e-mail."""
        form = OrganiserForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            self._add_organiser(request, event, form.cleaned_data["email"])
            return HttpResponseRedirect(self.page_url("organisers", event))
        words = request.GET.get("q", "").replace("\0", "").strip()  # PostgreSQL takes no NUL
        rows = event.organiser_rows.select_related("user", "added_by")
        context = {
            "form": form,
            "rows": rows,
            "is_only_one": len(rows) == 1,
            "offers": event.organiser_offers.select_related("offered_by"),
            "words": words,
            "candidates": self.candidates(event, words),
        }
        return self._page(request, event, "organisers", gettext("Organisers"), context)

    @of_managed_event
    def remove_organiser_view(
        self, request: HttpRequest, event: Event, user_id: UUID
    ) -> HttpResponse:
        """Take an organiser off the event; of oneself: leave it."""
        row = get_object_or_404(event.organiser_rows.select_related("user"), user=user_id)
        try:
            remove_organiser(event, user=row.user)
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return HttpResponseRedirect(self.page_url("organisers", event))
        self.log_change(request, event, gettext("Removed organiser %(name)s.") % {"name": row.user})
        if row.user != request.user:
            told = _("%(name)s is no longer an organiser of this event.") % {"name": row.user}
            self.message_user(request, told, messages.SUCCESS)
            return HttpResponseRedirect(self.page_url("organisers", event))
        self.message_user(request, _("You no longer organise this event."), messages.SUCCESS)
        home = (
            "admin:events_event_changelist" if may_enter_admin(person(request)) else "events:list"
        )
        return HttpResponseRedirect(reverse(home))

    @of_managed_event
    def withdraw_offer_view(
        self, request: HttpRequest, event: Event, offer_id: UUID
    ) -> HttpResponse:
        """Take an offer back."""
        offer = get_object_or_404(event.organiser_offers, pk=offer_id)
        withdraw_offer(offer)
        self.log_change(request, event, gettext("Withdrew an offer to organise."))
        self.message_user(
            request, _("The offer to %(email)s is withdrawn.") % {"email": offer.email}
        )
        return HttpResponseRedirect(self.page_url("organisers", event))

    def _add_organiser(self, request: HttpRequest, event: Event, email: str) -> None:
        if event.organisers.filter(email__iexact=email).exists():
            self.message_user(request, _("This person is an organiser of the event already."))
            return
        try:
            count_offer(request)
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return
        added = self.promote(event, email, person(request))
        if isinstance(added, EventOrganiser):
            told = _("%(name)s is now an organiser of this event.") % {"name": added.user}
        else:
            told = _("The offer goes to %(email)s. Whoever owns the address can accept it.") % {
                "email": added.email
            }
        self.log_change(request, event, gettext("Added an organiser."))
        self.message_user(request, told, messages.SUCCESS)

    def _page(
        self, request: HttpRequest, event: Event, name: str, title: str, context: dict[str, Any]
    ) -> TemplateResponse:
        request.current_app = self.admin_site.name  # type: ignore[attr-defined]
        return TemplateResponse(
            request,
            f"admin/events/event/{name}.html",
            {
                **self.admin_site.each_context(request),
                "title": title,
                "opts": self.opts,
                "event": event,
                "start": start_line(event),
                "change_url": self.page_url("change", event),
                **context,
            },
        )
