"""Where allauth asks us."""

import logging
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as allauth_context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.contrib import messages
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import encryption
from accounts.mails import parts_of
from accounts.models import User
from evento.refusals import Refusal

logger = logging.getLogger(__name__)


UNREADABLE = _(
    "This site can no longer check codes that were set up before its key was changed. "
    "Ask its staff to remove your second step, then sign in with your password."
)


def at_site_url(url: str) -> str:
    """`url` at SITE_URL: the request's Host header is the asker's word, and mails are not for the asker."""
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return f"{settings.SITE_URL}{parts.path}{query}"


class AccountAdapter(DefaultAccountAdapter):
    """Evento's answers to allauth's account questions."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "account_inactive": _("This account is switched off."),
        "duplicate_email": _("That is your e-mail address already."),
        "email_password_mismatch": _("The e-mail address or the password is not right."),
        "enter_current_password": _("That is not your current password."),
        "incorrect_code": _("That code is not right, or it was used already."),
        "incorrect_password": _("That password is not right."),
        "rate_limited": _("Too many tries. Wait a few minutes, then try again."),
        "too_many_login_attempts": _("Too many tries. Wait a few minutes, then try again."),
        "username_taken": _("Somebody else has that username. Choose another one."),
    }

    def get_client_ip(self, request: HttpRequest) -> str:
        """The client's address; an IPv4 one that came through an IPv6 socket as what it is.

        Limits go by the network of an IPv6 address, and all IPv4 addresses would share one.
        """
        address = ip_address(super().get_client_ip(request))
        return str(getattr(address, "ipv4_mapped", None) or address)

    def clean_username(self, username: str, shallow: bool = False) -> str:
        """Refuse a username that is taken in any case, held, or kept for deleted accounts."""
        username = super().clean_username(username, shallow=True)
        is_reserved = username.lower().startswith(User.CLOSED_PREFIX)
        if is_reserved or (not shallow and User.objects.is_username_taken(username)):
            raise self.validation_error("username_taken")
        return username

    def set_password(self, user: User, password: str) -> None:
        user.set_password(password)
        user.save(update_fields=["password"])

    def confirm_email(self, request: HttpRequest, email_address: Any) -> bool:
        """Verify an address whole or not at all; quietly fail when another account has taken it."""
        try:
            with transaction.atomic():
                return super().confirm_email(request, email_address)
        except IntegrityError:
            self.add_message(
                request,
                messages.ERROR,
                "account/messages/email_confirmation_failed.txt",
                {"email": email_address.email},
            )
            return False

    def send_notification_mail(
        self,
        template_prefix: str,
        user: User,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Tell a person what happened to their account, with times in their own zone."""
        with timezone.override(user.time_zone):
            super().send_notification_mail(template_prefix, user, context, email)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        links = {name: at_site_url(url) for name, url in context.items() if name.endswith("_url")}
        super().send_mail(template_prefix, email, context | links)

    def render_mail(
        self,
        template_prefix: str,
        email: str | list[str],
        context: dict[str, Any],
        headers: dict[str, str] | None = None,
    ) -> EmailMessage:
        """The text as its template says, and the same words as HTML."""
        mail = super().render_mail(template_prefix, email, context, headers)
        if isinstance(mail, EmailMultiAlternatives) and not mail.alternatives:
            parts = {"subject": mail.subject, "parts": parts_of(str(mail.body))}
            request = allauth_context.request
            html = render_to_string("account/email/message.html", context | parts, request)
            mail.attach_alternative(html, "text/html")
        return mail


class MFAAdapter(DefaultMFAAdapter):
    """Evento's answers to allauth's second-factor questions."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": AccountAdapter.error_messages["incorrect_code"],
        "unverified_email": _("Confirm your e-mail address first."),
    }

    def encrypt(self, text: str) -> str:
        return encryption.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """As stored. Raises Refusal `second_factor_unreadable` when no key of this site opens it."""
        try:
            return encryption.decrypt(encrypted_text)
        except InvalidToken as error:
            logger.exception(
                "A second factor cannot be opened: was SECRET_KEY changed without the old one in "
                "SECRET_KEY_FALLBACKS?"
            )
            raise Refusal("second_factor_unreadable", UNREADABLE) from error

    def _get_site_name(self) -> str:
        return str(settings.SITE_NAME)

    def generate_authenticator_name(self, user: User, type: Any) -> str:  # noqa: A002 - allauth's name
        number = Authenticator.objects.filter(user=user, type=type).count() + 1
        return gettext("My passkey") if number == 1 else gettext("Passkey %d") % number
