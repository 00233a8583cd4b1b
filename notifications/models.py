"""Telling people: what the bell shows, what is to be mailed, and causes that concern many."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

KIND_LENGTH = 64
KEY_LENGTH = 200


class Announcement(models.Model):
    """One cause that concerns many people; the worker expands it in chunks (SPEC 5).

    Written in the transaction of its cause at a cost that does not depend on how many there are.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("kind"), max_length=KIND_LENGTH)
    about = models.UUIDField(_("about"))
    context = models.JSONField(default=dict)
    caused_at = models.DateTimeField(_("caused"))
    expanded_up_to = models.CharField(max_length=100, blank=True)
    expanded_at = models.DateTimeField(_("expanded"), null=True)
    next_attempt_at = models.DateTimeField(_("next attempt"), default=timezone.now)
    last_error = models.CharField(_("last error"), max_length=500, blank=True)

    class Meta:
        ordering = ["-caused_at", "id"]
        verbose_name = _("announcement")
        verbose_name_plural = _("announcements")
        indexes = [
            # The worker's question: what is still to be expanded.
            models.Index(
                fields=["next_attempt_at"],
                name="notifications_to_expand",
                condition=Q(expanded_at=None),
            ),
        ]

    def __str__(self) -> str:
        return self.kind


class Notification(models.Model):
    """One notice for one person, as the bell shows it. The context holds no code and no token."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="notifications",
        db_index=False,  # notifications_bell begins with it
    )
    kind = models.CharField(max_length=KIND_LENGTH)
    key = models.CharField(max_length=KEY_LENGTH, unique=True)
    context = models.JSONField(default=dict)
    url = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        indexes = [
            # A person's list, newest first, page by page.
            models.Index(fields=["recipient", "-created_at", "-id"], name="notifications_bell"),
            # The bell's count, asked on every page.
            models.Index(
                fields=["recipient"], name="notifications_unread", condition=Q(read_at=None)
            ),
        ]

    def __str__(self) -> str:
        return self.kind


class OutgoingEmail(models.Model):
    """One mail to one address: the outbox (SPEC 5).

    The sender loads what it is about when it sends. Only account mails, which are rendered by the
    library that knows their tokens, carry their text: in `message`, emptied once sent.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        SENDING = "sending", _("Being sent")
        SENT = "sent", _("Sent")
        PARKED = "parked", _("Parked")
        DROPPED = "dropped", _("Dropped: its cause is gone")

    class Priority(models.IntegerChoices):
        ONE = 0, _("One person waits for it")
        MANY = 1, _("One of many")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="outgoing_emails",
        verbose_name=_("recipient"),
    )
    address = models.CharField(_("address"), max_length=320)
    kind = models.CharField(_("kind"), max_length=KIND_LENGTH)
    key = models.CharField(max_length=KEY_LENGTH, unique=True)
    context = models.JSONField(default=dict)
    message = models.BinaryField(blank=True, default=b"")
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.ONE)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), default=timezone.now)
    leased_by = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    last_error = models.CharField(_("last error"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    sent_at = models.DateTimeField(_("sent"), null=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = _("outgoing e-mail")
        verbose_name_plural = _("outgoing e-mails")
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["queued", "sending", "sent", "parked", "dropped"]),
                name="notifications_email_state_known",
            ),
        ]
        indexes = [
            # The sender's claim: what is due, people who wait first.
            models.Index(
                fields=["priority", "next_attempt_at"],
                name="notifications_email_due",
                condition=Q(state="queued"),
            ),
            # Leases that ran out, because their worker died.
            models.Index(
                fields=["leased_until"],
                name="notifications_email_leased",
                condition=Q(state="sending"),
            ),
            # Staff look at what is parked.
            models.Index(
                fields=["-created_at", "-id"],
                name="notifications_email_parked",
                condition=Q(state="parked"),
            ),
            # Mails to addresses nobody had here: found when their later owner's account closes.
            models.Index(
                Upper("address"),
                name="notifications_email_stranger",
                condition=Q(recipient=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} → {self.address}"

    @property
    def is_parked(self) -> bool:
        return self.state == self.State.PARKED


class EmailOptOut(models.Model):
    """A person does not want one optional kind of notice by e-mail. The bell still shows it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="email_opt_outs",
        db_index=False,  # the constraint begins with it
    )
    kind = models.CharField(max_length=KIND_LENGTH)

    class Meta:
        verbose_name = _("e-mail switched off")
        verbose_name_plural = _("e-mails switched off")
        constraints = [
            models.UniqueConstraint(fields=["user", "kind"], name="notifications_opt_out_once"),
        ]

    def __str__(self) -> str:
        return self.kind


class PublicChange(models.Model):
    """What everybody may know of something is another now: what the live stream is fed by (SPEC 6).

    Its serial id is no secret, because only public changes have one. Ids follow the order of commits
    and have no gaps: on PostgreSQL a trigger assigns them under a lock and wakes the listeners.
    """

    id = models.BigAutoField(primary_key=True)
    about = models.UUIDField()
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]
        verbose_name = _("public change")
        verbose_name_plural = _("public changes")

    def __str__(self) -> str:
        return f"{self.pk} {self.about}"


class WorkerHeartbeat(models.Model):
    """A mail worker and when it last said that it works. One that was killed leaves a row that ages."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    started_at = models.DateTimeField(default=timezone.now)
    beaten_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-beaten_at"]
        verbose_name = _("worker's heartbeat")
        verbose_name_plural = _("workers' heartbeats")

    def __str__(self) -> str:
        return f"{self.pk} {self.beaten_at:%Y-%m-%d %H:%M:%S}"
