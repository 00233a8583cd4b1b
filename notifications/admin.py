"""Staff see what became of mails and send parked ones again. No page shows a mail's text or context."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from notifications import kinds, services
from notifications.models import Announcement, OutgoingEmail


class StaffReadOnlyAdmin(admin.ModelAdmin):
    """For staff alone, and only to look."""

    # Everything the list may be asked for: other look-ups would spell out texts that no page shows.
    lookups: frozenset[str] = frozenset()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_staff)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return lookup in self.lookups

    @admin.display(description=_("kind"), ordering="kind")
    def kind_label(self, row: Announcement | OutgoingEmail) -> str:
        if row.kind == services.ACCOUNT_MAIL:
            return str(_("Account e-mail"))
        kind = kinds.find(row.kind)
        return row.kind if kind is None else str(kind.label)


@admin.register(OutgoingEmail)
class OutgoingEmailAdmin(StaffReadOnlyAdmin):
    """The outbox. Parked mails are the ones that wait for a person."""

    list_display = ("address", "kind_label", "state", "attempts", "last_error", "created_at")
    list_filter = ("state", "priority", "created_at")
    lookups = frozenset({"state__exact", "priority__exact", "created_at__gte", "created_at__lt"})
    search_fields = ("address", "kind")
    show_full_result_count = False
    actions = ("send_again",)
    fields = (
        "address",
        "kind_label",
        "state",
        "attempts",
        "last_error",
        "created_at",
        "next_attempt_at",
        "sent_at",
    )
    change_form_template = "admin/notifications/outgoingemail/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        again = path(
            "<uuid:mail_id>/send-again/",
            self.admin_site.admin_view(require_POST(self.send_again_view)),
            name="notifications_outgoingemail_send_again",
        )
        return [again, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> "QuerySet[OutgoingEmail]":
        return super().get_queryset(request).defer("message", "context")

    @admin.action(description=_("Send again"), permissions=["view"])
    def send_again(self, request: HttpRequest, queryset: "QuerySet[OutgoingEmail]") -> None:
        self._report(request, sum(services.unpark(mail) for mail in queryset))

    def send_again_view(self, request: HttpRequest, mail_id: Any) -> HttpResponse:
        if not self.has_view_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        mail = get_object_or_404(self.get_queryset(request), pk=mail_id)
        self._report(request, int(services.unpark(mail)))
        return redirect("admin:notifications_outgoingemail_change", mail.pk)

    def _report(self, request: HttpRequest, count: int) -> None:
        if not count:
            self.message_user(
                request, _("Only parked e-mails can be sent again."), messages.WARNING
            )
            return
        text = ngettext(
            "%(n)d e-mail will be sent again.", "%(n)d e-mails will be sent again.", count
        )
        self.message_user(request, text % {"n": count}, messages.SUCCESS)


@admin.register(Announcement)
class AnnouncementAdmin(StaffReadOnlyAdmin):
    """Causes that concern many, and whether everybody concerned has a notice by now."""

    list_display = ("kind_label", "caused_at", "expanded_at", "last_error")
    list_filter = ("caused_at",)
    lookups = frozenset({"caused_at__gte", "caused_at__lt"})
    show_full_result_count = False
    fields = ("kind_label", "caused_at", "expanded_at", "next_attempt_at", "last_error")
