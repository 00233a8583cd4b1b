"""The forms of a person's own pages."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import User, time_zone_names

# The regions people look themselves up in; the rest are old names of the same zones.
REGIONS = {
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
}


USERNAME_HELP = _("Letters, digits and @ . + - _ only.")


def time_zone_choices() -> list[tuple[str, Any]]:
    """UTC, then the IANA zones by region."""
    within = [name for name in sorted(time_zone_names()) if name.split("/")[0] in REGIONS]
    groups: list[tuple[str, Any]] = [("UTC", "UTC")]
    for region, members in groupby(within, key=lambda name: name.split("/")[0]):
        groups.append((region, [(name, name.replace("_", " ")) for name in members]))
    return groups


class ProfileForm(forms.ModelForm):
    """Name, username and time zone. It only cleans; `services.change_profile` saves."""

    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=lazy(time_zone_choices, list)(),
        help_text=_("For times in mails about your account. Events keep their own time zone."),
    )

    class Meta:
        model = User
        fields = ["display_name", "username", "time_zone"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].help_text = USERNAME_HELP
        own = self.instance.time_zone
        field = cast("forms.ChoiceField", self.fields["time_zone"])
        choices = list(cast("Iterable[Any]", field.choices))
        known = {name for _region, members in choices[1:] for name, _label in members}
        if own not in known | {"UTC"}:
            field.choices = [(own, own), *choices]

    def clean_display_name(self) -> str:
        """On one line, whatever was posted: mails address people by it."""
        return " ".join(self.cleaned_data["display_name"].split())

    def clean_username(self) -> str:
        username = self.cleaned_data["username"]
        if username != self.instance.username:
            refuse_unusable_username(username, besides=self.instance)
        return username

    def validate_constraints(self) -> None:
        """The service answers for those, under the transaction that saves."""


def refuse_unusable_username(username: str, *, besides: User) -> None:
    """Raise ValidationError when somebody else has the username or nobody may have it."""
    reserved = username.lower().startswith(User.CLOSED_PREFIX)
    if reserved or User.objects.is_username_taken(username, besides=besides.pk):
        raise ValidationError(
            User._meta.get_field("username").error_messages["unique"], code="username_taken"
        )
