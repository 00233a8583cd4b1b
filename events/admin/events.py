"""Events in the admin: what is listed, what the form holds, who may (SPEC 1, 2)."""

import contextlib
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from evento.refusals import Refusal
from events.admin.filters import CategoryFilter, StatusFilter, WhenFilter
from events.admin.pages import EventPages
from events.admin.showing import person, places_bar, start_cell, start_line, status_chip
from events.fields import cover_of
from events.forms import EventForm
from events.models import Event
from events.permissions import may_create_events, may_enter_admin, may_manage_event
from events.querysets import next_first, start_frozen
from events.services import change_event, create_event, delete_draft

# Everything the list may be asked for; a look-up through a relation (an organiser's address, say)
# would answer questions about people and events that are not the asker's.
LOOKUPS = frozenset(
    {
        *("status", "when", "category"),
        *(f"starts_on__{part}" for part in ("year", "month", "day", "gte", "lt")),
    }
)


class EventChangeList(ChangeList):
    """One page of the list of events."""

    def get_filters(self, request: HttpRequest) -> Any:
        """As Django's, which fails on years that no calendar has. Raises IncorrectLookupParameters."""
        try:
            return super().get_filters(request)
        except (OverflowError, ValueError) as error:
            raise IncorrectLookupParameters from error

    def get_ordering(self, request: HttpRequest, queryset: QuerySet) -> list[Any]:
        """By a column that somebody chose; what is equal there comes as ever."""
        if ORDER_VAR in self.params:
            queryset = queryset.order_by(*self.model_admin.get_ordering(request))
        return super().get_ordering(request, queryset)

    def get_results(self, request: HttpRequest) -> None:
        """Rows are read once it is known which: to sort whole ones takes twice as long."""
        super().get_results(request)
        page = self.result_list
        self.result_list = Event.objects.filter(pk__in=page.values("pk")).order_by(
            *page.query.order_by
        )


class EventAdmin(EventPages):
    """A person's own events; everything for staff. Every change goes through the services."""

    form = EventForm
    actions = None
    list_display = ["title", "start", "state", "places", "place"]
    list_filter = [WhenFilter, StatusFilter, CategoryFilter]
    list_per_page = 50
    show_full_result_count = False
    date_hierarchy = "starts_on"
    search_fields = ["title", "location"]
    search_help_text = _("Search by title or place")
    readonly_fields = [
        "start_shown",
        "places_shown",
        "state_shown",
        "duration_shown",
        "category_shown",
    ]
    save_on_top = False

    class Media:
        js = [forms.Script("js/admin-event.js", type="module")]

    # --- Who may ---

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_enter_admin(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may_create_events(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        if obj is None:
            return may_enter_admin(request.user)
        return may_manage_event(request.user, obj)

    def has_change_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        if obj is not None and (obj.is_cancelled or obj.archived_at is not None):
            return False
        return self.has_view_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        if obj is None:
            return False
        return obj.is_draft and self.has_view_permission(request, obj)

    # --- What is found ---

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return Event.objects.managed_by(request.user)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return EventChangeList

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        return next_first(timezone.now())

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return lookup in LOOKUPS

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        return to_field == self.opts.pk.name

    # --- Columns and read-only fields ---

    @admin.display(description=_("start"), ordering="starts_at")
    def start(self, event: Event) -> SafeString:
        return start_cell(event)

    @admin.display(description=_("place"), ordering="location")
    def place(self, event: Event) -> str:
        return event.location

    @admin.display(description=_("status"), ordering="status")
    def state(self, event: Event) -> SafeString:
        return status_chip(event)

    @admin.display(description=_("places taken"), ordering="places_taken")
    def places(self, event: Event) -> SafeString:
        return places_bar(event)

    @admin.display(description=_("Start"))
    def start_shown(self, event: Event) -> SafeString:
        return format_html(
            '<p>{}</p><p class="help">{}</p>', start_line(event), start_frozen().message
        )

    @admin.display(description=_("Duration"))
    def duration_shown(self, event: Event) -> str:
        minutes = int(event.duration.total_seconds()) // 60
        return gettext("%(hours)d h %(minutes)02d min") % {
            "hours": minutes // 60,
            "minutes": minutes % 60,
        }

    @admin.display(description=_("Places"))
    def places_shown(self, event: Event) -> SafeString:
        return places_bar(event, is_live=True)

    @admin.display(description=_("Category"))
    def category_shown(self, event: Event) -> str:
        # Without Django's link to the category, which is for staff.
        return event.category.name if event.category else ""

    @admin.display(description=_("Status"))
    def state_shown(self, event: Event) -> SafeString:
        return format_html("{} {}", status_chip(event), event.cancellation_reason)

    # --- The form ---

    def get_fieldsets(self, request: HttpRequest, obj: Event | None = None) -> list[Any]:
        start = ["starts_at", "start_fold", "time_zone"]
        duration, places = "duration", ["capacity"]
        about = ["title", "category", "description"]
        if obj is not None and not obj.is_draft:
            start, places = ["start_shown"], ["capacity", "places_shown"]
        if obj is not None and not self.has_change_permission(request, obj):
            about = ["state_shown", "title", "category_shown", "description"]
            duration = "duration_shown"
        return [
            (None, {"fields": about}),
            (_("When"), {"fields": [*start, duration]}),
            (_("Where"), {"fields": ["location", "online_url"]}),
            (_("Places"), {"fields": places}),
            (_("Picture"), {"fields": ["cover"]}),
            (_("For the public"), {"fields": ["organiser_name", "contact"]}),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {"title": _("Events")} | (extra_context or {}))

    def get_form(
        self, request: HttpRequest, obj: Event | None = None, change: bool = False, **kwargs: Any
    ) -> type[EventForm]:
        form = super().get_form(request, obj, change=change, **kwargs)
        form.refusal = getattr(request, "refusal", None)
        return form

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, str | list[str]]:
        return {"time_zone": person(request).time_zone}

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Django's; what a service refused is shown in the form, with what was entered."""
        view = super().changeform_view
        for upload in request.FILES.getlist("cover"):
            # Before Django opens its transaction: on SQLite all bookings would wait for a picture.
            with contextlib.suppress(ValidationError):
                cover_of(upload)
        try:
            return view(request, object_id, form_url, extra_context)
        except (Refusal, PermissionDenied) as refused:
            # Cancelled meanwhile, it has no form any more that could say so.
            if told := self._told_unchangeable(request, object_id):
                return told
            if isinstance(refused, PermissionDenied):
                raise
            request.refusal = refused  # type: ignore[attr-defined]
            return view(request, object_id, form_url, extra_context)

    def _told_unchangeable(
        self, request: HttpRequest, object_id: str | None
    ) -> HttpResponse | None:
        if request.method != "POST" or object_id is None:
            return None
        event = self.get_object(request, unquote(object_id))
        if event is None or self.has_change_permission(request, event):
            return None
        if not self.has_view_permission(request, event):
            raise PermissionDenied
        self.message_user(
            request,
            _("This event is cancelled or archived and can no longer be changed."),
            messages.ERROR,
        )
        return HttpResponseRedirect(self.page_url("change", event))

    def render_change_form(  # noqa: PLR0913, PLR0917 - Django's own signature
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Event | None = None,
    ) -> HttpResponse:
        context["title"] = gettext("New event") if obj is None else obj.title
        context["subtitle"] = None
        context["is_draft"] = obj is None or obj.is_draft
        if obj is not None:
            context["tools"] = self.tools(request, obj)
            context["chip"] = status_chip(obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def save_model(self, request: HttpRequest, obj: Event, form: EventForm, change: bool) -> None:
        """Save through the services. Raises Refusal."""
        if not change:
            create_event(obj, creator=person(request), publish=form.publishes)
            return
        stored = change_event(obj, changes=form.changes, by=person(request), publish=form.publishes)
        obj.status = stored.status

    def delete_model(self, request: HttpRequest, obj: Event) -> None:
        delete_draft(obj)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Django's; a draft that was published meanwhile is told, not deleted."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return HttpResponseRedirect(reverse("admin:events_event_changelist"))

    def response_add(
        self, request: HttpRequest, obj: Event, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self.response_change(request, obj)

    def response_change(self, request: HttpRequest, obj: Event) -> HttpResponse:
        self.message_user(request, self._saved_message(obj), messages.SUCCESS)
        return self.response_post_save_change(request, obj)

    def _saved_message(self, event: Event) -> SafeString:
        if event.is_draft:
            words = gettext("“{}” is saved as a draft. Only its organisers see it. {}")
            link, text = self.page_url("change", event), gettext("Edit it")
        else:
            words = gettext("“{}” is saved and public. {}")
            link, text = event.get_absolute_url(), gettext("See it on the site")
        return format_html(words, event.title, format_html('<a href="{}">{}</a>', link, text))
