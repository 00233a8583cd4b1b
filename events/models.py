"""What is on: events, their categories and their organisers."""

import secrets
import uuid
import zoneinfo
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from accounts.models import validate_time_zone
from evento.links import PageAddress
from events.covers import CoverField
from events.querysets import (
    MAX_DURATION,
    EventQuerySet,
    OrganiserOfferQuerySet,
    frozen_start_told,
)

SLUG_TITLE_LENGTH = 60
SLUG_ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"  # no look-alikes: people read links aloud
SLUG_RANDOM_LENGTH = 8
_PAGE = PageAddress("events:detail", example="a-slug")


def random_slug(title: str) -> str:
    """A slug for `title` that nobody can guess or count from: title-derived plus a random part."""
    tail = "".join(secrets.choice(SLUG_ALPHABET) for _n in range(SLUG_RANDOM_LENGTH))
    head = slugify(title)[:SLUG_TITLE_LENGTH].strip("-")
    return f"{head}-{tail}" if head else tail


class LinkField(models.URLField):
    """A link; typed without a scheme, it is meant as https."""

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"assume_scheme": "https", **kwargs})

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        """To the database it is a URLField, so a migration need not know of it."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.URLField", args, kwargs


class Category(models.Model):
    """A kind of event, kept by staff."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=60, unique=True)
    slug = models.SlugField(_("slug"), max_length=60, unique=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("category")
        verbose_name_plural = _("categories")

    def __str__(self) -> str:
        return self.name


class Event(models.Model):
    """An event with a fixed number of places (SPEC 2)."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")
        CANCELLED = "cancelled", _("Cancelled")

    # Only events.services.places writes these, by raw UPDATE: a stale object must never put an old
    # count back over a new one.
    COUNTERS = frozenset(
        {"places_taken", "waiting_count", "near_capacity_at", "full_at", "capacity_rearmed_at"}
    )

    # Only services write these of a stored event, by name: a stale object must never take back that it was
    # published, cancelled or archived (SPEC 2: never back).
    STEPS = frozenset(
        {"status", "published_at", "cancelled_at", "cancellation_reason", "archived_at"}
    )

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    title = models.CharField(_("title"), max_length=150)
    slug = models.SlugField(_("slug"), max_length=80, unique=True, editable=False)
    description = models.TextField(
        _("description"), blank=True, max_length=20_000, help_text=_("You can use Markdown.")
    )
    starts_at = models.DateTimeField(_("start"))
    time_zone = models.CharField(_("time zone"), max_length=64, validators=[validate_time_zone])
    starts_on = models.DateField(
        _("date"), editable=False, help_text=_("The event's own date in its own zone.")
    )
    duration = models.DurationField(
        _("duration"),
        validators=[
            MaxValueValidator(
                MAX_DURATION,
                _("An event lasts 31 days at most. Enter a longer one as several events."),
            )
        ],
    )
    capacity = models.PositiveIntegerField(_("capacity"), validators=[MinValueValidator(1)])
    places_taken = models.PositiveIntegerField(_("places taken"), default=0, editable=False)
    waiting_count = models.PositiveIntegerField(_("waiting"), default=0, editable=False)
    location = models.CharField(
        _("place"), max_length=200, help_text=_("An event with only a link says “Online”.")
    )
    online_url = LinkField(
        _("online link"),
        max_length=500,
        blank=True,
        help_text=_("Shown only to ticket holders and organisers."),
    )
    category = models.ForeignKey(
        Category, verbose_name=_("category"), null=True, blank=True, on_delete=models.SET_NULL
    )
    cover = CoverField(_("cover picture"), upload_to="covers/", blank=True, max_length=200)
    organiser_name = models.CharField(_("organiser’s public name"), max_length=120, blank=True)
    contact = models.CharField(
        _("public contact"), max_length=200, blank=True, help_text=_("An e-mail address or a link.")
    )
    status = models.CharField(
        _("status"), max_length=10, choices=Status, default=Status.PUBLISHED, editable=False
    )
    cancellation_reason = models.TextField(
        _("reason for cancelling"), blank=True, max_length=1000, editable=False
    )
    revision = models.PositiveIntegerField(default=0, editable=False)
    published_at = models.DateTimeField(null=True, editable=False)
    cancelled_at = models.DateTimeField(null=True, editable=False)
    archived_at = models.DateTimeField(null=True, editable=False)
    near_capacity_at = models.DateTimeField(null=True, editable=False)
    full_at = models.DateTimeField(null=True, editable=False)
    capacity_rearmed_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)
    organisers = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        through="EventOrganiser",
        through_fields=("event", "user"),
        related_name="organised_events",
    )

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["starts_at", "id"]
        verbose_name = _("event")
        verbose_name_plural = _("events")
        constraints = [
            models.CheckConstraint(
                condition=Q(capacity__gte=1),
                name="events_event_capacity_at_least_one",
                violation_error_message=_("An event needs at least one place."),
            ),
            models.CheckConstraint(
                condition=Q(places_taken__gte=0) & Q(places_taken__lte=F("capacity")),
                name="events_event_places_within_capacity",
                violation_error_message=_("There are more places taken than that."),
            ),
            models.CheckConstraint(
                condition=Q(waiting_count__gte=0), name="events_event_waiting_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(duration__gt=timedelta(0), duration__lte=MAX_DURATION),
                name="events_event_duration_within_bounds",
                violation_error_message=_(
                    "An event lasts longer than nothing, and 31 days at most."
                ),
            ),
            models.CheckConstraint(
                condition=~Q(title="") & ~Q(location=""),
                name="events_event_title_and_location_given",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "published", "cancelled"]),
                name="events_event_status_known",
            ),
        ]
        indexes = [
            # The upcoming, "On now" and past lists: one status, by start.
            models.Index(fields=["status", "starts_at", "id"], name="events_event_listing"),
            # The month calendar and the date filters.
            models.Index(fields=["starts_on", "starts_at"], name="events_event_by_date"),
        ]

    def __str__(self) -> str:
        return self.title

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Save; an existing row never has its counters written, and its status only by name.

        Raises Refusal `start_frozen` when it would move a published event's start (SPEC 2).
        """
        if not self.slug:
            self.slug = random_slug(self.title)
        self.starts_on = self.local_start.date()
        if not self._state.adding:
            update_fields = self._fields_to_update(update_fields)
        with frozen_start_told():
            super().save(*args, update_fields=update_fields, **kwargs)

    def _fields_to_update(self, update_fields: Iterable[str] | None) -> set[str]:
        if update_fields is None:
            names = {field.name for field in self._meta.concrete_fields if not field.primary_key}
            return names - self.COUNTERS - self.STEPS
        names = set(update_fields)
        if forbidden := names & self.COUNTERS:
            raise ValueError(f"Only events.services.places may write {sorted(forbidden)}.")
        return names | {"starts_on"} if names & {"starts_at", "time_zone"} else names

    def get_absolute_url(self) -> str:
        return _PAGE.of(self.slug)

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    @property
    def local_start(self) -> datetime:
        """The start on the clocks of the event's own zone."""
        return self.starts_at.astimezone(self.zone)

    @property
    def ends_at(self) -> datetime:
        """Start plus duration in real time (through UTC, so a clock change inside does not count)."""
        return self.starts_at + self.duration

    @property
    def local_end(self) -> datetime:
        return self.ends_at.astimezone(self.zone)

    @property
    def is_draft(self) -> bool:
        return self.status == self.Status.DRAFT

    @property
    def is_published(self) -> bool:
        return self.status == self.Status.PUBLISHED

    @property
    def is_cancelled(self) -> bool:
        return self.status == self.Status.CANCELLED

    def is_open(self, now: datetime) -> bool:
        """Whether it is published, not archived, and has not started."""
        return self.is_published and self.archived_at is None and now < self.starts_at

    def is_under_way(self, now: datetime) -> bool:
        return self.starts_at <= now < self.ends_at

    def has_ended(self, now: datetime) -> bool:
        return self.ends_at <= now


class EventOrganiser(models.Model):
    """A person who manages an event. The creator's own row is the first."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="organiser_rows")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="organiser_rows"
    )
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    added_at = models.DateTimeField()

    class Meta:
        ordering = ["added_at", "id"]
        verbose_name = _("organiser")
        verbose_name_plural = _("organisers")
        constraints = [
            models.UniqueConstraint(fields=["event", "user"], name="events_organiser_once"),
        ]

    def __str__(self) -> str:
        return str(self.user)


class OrganiserOffer(models.Model):
    """An offer to an e-mail address to help organise one event (SPEC 1). It says nothing about
    whether the address has an account; the account that has verified it may accept.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="organiser_offers")
    email = models.EmailField(_("e-mail address"))
    offered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    offered_at = models.DateTimeField()

    objects = OrganiserOfferQuerySet.as_manager()

    class Meta:
        ordering = ["offered_at", "id"]
        verbose_name = _("offer to organise")
        verbose_name_plural = _("offers to organise")
        constraints = [
            models.UniqueConstraint("event", Lower("email"), name="events_offer_once"),
        ]

    def __str__(self) -> str:
        return self.email


__all__ = ["MAX_DURATION", "Category", "Event", "EventOrganiser", "OrganiserOffer", "random_slug"]
