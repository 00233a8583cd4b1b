"""Where the organiser code is entered: at sign-up, or later on the profile page (SPEC 1)."""

from typing import Any

from allauth.core import context
from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import services
from accounts.models import User, validate_time_zone
from accounts.organiser_code import check_organiser_code
from evento.http.addresses import client_address
from evento.refusals import Refusal


def organiser_code_field(*, label: Any, required: bool) -> forms.CharField:
    """The field, which browsers neither fill in nor correct."""
    return forms.CharField(
        label=label,
        required=required,
        max_length=64,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
        help_text=_("With it you can publish events. Upper and lower case matter."),
    )


def check_entered_code(code: str, request: HttpRequest) -> str:
    """The code, when it is right and within the limits; otherwise a ValidationError."""
    try:
        check_organiser_code(code, address=client_address(request))
    except Refusal as refusal:
        raise ValidationError(str(refusal), code=refusal.code) from refusal
    return code


class OrganiserCodeForm(forms.Form):
    """What sign-up asks beyond allauth's own fields. allauth's sign-up form inherits from it."""

    organiser_code = organiser_code_field(label=_("Organiser code (optional)"), required=False)
    # Filled in by the browser's script where it runs; anything it cannot know is left out.
    time_zone = forms.CharField(
        required=False,
        max_length=64,
        widget=forms.HiddenInput(attrs={"data-time-zone-field": ""}),
    )

    def clean_organiser_code(self) -> str:
        code = self.cleaned_data["organiser_code"]
        return check_entered_code(code, context.request) if code else ""

    def clean_time_zone(self) -> str:
        name = self.cleaned_data["time_zone"]
        try:
            validate_time_zone(name)
        except ValidationError:
            return ""
        return name

    def signup(self, request: HttpRequest, user: User) -> None:
        """Called by allauth once the account is saved; a code that got here was right."""
        services.complete_sign_up(
            user,
            as_organiser=bool(self.cleaned_data["organiser_code"]),
            time_zone=self.cleaned_data["time_zone"],
        )


class BecomeOrganiserForm(forms.Form):
    """The code, entered later."""

    organiser_code = organiser_code_field(label=_("Organiser code"), required=True)

    def clean_organiser_code(self) -> str:
        return check_entered_code(self.cleaned_data["organiser_code"], context.request)
