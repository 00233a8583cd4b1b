"""The admin, entered through the site's own doors (SPEC 1)."""

from typing import Any, cast
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from events.models import Event
from events.permissions import may_create_events, may_enter_admin

# The apps whose models are about people; most are the account library's.
ABOUT_PEOPLE = frozenset({"account", "accounts", "mfa", "usersessions"})
NEXT_EVENTS = 5


def next_events(user: User) -> list[dict[str, Any]]:
    """The next events that a person manages, with what the admin's first page says of each."""
    from events.admin.showing import places_bar, start_line  # noqa: PLC0415 - registers on the site

    coming = Event.objects.managed_by(user).published().upcoming(timezone.now())
    tickets = reverse("admin:tickets_ticket_changelist")
    return [
        {
            "event": event,
            "start": start_line(event),
            "places": places_bar(event),
            "url": reverse("admin:events_event_change", args=[event.pk]),
            "tickets_url": f"{tickets}?{urlencode({'event': event.pk})}",
        }
        for event in coming.order_by("starts_at", "id")[:NEXT_EVENTS]
    ]


class EventoAdminSite(admin.AdminSite):
    """Open to staff and organisers; `is_staff` means staff only."""

    site_title = _("Evento")
    site_header = _("Evento")
    index_title = _("Manage")
    enable_nav_sidebar = False  # the list and the form need the width more

    def has_permission(self, request: HttpRequest) -> bool:
        return may_enter_admin(request.user)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Django's, but "view on site" opens only what the person may see in here."""
        shortcut = path(
            "r/<int:content_type_id>/<uuid:object_id>/",
            self.admin_view(self.view_on_site),
            name="view_on_site",
        )
        kept = [url for url in super().get_urls() if getattr(url, "name", "") != shortcut.name]
        return [shortcut, *kept]

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Django's, with everything about people under one heading, and events first."""
        apps: dict[str, Any] = {}
        for app in super().get_app_list(request, app_label):
            label = "accounts" if app["app_label"] in ABOUT_PEOPLE else app["app_label"]
            if label in apps:
                apps[label]["models"] += app["models"]
            else:
                apps[label] = app | ({"name": _("People")} if label == "accounts" else {})
        return sorted(apps.values(), key=lambda app: app["app_label"] not in {"events", "tickets"})

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Django's, headed by the next events that the person manages."""
        user = cast("User", request.user)
        context = {"next_events": next_events(user), "may_create": may_create_events(user)}
        return super().index(request, context | (extra_context or {}))

    def view_on_site(
        self, request: HttpRequest, content_type_id: int, object_id: str
    ) -> HttpResponse:
        """Lead to an object's public page. Raises Http404 for whatever its admin would not show."""
        kind = ContentType.objects.filter(pk=content_type_id).first()
        model = kind.model_class() if kind else None
        if model not in self._registry or not hasattr(model, "get_absolute_url"):
            raise Http404
        model_admin = self._registry[model]
        found = model_admin.get_object(request, str(object_id))
        if found is None or not model_admin.has_view_permission(request, found):
            raise Http404
        return redirect(found)

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Lead to the site's sign-in, so that verification, limits and second factors hold here too.

        Raises PermissionDenied for people who are signed in and manage nothing.
        """
        wanted = request.GET.get("next") or reverse("admin:index")
        if self.has_permission(request):
            return redirect("admin:index")
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(wanted, resolve_url("account_login"))

    def logout(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Lead to the site's sign-out page."""
        return redirect("account_logout")

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Lead to the site's page for changing the password."""
        return redirect("account_change_password")

    password_change_done = password_change
