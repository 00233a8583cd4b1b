"""Organisers and staff manage events here (SPEC 1, 2)."""

from django.contrib import admin

from events.admin.categories import CategoryAdmin
from events.admin.events import EventAdmin
from events.models import Category, Event

admin.site.register(Category, CategoryAdmin)
admin.site.register(Event, EventAdmin)

__all__ = ["CategoryAdmin", "EventAdmin"]
