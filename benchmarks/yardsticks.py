"""What pages are measured by: views that do next to nothing, behind the same server and middleware."""

from functools import cache

from django.contrib.auth.decorators import login_required
from django.contrib.auth.hashers import check_password, make_password
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.template import engines
from django.template.loader import render_to_string
from django.urls import include, path
from django.utils import timezone
from django.views.decorators.http import require_POST

from benchmarks.signing_in import PASSWORD
from events.models import Event
from tickets.states import card_context

LIST = engines["django"].from_string(
    '{% extends "base.html" %}{% block content %}'
    '{% for event, mine in cards %}{% include "events/_card.html" %}{% endfor %}'
    "{% endblock %}"
)
CARDS = 20


@require_POST
@login_required
def signed_in_post(request: HttpRequest) -> HttpResponse:
    """A form of somebody who is signed in, with its CSRF token, that changes nothing."""
    return HttpResponse(status=204)


@require_POST
def password(request: HttpRequest) -> HttpResponse:
    """A sign-in form of which only the password is checked, and always against the same one."""
    return HttpResponse(status=204 if check_password(request.POST["password"], _hashed()) else 403)


@cache
def _hashed() -> str:
    return make_password(PASSWORD)


def empty(request: HttpRequest) -> HttpResponse:
    """Nothing, for anybody."""
    return HttpResponse()


@login_required
def plain_list(request: HttpRequest) -> HttpResponse:
    """20 cards from one query, made anew each time, with nothing of the reader's own on them."""
    now, token = timezone.now(), get_token(request)
    events = Event.objects.published().upcoming(now).order_by("starts_at", "id")[:CARDS]
    cards = [(event, card_context(request.user, event, None, now=now)) for event in events]
    return HttpResponse(
        LIST.render(
            {
                "cards": [
                    (event, render_to_string("tickets/_card.html", {**mine, "csrf_token": token}))
                    for event, mine in cards
                ]
            },
            request,
        )
    )


urlpatterns = [
    path("yardsticks/signed-in-post/", signed_in_post),
    path("yardsticks/password/", password),
    path("yardsticks/empty/", empty),
    path("yardsticks/list/", plain_list),
    path("", include("evento.urls")),
]
