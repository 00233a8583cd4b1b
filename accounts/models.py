"""Who people are."""

import uuid
import zoneinfo

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


def validate_time_zone(name: str) -> None:
    """Raise ValidationError unless `name` is an IANA time zone known here."""
    if name not in zoneinfo.available_timezones():
        raise ValidationError(
            _("“%(name)s” is not a time zone we know. Choose one such as Europe/London."),
            code="unknown_time_zone",
            params={"name": name},
        )


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

    class Meta(AbstractUser.Meta):
        swappable = "AUTH_USER_MODEL"
        constraints = [
            models.UniqueConstraint(Lower("username"), name="accounts_user_username_any_case"),
            models.UniqueConstraint(Lower("email"), name="accounts_user_email_any_case"),
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
