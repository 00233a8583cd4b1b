"""People, for staff alone: organisers see nobody but the holders of their events' tickets."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import services
from accounts.models import User

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
class PersonAdmin(admin.ModelAdmin):
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
    ordering = ["-date_joined"]
    date_hierarchy = "date_joined"
    actions = None
    fields = [*FIELDS]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        """Class and activity are staff's to decide; who is staff, a superuser's. Never about oneself."""
        editable = {"role", "is_active"}
        if request.user.is_superuser:
            editable |= {"is_staff", "is_superuser"}
        if obj is None or obj.pk == request.user.pk or is_closed(obj) or outranks(obj, request):
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

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        services.change_standing(
            obj, changes={name: form.cleaned_data[name] for name in form.changed_data}
        )


def is_closed(person: User) -> bool:
    return person.username.startswith(User.CLOSED_PREFIX)


def outranks(person: User, request: HttpRequest) -> bool:
    return person.is_superuser and not request.user.is_superuser
