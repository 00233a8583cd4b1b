"""What pages are measured by: views that do next to nothing, behind the same server and middleware."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import include, path
from django.utils import timezone
from django.views.decorators.http import require_POST

from events.models import Event

LIST = engines["django"].from_string(
    '{% extends "base.html" %}{% block content %}'
    '{% for event in events %}{% include "events/_card.html" %}{% endfor %}'
    "{% endblock %}"
)
CARDS = 20


@require_POST
@login_required
def signed_in_post(request: HttpRequest) -> HttpResponse:
    """A form of somebody who is signed in, with its CSRF token, that changes nothing."""
    return HttpResponse(status=204)


def empty(request: HttpRequest) -> HttpResponse:
    """Nothing, for anybody."""
    return HttpResponse()


@login_required
def plain_list(request: HttpRequest) -> HttpResponse:
    """20 cards from one query, with nothing of the reader's own on them."""
    now = timezone.now()
    events = Event.objects.published().upcoming(now).order_by("starts_at", "id")[:CARDS]
    return HttpResponse(LIST.render({"events": events, "now": now}, request))


urlpatterns = [
    path("yardsticks/signed-in-post/", signed_in_post),
    path("yardsticks/empty/", empty),
    path("yardsticks/list/", plain_list),
    path("", include("evento.urls")),
]
