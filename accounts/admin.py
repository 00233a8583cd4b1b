"""People, for staff alone: organisers see nobody but the holders of their events' tickets."""

from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from accounts import services
from accounts.models import User
from evento.changelists import EndlessListAdmin

FIELDS = [
    "username",
    "display_name",
    "email",
    "time_zone",
    "role",
    "is_active",
    "is_staff",
    "is_superuser",
    "date_joined",
    "last_login",
]

# Everything the list may be asked for: a look-up of the password would spell its hash out bit by bit.
LOOKUPS = frozenset(
    {
        *(f"{name}__exact" for name in ("role", "is_active", "is_staff")),
        *(f"date_joined__{part}" for part in ("year", "month", "day", "gte", "lt")),
    }
)

admin.site.unregister(Group)


@admin.register(User)
class PersonAdmin(EndlessListAdmin):
    """Find a person; change their class, or switch the account off. People change the rest themselves."""

    list_display = [
        "username",
        "display_name",
        "email",
        "role",
        "is_active",
        "is_staff",
        "date_joined",
    ]
    list_filter = ["role", "is_active", "is_staff"]
    search_fields = ["username", "display_name", "email"]
    search_help_text = _("Username, display name or e-mail address")
    newest_by = ("date_joined", "id")
    actions = None
    fields = [*FIELDS]

    def get_urls(self) -> list[URLPattern]:
        remove = require_http_methods(["GET", "HEAD", "POST"])(self.remove_factors_view)
        return [
            path(
                "<uuid:user_id>/second-factors/remove/",
                self.admin_site.admin_view(remove),
                name="accounts_user_remove_factors",
            ),
            *super().get_urls(),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        """Class and activity are staff's to decide; who is staff, a superuser's. Never about oneself."""
        editable = {"role", "is_active"}
        if request.user.is_superuser:
            editable |= {"is_staff", "is_superuser"}
        if obj is None or not may_decide_about(obj, request):
            editable = set()
        return [name for name in FIELDS if name not in editable]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return request.user.is_active and request.user.is_staff

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return self.has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return lookup in LOOKUPS

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Django's, with a way to the removal of second factors where there are any."""
        person = self.get_object(request, object_id)
        removable = (
            person is not None
            and may_decide_about(person, request)
            and Authenticator.objects.filter(user=person).exists()
        )
        context = {"has_removable_factors": removable} | (extra_context or {})
        return super().change_view(request, object_id, form_url, context)

    def remove_factors_view(self, request: HttpRequest, user_id: UUID) -> HttpResponse:
        """GET asks; POST lets somebody who lost their second factor in with the password alone."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        person = get_object_or_404(User, pk=user_id)
        if not may_decide_about(person, request):
            raise PermissionDenied
        change_url = reverse("admin:accounts_user_change", args=[person.pk])
        if request.method == "POST":
            services.remove_second_factors(person)
            self.log_change(request, person, gettext("Removed the second factors."))
            told = _("%(name)s can sign in with the password alone.") % {"name": person}
            self.message_user(request, told, messages.SUCCESS)
            return HttpResponseRedirect(change_url)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Remove second factors"),
            "opts": self.opts,
            "person": person,
            "change_url": change_url,
        }
        return TemplateResponse(request, "admin/accounts/user/remove_factors.html", context)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        services.change_standing(
            obj, changes={name: form.cleaned_data[name] for name in form.changed_data}
        )


def may_decide_about(person: User, request: HttpRequest) -> bool:
    """Not about oneself, a deleted account, or somebody above."""
    return not (person.pk == request.user.pk or is_closed(person) or outranks(person, request))


def is_closed(person: User) -> bool:
    return person.username.startswith(User.CLOSED_PREFIX)


def outranks(person: User, request: HttpRequest) -> bool:
    return person.is_superuser and not request.user.is_superuser
