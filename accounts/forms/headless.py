"""What allauth's headless API reads, with the rules that the site's own forms have."""

from allauth.headless.account import inputs as account_inputs
from allauth.headless.internal.restkit.inputs import Input

from accounts.forms.entrance import OneSignUp
from accounts.forms.second_factor import (
    ActivateTOTPForm,
    AddPasskeyForm,
    AuthenticateForm,
    AuthenticatePasskeyForm,
    LoginPasskeyForm,
    ReauthenticateForm,
    ReauthenticatePasskeyForm,
)


class SignupInput(OneSignUp, account_inputs.SignupInput):
    password_field = "password"  # noqa: S105


class AuthenticateInput(AuthenticateForm, Input):
    pass


class ReauthenticateInput(ReauthenticateForm, Input):
    pass


class ActivateTOTPInput(ActivateTOTPForm, Input):
    pass


class AddWebAuthnInput(AddPasskeyForm, Input):
    pass


class AuthenticateWebAuthnInput(AuthenticatePasskeyForm, Input):
    pass


class LoginWebAuthnInput(LoginPasskeyForm, Input):
    pass


class ReauthenticateWebAuthnInput(ReauthenticatePasskeyForm, Input):
    pass
