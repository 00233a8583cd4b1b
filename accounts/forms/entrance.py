"""allauth's forms in Evento's words."""

from typing import Any

from allauth.account import forms as account_forms
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from accounts import services
from accounts.forms.profile import USERNAME_HELP
from accounts.models import User
from evento.database import Busy

LABELS = {
    "login": _("E-mail address"),
    "email": _("E-mail address"),
    "username": _("Username"),
    "oldpassword": _("Current password"),
    "remember": _("Keep me signed in on this device"),
}
NEW_PASSWORD_LABELS = {"password1": _("New password"), "password2": _("New password, again")}


class InOurWords:
    """Labels as the rest of the site writes them, and no placeholder that repeats the label."""

    labels: dict[str, Any] = LABELS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():  # type: ignore[attr-defined]
            field.widget.attrs.pop("placeholder", None)
            field.label = self.labels.get(name, field.label)


class LoginForm(InOurWords, account_forms.LoginForm):
    pass


class OneSignUp:
    """Sign-up as one transaction, which looks the same whether or not the address is known."""

    password_field = "password1"  # noqa: S105

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """Save the account, or answer as if it were saved when the address has one already.

        Raises Busy when somebody took the username in the same moment: the next try says so.
        """
        try:
            with transaction.atomic():
                return self._save_or_pretend(request)
        except IntegrityError as error:
            if not User.objects.filter(email=self.cleaned_data["email"]).exists():
                raise Busy from error
        self.account_already_exists = True
        return self._save_or_pretend(request)

    def _save_or_pretend(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        if self.account_already_exists:
            services.pretend_sign_up(
                self.cleaned_data["username"], password=self.cleaned_data[self.password_field]
            )
        return super().try_save(request)


class SignupForm(InOurWords, OneSignUp, account_forms.SignupForm):
    labels = LABELS | {"password1": _("Password"), "password2": _("Password, again")}
    field_order = ["username", "email", "password1", "password2", "organiser_code", "time_zone"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].help_text = USERNAME_HELP


class AddEmailForm(InOurWords, account_forms.AddEmailForm):
    labels = {"email": _("New e-mail address")}


class ChangePasswordForm(InOurWords, account_forms.ChangePasswordForm):
    labels = LABELS | NEW_PASSWORD_LABELS


class SetPasswordForm(InOurWords, account_forms.SetPasswordForm):
    labels = LABELS | NEW_PASSWORD_LABELS


class ResetPasswordForm(InOurWords, account_forms.ResetPasswordForm):
    pass


class ResetPasswordKeyForm(InOurWords, account_forms.ResetPasswordKeyForm):
    labels = LABELS | NEW_PASSWORD_LABELS


class ReauthenticateForm(InOurWords, account_forms.ReauthenticateForm):
    labels = {"password": _("Your password")}
