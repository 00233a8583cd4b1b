"""Named, chainable questions about tickets."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models

from events.models import Event

if TYPE_CHECKING:
    from accounts.models import User


class TicketQuerySet(models.QuerySet[Any]):
    """Questions about tickets."""

    def valid(self) -> TicketQuerySet:
        """Tickets that nobody gave back. Those of a cancelled event are void because the event is."""
        return self.filter(status=self.model.Status.VALID)

    def held_by(self, user: User) -> TicketQuerySet:
        return self.filter(holder=user)

    def upcoming(self, now: datetime) -> TicketQuerySet:
        return self.filter(event__starts_at__gt=now)

    def managed_by(self, user: User) -> TicketQuerySet:
        """Tickets of the events that `user` manages (SPEC 1)."""
        return self.filter(event__in=Event.objects.managed_by(user))

    def visible_to(self, user: User) -> TicketQuerySet:
        """A person's own tickets and those of the events they manage (SPEC 3)."""
        return self.filter(
            models.Q(holder=user) | models.Q(event__in=Event.objects.managed_by(user))
        )

    def upcoming_first(self, now: datetime) -> TicketQuerySet:
        """As one wants one's own: with `ahead` for what still lets one in, soonest first; then the
        past and cancelled ones, latest first.
        """
        end = models.F("event__starts_at") + models.F("event__duration")
        ahead = models.Q(
            status=self.model.Status.VALID, event__status=Event.Status.PUBLISHED, ends__gt=now
        )
        tickets = self.alias(
            ends=models.ExpressionWrapper(end, output_field=models.DateTimeField())
        ).annotate(ahead=models.Case(models.When(ahead, then=True), default=False))
        soonest = models.Case(models.When(ahead=True, then=models.F("event__starts_at")))
        return tickets.order_by("-ahead", soonest, "-event__starts_at", "id")
