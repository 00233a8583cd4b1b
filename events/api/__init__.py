"""Events, for programs (SPEC 2, 7, 8)."""

from events.api import finding, managing
from events.api.common import managed_event, person, router, visible_event

__all__ = ["finding", "managed_event", "managing", "person", "router", "visible_event"]
