"""The tickets of the events that a person manages: to look at, never to edit (SPEC 3)."""

import uuid
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from evento.changelists import EndlessListAdmin
from events.admin.showing import person, start_line
from events.models import Event
from events.permissions import may_enter_admin, may_manage_event
from tickets.models import Ticket
from tickets.querysets import SEARCHED
from tickets.templatetags.booking import booked_clock, ticket_chip

# The codes are the secret of a ticket: nothing may ask for them, or for a person, bit by bit.
LOOKUPS = frozenset({"event", "status"})
EVENTS_SHOWN = 8


class EventFilter(admin.SimpleListFilter):
    """One event among the person's own: the next ones are offered, or the one that was chosen."""

    title = _("event")
    parameter_name = "event"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        own = Event.objects.managed_by(request.user).exclude(status=Event.Status.DRAFT)
        chosen = _uuid(self.value())
        events = own.filter(pk=chosen).values_list("pk", "title") if chosen else []
        if not events:
            events = own.next_first(timezone.now()).values_list("pk", "title")[:EVENTS_SHOWN]
        return [(str(pk), title) for pk, title in events]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() is None:
            return queryset
        chosen = _uuid(self.value())
        return queryset.filter(event=chosen) if chosen else queryset.none()


class StatusFilter(admin.SimpleListFilter):
    """Valid tickets (void ones included: the event was cancelled, not the ticket), or cancelled."""

    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return list(Ticket.Status.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() in Ticket.Status.values:
            return queryset.filter(status=self.value())
        return queryset


class TicketAdmin(EndlessListAdmin):
    """Read-only: people book and cancel, organisers look."""

    actions = None
    empty_value_display = ""
    list_display = ["holder_name", "email", "event_title", "state", "note_shown", "booked"]
    list_display_links = ["holder_name"]
    list_filter = [EventFilter, StatusFilter]
    list_per_page = 50
    list_select_related = ["event", "holder"]
    newest_by = ("booked_at", "id")
    search_fields = SEARCHED
    search_help_text = _("Code or e-mail address")
    fields = [
        "holder_name",
        "email",
        "event_title",
        "starts",
        "state",
        "note",
        "booked",
        "code_shown",
    ]
    readonly_fields = fields

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_enter_admin(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Ticket | None = None) -> bool:
        if obj is None:
            return may_enter_admin(request.user)
        return may_manage_event(request.user, obj.event)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Ticket | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Ticket | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return Ticket.objects.managed_by(person(request))

    def get_list_display(self, request: HttpRequest) -> list[str]:
        """Without the event where only one is listed."""
        if EventFilter.parameter_name not in request.GET:
            return self.list_display
        return [name for name in self.list_display if name != "event_title"]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return lookup in LOOKUPS

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        return to_field == self.opts.pk.name

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        event = self._event_listed(request)
        context = {} if event is None else _facts(event)
        return super().changelist_view(request, context | (extra_context or {}))

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        if EventFilter.parameter_name in request.GET:
            changelist.search_help_text = _("Search by name, e-mail or code")
        return changelist

    def _event_listed(self, request: HttpRequest) -> Event | None:
        """The one event whose tickets are asked for, if it is the person's."""
        chosen = _uuid(request.GET.get(EventFilter.parameter_name))
        if chosen is None:
            return None
        return Event.objects.managed_by(person(request)).filter(pk=chosen).first()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        """Names are looked for among one event's tickets alone: over all, each would have to be read."""
        if EventFilter.parameter_name in request.GET:
            return queryset.of_person(search_term), False
        return queryset.of_code_or_email(search_term), False

    @admin.display(description=_("holder"))
    def holder_name(self, ticket: Ticket) -> str:
        return ticket.holder.name

    @admin.display(description=_("e-mail"))
    def email(self, ticket: Ticket) -> str:
        return ticket.holder.email

    @admin.display(description=_("event"))
    def event_title(self, ticket: Ticket) -> SafeString:
        url = reverse("admin:events_event_change", args=[ticket.event_id])
        return format_html('<a href="{}">{}</a>', url, ticket.event.title)

    @admin.display(description=_("start"))
    def starts(self, ticket: Ticket) -> str:
        return start_line(ticket.event)

    @admin.display(description=_("status"))
    def state(self, ticket: Ticket) -> SafeString:
        return ticket_chip(ticket)

    @admin.display(description=_("note"))
    def note_shown(self, ticket: Ticket) -> str:
        return ticket.note

    @admin.display(description=_("booked"))
    def booked(self, ticket: Ticket) -> str:
        return booked_clock(ticket)

    @admin.display(description=_("code"))
    def code_shown(self, ticket: Ticket) -> SafeString:
        return format_html('<span class="code">{}</span>', ticket.code_in_groups)


def _facts(event: Event) -> dict[str, Any]:
    """What stands above the tickets of one event."""
    url = reverse("admin:events_event_change", args=[event.pk])
    return {"event": event, "start": start_line(event), "change_url": url}


def _uuid(text: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(text or "")
    except ValueError:
        return None
