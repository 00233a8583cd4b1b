"""The bell's pages: my notices, which of them come by e-mail, and leaving a kind from a mail's link."""

from dataclasses import dataclass
from typing import cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from evento.http.pagination import BadCursor, keyset_page
from notifications import kinds, services
from notifications.mail import read_unsubscribe_token
from notifications.models import Notification


@dataclass(frozen=True)
class Shown:
    """One notice as the list shows it."""

    notice: Notification
    bell: kinds.Bell
    icon: str


@never_cache
@login_required
@require_safe
def notice_list(request: HttpRequest) -> HttpResponse:
    """My notices, newest first. Reading the list marks nothing: signed-in GETs write nothing."""
    mine = Notification.objects.filter(recipient=request.user)  # type: ignore[misc]
    try:
        page = keyset_page(
            mine,
            fields=("created_at", "id"),
            newest_first=True,
            cursor=request.GET.get("after", ""),
        )
    except BadCursor:
        messages.info(request, _("That page does not exist any more. Here are your newest."))
        return redirect("notifications:list")
    context = {
        "notices": [_shown(notice) for notice in page.rows],
        "next_cursor": page.next_cursor,
        "is_first": page.after is None,
    }
    return render(request, "notifications/list.html", context)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def open_notice(request: HttpRequest, notice_id: UUID) -> HttpResponse:
    """Lead to what a notice is about; POST marks it as read, and stays on the list if asked to."""
    notice = get_object_or_404(Notification, pk=notice_id, recipient=request.user)
    if request.method == "POST":
        services.mark_read(notice, by=_person(request))
        if "stay" in request.POST:
            return redirect("notifications:list")
    return redirect(notice.url or "notifications:list")


@login_required
@require_POST
def mark_all_read(request: HttpRequest) -> HttpResponse:
    services.mark_all_read(_person(request))
    return redirect("notifications:list")


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """Which notices also come by e-mail. Mandatory ones are listed and cannot be switched off."""
    person = _person(request)
    if request.method == "POST":
        services.set_preferences(person, wanted=set(request.POST.getlist("kind")))
        messages.success(request, _("Your choice is saved."))
        return redirect("notifications:preferences")
    unwanted = set(person.email_opt_outs.values_list("kind", flat=True))
    optional = [(kind, kind.name not in unwanted) for kind in kinds.optional_kinds()]
    context = {"optional": optional, "mandatory": kinds.mandatory_kinds()}
    return render(request, "notifications/preferences.html", context)


@never_cache
@csrf_exempt  # mail programs post here for their reader, without a session (RFC 8058)
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """No more mails of one kind, from the link in one of them. GET asks; only POST acts."""
    try:
        user_id, name = read_unsubscribe_token(token)
    except (signing.BadSignature, ValueError):
        raise Http404 from None
    kind = kinds.find(name)
    if kind is None or not kind.optional:
        raise Http404
    done = request.method == "POST"
    if done:
        services.opt_out(get_object_or_404(User, pk=user_id, is_active=True), kind=name)
    return render(request, "notifications/unsubscribe.html", {"kind": kind, "done": done})


def _shown(notice: Notification) -> Shown:
    kind = kinds.find(notice.kind)
    return Shown(notice, kinds.bell_of(notice), "bell" if kind is None else kind.icon)


def _person(request: HttpRequest) -> User:
    """The signed-in person, after `login_required`."""
    return cast(User, request.user)
