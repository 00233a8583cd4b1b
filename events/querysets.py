"""Named, chainable questions about events."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from allauth.account.models import EmailAddress
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, models, transaction
from django.db.models import (
    Case,
    Count,
    DateTimeField,
    Exists,
    ExpressionWrapper,
    F,
    Min,
    OuterRef,
    Q,
    When,
    Window,
)
from django.db.models.functions import Lower, RowNumber
from django.db.models.lookups import GreaterThan
from django.utils.translation import gettext_lazy as _

from evento.database import violates
from evento.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from accounts.models import User

# Longer events are entered as several; it bounds the search for what is on now to a range of starts.
MAX_DURATION = timedelta(days=31)
FEW_YEARS = 10


def start_frozen() -> Refusal:
    return Refusal(
        "start_frozen",
        _(
            "The date, time and time zone of a published event can never change, because people have "
            "planned with them. Copy it as a new draft, and cancel this one if it cannot take place."
        ),
    )


@contextmanager
def frozen_start_told() -> Iterator[None]:
    """Turn the database's own refusal to move a published start into the sentence (SPEC 2)."""
    try:
        with transaction.atomic():  # a savepoint, so that the caller's transaction stays usable
            yield
    except IntegrityError as error:
        if violates(error, constraint="events_event_start_frozen"):
            raise start_frozen() from error
        raise


def next_first(now: datetime) -> list[Any]:
    """The order in which organisers want events: on or coming, soonest first; then past, latest first."""
    end = ExpressionWrapper(F("starts_at") + F("duration"), output_field=DateTimeField())
    ahead = Case(When(GreaterThan(end, now), then="starts_at"))
    return [
        ahead.asc(nulls_last=True),
        ExpressionWrapper(F("starts_at"), output_field=DateTimeField()).desc(),
        "id",
    ]


class EventQuerySet(models.QuerySet["Any"]):
    """Questions about events. `visible_to` and `managed_by` are how faces get theirs."""

    def update(self, **values: Any) -> int:
        """As Django's; raises Refusal `start_frozen` where it would move a published event's start."""
        with frozen_start_told():
            return super().update(**values)

    update.alters_data = True  # type: ignore[attr-defined]

    def bulk_update(self, *args: Any, **kwargs: Any) -> int:
        """As Django's, refusing like `update`; the caller's transaction stays usable."""
        with transaction.atomic():
            return super().bulk_update(*args, **kwargs)

    bulk_update.alters_data = True  # type: ignore[attr-defined]

    def published(self) -> EventQuerySet:
        return self.filter(status=self.model.Status.PUBLISHED, archived_at=None)

    def public(self) -> EventQuerySet:
        """Events with a public page: published and cancelled ones that are not archived."""
        return self.exclude(status=self.model.Status.DRAFT).filter(archived_at=None)

    def visible_to(self, user: User | AnonymousUser) -> EventQuerySet:
        """Events whose page `user` may open: the public ones, and those they manage."""
        if not user.is_authenticated:
            return self.public()
        public = ~Q(status=self.model.Status.DRAFT) & Q(archived_at=None)
        return self.filter(public | self._managed(user))

    def managed_by(self, user: User | AnonymousUser) -> EventQuerySet:
        """Events that `user` may manage: all for staff, else those they organise (SPEC 1)."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(self._managed(user))

    def _managed(self, user: User) -> Q:
        if user.is_staff:
            return Q(pk__isnull=False)
        organised = self.model.organisers.through.objects.filter(event=OuterRef("pk"), user=user)
        return Q(Exists(organised))

    def upcoming(self, now: datetime) -> EventQuerySet:
        return self.filter(starts_at__gt=now)

    def with_end(self) -> EventQuerySet:
        end = ExpressionWrapper(F("starts_at") + F("duration"), output_field=DateTimeField())
        return self.alias(ends=end)

    def under_way(self, now: datetime) -> EventQuerySet:
        """Started and not ended. The lower bound on the start lets the index serve it."""
        return self.with_end().filter(
            starts_at__lte=now, starts_at__gt=now - MAX_DURATION, ends__gt=now
        )

    def past(self, now: datetime) -> EventQuerySet:
        return self.with_end().filter(starts_at__lte=now, ends__lte=now)

    def next_first(self, now: datetime) -> EventQuerySet:
        """What is on or comes next first; then the past ones, latest first."""
        return self.order_by(*next_first(now))

    def dates(self, field_name: str, kind: Any, order: Any = "ASC") -> Any:
        """As Django's, which reads every row; a few years of starts are looked for one by one, by an index.

        The admin's list of events asks for them.
        """
        if (field_name, kind, order) != ("starts_on", "year", "ASC"):
            return super().dates(field_name, kind, order)
        years: list[date] = []
        later = self
        while first := later.aggregate(first=Min("starts_on"))["first"]:
            if len(years) == FEW_YEARS:
                return super().dates(field_name, kind, order)
            years.append(first.replace(month=1, day=1))
            later = self.filter(starts_on__year__gt=first.year)
        return years

    def first_of_each_day(
        self, most: int, beside: Collection[UUID], now: datetime
    ) -> EventQuerySet:
        """So many of each day, the first to start; those `beside`, and all that are cancelled (SPEC 2).

        Each with `of_day`, how many its day has, and `ahead_of_day`, how many of them the list of what is
        on or comes shows.
        """
        number = Window(RowNumber(), partition_by="starts_on", order_by=["starts_at", "id"])
        cancelled = Q(status=self.model.Status.CANCELLED)
        ahead = Count("pk", filter=Q(ends__gt=now) & ~cancelled)
        return (
            self.with_end()
            .annotate(
                number_of_day=number,
                of_day=Window(Count("pk"), partition_by="starts_on"),
                ahead_of_day=Window(ahead, partition_by="starts_on"),
            )
            .filter(Q(number_of_day__lte=most) | cancelled | Q(pk__in=beside))
            .order_by("starts_at", "id")
        )

    def available(self) -> EventQuerySet:
        """Drops events that are FULL, and nothing else: that much is public (SPEC 2)."""
        return self.filter(places_taken__lt=F("capacity"))


class OrganiserOfferQuerySet(models.QuerySet["Any"]):
    """Questions about offers to organise."""

    def made_to(self, user: User) -> OrganiserOfferQuerySet:
        """Offers to an address that `user` has verified: theirs to accept (SPEC 1)."""
        address = Lower(OuterRef("email"))
        verified = EmailAddress.objects.alias(address=Lower("email")).filter(
            user=user, verified=True, address=address
        )
        return self.filter(Exists(verified))
