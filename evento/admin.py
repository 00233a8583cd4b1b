"""The admin, entered through the site's own doors (SPEC 1)."""

from django.contrib import admin
from django.http import HttpRequest

from events.permissions import may_enter_admin


class EventoAdminSite(admin.AdminSite):
    """Open to staff and organisers; `is_staff` means staff only."""

    def has_permission(self, request: HttpRequest) -> bool:
        return may_enter_admin(request.user)
