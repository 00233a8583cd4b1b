"""Named, chainable questions about tickets."""

from __future__ import annotations

from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models

from accounts.models import User
from events.models import Event

SEARCHED = ("holder__display_name", "holder__username", "holder__email")
MAX_WORDS = 8
NAMESAKES = 1000


class TicketQuerySet(models.QuerySet[Any]):
    """Questions about tickets."""

    def valid(self) -> TicketQuerySet:
        """Tickets that nobody gave back. Those of a cancelled event are void because the event is."""
        return self.filter(status=self.model.Status.VALID)

    def held_by(self, user: User) -> TicketQuerySet:
        return self.filter(holder=user)

    def upcoming(self, now: datetime) -> TicketQuerySet:
        return self.filter(event__starts_at__gt=now)

    def latest_first(self) -> TicketQuerySet:
        """As organisers want an event's: the newest booking first."""
        return self.order_by("-booked_at", "id")

    def matching(self, text: str) -> TicketQuerySet:
        """Tickets whose holder's name, username or e-mail has every word of `text`; a whole address finds
        its person's, and a whole code, with or without its spaces, its ticket. A part of a code finds none:
        codes are secret. For tickets of one event: words are looked for in the name of every holder.
        """
        exact = self._exactly(text)
        if exact is not None:
            return exact
        found = self
        for word in text.split()[:MAX_WORDS]:
            anywhere = (models.Q(**{f"{field}__icontains": word}) for field in SEARCHED)
            found = found.filter(reduce(or_, anywhere))
        return found

    def of_code_or_email(self, text: str) -> TicketQuerySet:
        """Tickets that a whole code or a whole address names, among however many; all for no text."""
        if not text.strip():
            return self
        exact = self._exactly(text)
        return self.none() if exact is None else exact

    def of_person(self, text: str) -> TicketQuerySet:
        """One event's tickets whose holder's name or username begins with `text`, found by an index; when
        nobody's does, those that `matching` finds by reading every holder.
        """
        name = " ".join(text.split())
        if self._exactly(text) is None and name:
            found = self._whose_name_begins(name)
            if found.exists():
                return found
        return self.matching(text)

    def _whose_name_begins(self, name: str) -> TicketQuerySet:
        begins = models.Q(display_name__istartswith=name) | models.Q(username__istartswith=name)
        people = User.objects.filter(begins)
        # Asked for by themselves: PostgreSQL prepares statements, and one for both that holds for any name
        # looks less dear to it than it is, so it would read all the event's holders.
        few = list(people.values_list("pk", flat=True)[: NAMESAKES + 1])
        return self.filter(holder__in=few if len(few) <= NAMESAKES else people)

    def _exactly(self, text: str) -> TicketQuerySet | None:
        """What a whole code or a whole address finds, by an index; None when `text` is neither."""
        digits = "".join(text.split())
        if len(digits) == self.model._meta.get_field("code").max_length and digits.isdecimal():
            return self.filter(code=digits)
        try:
            validate_email(text.strip())
        except ValidationError:
            return None
        return self.filter(holder__email=text.strip().lower())  # addresses are kept in lower case

    def managed_by(self, user: User) -> TicketQuerySet:
        """Tickets of the events that `user` manages (SPEC 1)."""
        if user.is_authenticated and user.is_staff:
            return self.all()
        return self.filter(event__in=Event.objects.managed_by(user))

    def visible_to(self, user: User) -> TicketQuerySet:
        """A person's own tickets and those of the events they manage (SPEC 3)."""
        return self.filter(
            models.Q(holder=user) | models.Q(event__in=Event.objects.managed_by(user))
        )

    def with_ahead(self, now: datetime) -> TicketQuerySet:
        """With `ahead`: whether it still lets its holder in."""
        end = models.F("event__starts_at") + models.F("event__duration")
        ahead = models.Q(
            status=self.model.Status.VALID, event__status=Event.Status.PUBLISHED, ends__gt=now
        )
        return self.alias(
            ends=models.ExpressionWrapper(end, output_field=models.DateTimeField())
        ).annotate(ahead=models.Case(models.When(ahead, then=True), default=False))

    def upcoming_first(self, now: datetime) -> TicketQuerySet:
        """As one wants one's own: what still lets one in, soonest first; then the past and cancelled
        ones, latest first.
        """
        soonest = models.Case(models.When(ahead=True, then=models.F("event__starts_at")))
        return self.with_ahead(now).order_by("-ahead", soonest, "-event__starts_at", "id")
