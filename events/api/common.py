"""What the operations on events share: the router, who calls, and which event is meant."""

from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import User
from evento.http.routing import Router
from events.answers import event_of
from events.finding import visible_event_or_404
from events.models import Event
from events.permissions import may_manage_event

router = Router(tags=["Events"])


def person(request: HttpRequest) -> User:
    """Who calls an operation that is not PUBLIC."""
    return cast("User", request.user)


def visible_event(request: HttpRequest, slug: str) -> Event:
    """The event, if the caller may open its page. Raises Http404."""
    return visible_event_or_404(request.user, slug)


def managed_event(request: HttpRequest, slug: str) -> Event:
    """The event, if the caller manages it. Raises PermissionDenied, or Http404 where they may not see it."""
    event = visible_event(request, slug)
    if not may_manage_event(request.user, event):
        raise PermissionDenied
    return event


def shown(request: HttpRequest, event: Event) -> dict[str, Any]:
    """`event` as the caller sees it now."""
    return event_of(event, request.user, timezone.now())
