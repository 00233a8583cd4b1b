"""Who has a place."""

import secrets
import uuid

from django.conf import settings
from django.core.validators import MaxLengthValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from evento.links import PageAddress
from evento.statements import Lookup
from events.models import Event
from tickets.querysets import TicketQuerySet

# SPEC 3: digits, because Code 128 set C packs two in one symbol, so that the bars stay wide enough to
# scan on a 360-pixel phone.
CODE_LENGTH = 20
NOTE_LENGTH = 500
SUBJECT_LENGTH = 100
MESSAGE_LENGTH = 2000
_PAGE = PageAddress("tickets:detail", example="00000000-0000-4000-8000-000000000000")


def random_code() -> str:
    """A new unguessable ticket code: 20 random digits (SPEC 3)."""
    return f"{secrets.randbelow(10**CODE_LENGTH):0{CODE_LENGTH}d}"


class Ticket(models.Model):
    """One person's place at one event. A ticket of a cancelled event is void because the event is."""

    class Status(models.TextChoices):
        VALID = "valid", _("Valid")
        CANCELLED = "cancelled", _("Cancelled")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey(
        Event,
        on_delete=models.PROTECT,
        related_name="tickets",
        db_index=False,  # tickets_by_event begins with it
    )
    holder = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="tickets"
    )
    code = models.CharField(
        _("code"),
        max_length=CODE_LENGTH,
        unique=True,
        editable=False,
        validators=[RegexValidator(r"^[0-9]{20}$")],
    )
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.VALID)
    note = models.CharField(
        _("note to the organisers"),
        max_length=NOTE_LENGTH,
        blank=True,
        help_text=_("Access needs, say. Seen by you and the organisers only."),
    )
    booked_at = models.DateTimeField(_("booked"))
    cancelled_at = models.DateTimeField(_("cancelled"), null=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects = TicketQuerySet.as_manager()

    class Meta:
        ordering = ["booked_at", "id"]
        verbose_name = _("ticket")
        verbose_name_plural = _("tickets")
        constraints = [
            models.UniqueConstraint(
                fields=["event", "holder"],
                condition=Q(status="valid"),
                name="tickets_one_valid_each",
                violation_error_message=_("This person already has a ticket for this event."),
            ),
            models.CheckConstraint(
                condition=Q(status__in=["valid", "cancelled"]), name="tickets_status_known"
            ),
        ]
        indexes = [
            # The audience of an event's notices, in chunks.
            models.Index(fields=["event", "status", "id"], name="tickets_by_event"),
            # The latest bookings, asked twice a second while an organiser looks; the organisers' list.
            models.Index(fields=["event", "-booked_at"], name="tickets_latest"),
            # All events' tickets in the admin, page by page.
            models.Index(fields=["-booked_at", "-id"], name="tickets_newest"),
        ]

    def __str__(self) -> str:
        return self.code_in_groups

    def get_absolute_url(self) -> str:
        return _PAGE.of(self.pk)

    @property
    def code_in_groups(self) -> str:
        """The code as people read it: groups of four digits."""
        return " ".join(self.code[i : i + 4] for i in range(0, len(self.code), 4))

    @property
    def is_valid(self) -> bool:
        """Whether it was not given back; says nothing of the event."""
        return self.status == self.Status.VALID

    @property
    def is_void(self) -> bool:
        return self.is_valid and self.event.is_cancelled

    @property
    def admits(self) -> bool:
        """Whether the door would let its holder in: only such a ticket shows a barcode (SPEC 3)."""
        return self.is_valid and not self.event.is_cancelled


# A person's ticket for an event that they have not given back: by the event's key and the person's.
HELD = Lookup(Ticket.objects.valid, "event", "holder")


class HolderMessage(models.Model):
    """What an organiser wrote to everybody who held a ticket for their event then (SPEC 5)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey(
        Event,
        on_delete=models.PROTECT,
        related_name="messages",
        db_index=False,  # tickets_messages_latest begins with it
    )
    sender = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="sent_messages"
    )
    subject = models.CharField(_("subject"), max_length=SUBJECT_LENGTH)
    text = models.TextField(
        _("message"), max_length=MESSAGE_LENGTH, validators=[MaxLengthValidator(MESSAGE_LENGTH)]
    )
    holder_count = models.PositiveIntegerField(_("people with a ticket then"))
    sent_at = models.DateTimeField(_("sent"))

    class Meta:
        ordering = ["-sent_at", "-id"]
        verbose_name = _("message to holders")
        verbose_name_plural = _("messages to holders")
        indexes = [
            # The organisers' record, and how many were sent in the last day.
            models.Index(fields=["event", "-sent_at", "-id"], name="tickets_messages_latest"),
        ]

    def __str__(self) -> str:
        return self.subject
