"""allauth's second-factor forms in Evento's words, and with its one rule more."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as base_forms
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as totp_forms
from allauth.mfa.webauthn import forms as webauthn_forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.forms.entrance import InOurWords
from evento.refusals import Refusal

CODE = {"code": _("Code from your app, or a recovery code")}


class CodeForm(InOurWords, base_forms.BaseAuthenticateForm):
    """A code; that the site cannot open what it would be checked against is said beside the field."""

    labels = CODE

    def clean_code(self) -> str:
        try:
            return super().clean_code()
        except Refusal as refusal:
            raise ValidationError(str(refusal), code=refusal.code) from refusal


class AuthenticateForm(CodeForm, base_forms.AuthenticateForm):
    pass


class ReauthenticateForm(CodeForm, base_forms.ReauthenticateForm):
    pass


class ActivateTOTPForm(InOurWords, totp_forms.ActivateTOTPForm):
    labels = {"code": _("Code that the app shows")}

    def clean_code(self) -> str:
        """The code that switched the app on is used up: it does not sign anybody in as well."""
        code = super().clean_code()
        authenticator = Authenticator(user=self.user, type=Authenticator.Type.TOTP)
        if not authenticator.wrap()._mark_code_used(code):  # noqa: SLF001 - allauth offers no other way
            raise get_adapter().validation_error("incorrect_code")
        return code


# What libraries raise over a credential that no authenticator has made.
UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, struct.error)


@contextmanager
def reading_credential() -> Iterator[None]:
    """Whatever cannot be read is a wrong credential, not a mistake of ours."""
    try:
        yield
    except UNREADABLE as error:
        raise get_adapter().validation_error("incorrect_code") from error


class PasskeyForm:
    def clean_credential(self) -> Authenticator:
        with reading_credential():
            return super().clean_credential()


class AuthenticatePasskeyForm(PasskeyForm, webauthn_forms.AuthenticateWebAuthnForm):
    pass


class LoginPasskeyForm(PasskeyForm, webauthn_forms.LoginWebAuthnForm):
    pass


class ReauthenticatePasskeyForm(PasskeyForm, webauthn_forms.ReauthenticateWebAuthnForm):
    pass


class AddPasskeyForm(InOurWords, webauthn_forms.AddWebAuthnForm):
    def clean(self) -> dict[str, Any]:
        with reading_credential():
            return super().clean()

    labels = {"name": _("Name"), "passwordless": _("Sign in with it alone, without the password")}

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].help_text = _("So that you can tell it apart, such as “Laptop”.")
        passwordless = self.fields["passwordless"]
        passwordless.help_text = _(
            "The device then asks for your fingerprint, face or PIN. "
            "Without this it is a second step after the password."
        )
        passwordless.initial = True


class EditPasskeyForm(InOurWords, webauthn_forms.EditWebAuthnForm):
    labels = {"name": _("Name")}
