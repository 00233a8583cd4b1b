"""Who people are."""

import uuid
import zoneinfo
from functools import cache
from typing import ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


@cache
def time_zone_names() -> frozenset[str]:
    """The IANA time zones known here, looked up once: zoneinfo reads 600 files each time it is asked."""
    return frozenset(zoneinfo.available_timezones())


def validate_time_zone(name: str) -> None:
    """Raise ValidationError unless `name` is an IANA time zone known here."""
    if name not in time_zone_names():
        raise ValidationError(
            _("“%(name)s” is not a time zone we know. Choose one such as Europe/London."),
            code="unknown_time_zone",
            params={"name": name},
        )


class PersonManager(UserManager["User"]):
    """Keeps addresses in lower case, as sign-up does: one mailbox, one spelling."""

    @classmethod
    def normalize_email(cls, email: str | None) -> str:
        return super().normalize_email(email).lower()

    def is_username_taken(self, username: str, *, besides: uuid.UUID | None = None) -> bool:
        """Whether somebody else has this username, in any case, or it is held (`UsernameHold`)."""
        others = self.filter(username__iexact=username)
        if besides is not None:
            others = others.exclude(pk=besides)
        return others.exists() or UsernameHold.objects.filter(username=username.lower()).exists()


class User(AbstractUser):
    """A person with an account (SPEC 1). A deleted account's row stays, inactive and scrubbed."""

    class Role(models.TextChoices):
        ATTENDEE = "attendee", _("Attendee")
        ORGANISER = "organiser", _("Organiser")

    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(_("e-mail address"), unique=True)
    display_name = models.CharField(
        _("display name"),
        max_length=100,
        blank=True,
        help_text=_("Shown on your tickets and to organisers. Empty: your username."),
    )
    role = models.CharField(_("class"), max_length=10, choices=Role, default=Role.ATTENDEE)
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="UTC", validators=[validate_time_zone]
    )

    REQUIRED_FIELDS = ["email"]

    # What a deleted account is called; nobody else may be.
    CLOSED_PREFIX = "deleted-"

    objects: ClassVar[PersonManager] = PersonManager()

    class Meta(AbstractUser.Meta):
        swappable = "AUTH_USER_MODEL"
        constraints = [
            models.UniqueConstraint(Lower("username"), name="accounts_user_username_any_case"),
            models.UniqueConstraint(Lower("email"), name="accounts_user_email_any_case"),
        ]
        indexes = [
            # Staff's list of people, page by page.
            models.Index(fields=["-date_joined", "-id"], name="accounts_user_newest"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """What others see this person called."""
        return self.display_name or self.username

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name

    @property
    def is_organiser(self) -> bool:
        """Whether this person is an organiser by class (SPEC 1)."""
        return self.role == self.Role.ORGANISER


class WrongOrganiserCode(models.Model):
    """One wrong organiser code, kept for as long as it counts against a limit (SPEC 1)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    address = models.CharField(max_length=45)
    entered_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            # Read by organiser_code.check_organiser_code: by address, and over the whole site.
            models.Index(fields=["address", "entered_at"], name="accounts_wrong_code_address"),
            models.Index(fields=["entered_at"], name="accounts_wrong_code_time"),
        ]

    def __str__(self) -> str:
        return f"{self.address} {self.entered_at:%Y-%m-%d %H:%M}"


class UsernameHold(models.Model):
    """A username asked for together with an e-mail address that has an account already.

    Without it, asking for the same username again would tell whether the first sign-up made an account,
    and so whether that address was known (SPEC 1: nothing tells a stranger).
    """

    username = models.CharField(primary_key=True, max_length=150)
    held_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.username
