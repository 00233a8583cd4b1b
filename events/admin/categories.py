"""The kinds of event, kept by staff."""

from django.contrib import admin
from django.http import HttpRequest

from events.models import Category


class CategoryAdmin(admin.ModelAdmin):
    """For staff alone: a category is the whole site's."""

    list_display = ["name", "slug"]
    search_fields = ["name"]
    prepopulated_fields = {"slug": ["name"]}

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.is_staff

    def has_view_permission(self, request: HttpRequest, obj: Category | None = None) -> bool:
        return request.user.is_staff

    has_change_permission = has_delete_permission = has_view_permission

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_staff
