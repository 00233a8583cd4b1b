"""What the list of events can be narrowed to. Each knows only the events of the person asking."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from events.models import Category, Event

Lookups = list[tuple[str, str]]


class StatusFilter(admin.SimpleListFilter):
    """Draft, published, cancelled; archived events only when asked for."""

    title = _("status")
    parameter_name = "status"
    ARCHIVED = "archived"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> Lookups:
        return [*Event.Status.choices, (self.ARCHIVED, _("Archived"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == self.ARCHIVED:
            return queryset.exclude(archived_at=None)
        current = queryset.filter(archived_at=None)
        if self.value() in Event.Status.values:
            return current.filter(status=self.value())
        return current


class WhenFilter(admin.SimpleListFilter):
    """Before, during or after the event."""

    title = _("time")
    parameter_name = "when"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> Lookups:
        return [("upcoming", _("Upcoming")), ("now", _("On now")), ("past", _("Past"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        now = timezone.now()
        if self.value() == "upcoming":
            return queryset.upcoming(now)
        if self.value() == "now":
            return queryset.under_way(now)
        return queryset.past(now) if self.value() == "past" else queryset


class CategoryFilter(admin.SimpleListFilter):
    """The categories that the person's own events have."""

    title = _("category")
    parameter_name = "category"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> Lookups:
        own = model_admin.get_queryset(request).order_by().values("category")
        return list(Category.objects.filter(pk__in=own).values_list("slug", "name"))

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if not self.value():
            return queryset
        known = self.value() in dict(self.lookup_choices)
        return queryset.filter(category__slug=self.value()) if known else queryset.none()
