"""What every page's frame needs to know."""

from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from events.permissions import may_create_events, may_enter_admin
from notifications.services import unread_count


class Navigation:
    """What the navigation shows this person; each answer asks the database once, when it is used."""

    def __init__(self, request: HttpRequest) -> None:
        self._user = request.user

    @cached_property
    def may_create(self) -> bool:
        return may_create_events(self._user)

    @cached_property
    def may_manage(self) -> bool:
        return may_enter_admin(self._user)

    @cached_property
    def unread_count(self) -> int:
        return unread_count(self._user) if self._user.is_authenticated else 0


def site(request: HttpRequest) -> dict[str, Any]:
    return {
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "nav": SimpleLazyObject(lambda: Navigation(request)),
    }
