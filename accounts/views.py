"""A person's own pages. allauth's views answer everything else under /accounts/."""

from typing import cast

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts import services
from accounts.forms import BecomeOrganiserForm, ProfileForm
from accounts.forms.entrance import ReauthenticateForm
from accounts.models import User
from evento.refusals import Refusal


def signed_in(request: HttpRequest) -> User:
    """A copy of the signed-in person: a form that fails must not change what the frame shows."""
    return User.objects.get(pk=cast("User", request.user).pk)


@login_required
@never_cache
def profile(request: HttpRequest) -> HttpResponse:
    """GET: the profile. POST: change display name, username or time zone."""
    form = ProfileForm(request.POST or None, instance=signed_in(request))
    if request.method == "POST" and form.is_valid():
        try:
            services.change_profile(cast("User", request.user), changes=form.cleaned_data)
        except Refusal as refusal:
            form.add_error("username", str(refusal))
        else:
            messages.success(request, _("Your profile is saved."))
            return redirect("accounts:profile")
    return render_profile(request, form=form)


@login_required
@require_POST
def become_organiser(request: HttpRequest) -> HttpResponse:
    """Enter the organiser code later (SPEC 1)."""
    person = cast("User", request.user)
    if person.is_organiser:
        return redirect("accounts:profile")
    form = BecomeOrganiserForm(request.POST)
    if not form.is_valid():
        return render_profile(request, code_form=form)
    services.grant_organiser_class(person)
    messages.success(request, _("You are an organiser now. You can publish events."))
    return redirect("accounts:profile")


def render_profile(
    request: HttpRequest,
    *,
    form: ProfileForm | None = None,
    code_form: BecomeOrganiserForm | None = None,
) -> HttpResponse:
    failed = any(shown is not None and shown.is_bound for shown in (form, code_form))
    context = {
        "form": form or ProfileForm(instance=signed_in(request)),
        "code_form": code_form or BecomeOrganiserForm(),
    }
    return render(request, "accounts/profile.html", context, status=422 if failed else 200)


@login_required
@never_cache
def export(request: HttpRequest) -> HttpResponse:
    """GET: what the file holds. POST: the file, JSON."""
    if request.method != "POST":
        return render(request, "accounts/export.html")
    data = services.export_personal_data(cast("User", request.user))
    response = JsonResponse(data, json_dumps_params={"indent": 2, "ensure_ascii": False})
    response["Content-Disposition"] = 'attachment; filename="evento-my-data.json"'
    return response


@sensitive_post_parameters("password")
@login_required
@never_cache
def delete(request: HttpRequest) -> HttpResponse:
    """GET: what deleting means. POST, with the password: delete the account and sign out.

    Wrong passwords count against the limits of sign-in.
    """
    person = cast("User", request.user)
    form = ReauthenticateForm(request.POST or None, user=person)
    if request.method != "POST" or not form.is_valid():
        status = 422 if form.is_bound else 200
        return render(request, "accounts/delete.html", {"form": form}, status=status)
    try:
        services.close_account(person)
    except Refusal as refusal:
        context = {"form": ReauthenticateForm(user=person), "refusal": refusal}
        return render(request, "accounts/delete.html", context, status=refusal.status)
    logout(request)
    messages.success(request, _("Your account is deleted."))
    return redirect("events:list")


@login_required
@require_POST
def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign one of the person's own devices out."""
    if not services.end_sessions(cast("User", request.user), only=pk):
        raise Http404
    messages.success(request, _("That device is signed out."))
    return redirect("usersessions_list")
