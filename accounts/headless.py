"""Sign-up, sign-in and second factors for programs: allauth's headless API, with this site's rules.

Its addresses and shapes are allauth's (`app` client). What differs: our own inputs where the site's pages
have rules of their own, and `guarded`, which every one of its views is wrapped in.
"""

import json
from collections.abc import Callable, Iterable
from functools import wraps
from http import HTTPStatus
from typing import Any

from allauth.headless import urls as allauth_urls
from allauth.headless.account import views as account_views
from allauth.headless.base.response import RateLimitResponse
from allauth.headless.base.views import APIView, AuthenticatedAPIView
from allauth.headless.constants import Client
from allauth.headless.mfa import views as mfa_views
from django.http import HttpRequest, HttpResponseBase, HttpResponseNotAllowed, JsonResponse
from django.urls import URLPattern, URLResolver, path
from django.utils.translation import gettext as _

from accounts.forms.headless import (
    ActivateTOTPInput,
    AddWebAuthnInput,
    AuthenticateInput,
    AuthenticateWebAuthnInput,
    LoginWebAuthnInput,
    ReauthenticateInput,
    ReauthenticateWebAuthnInput,
    SignupInput,
)
from evento.http.parsing import MALFORMED, JSONParser
from evento.http.throttling import refuse_flood
from evento.refusals import Refusal

View = Callable[..., HttpResponseBase]

LARGEST_KEY = 2**63 - 1
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# Seconds after which a limit lets somebody on (SPEC 1 and allauth's defaults).
RETRY_AFTER = {"too_many_login_attempts": 300, "too_many_organiser_codes": 600}
RETRY_AFTER_OTHERS = 60
MAIL_AGAIN_AFTER = 180


class SignupView(account_views.SignupView):
    input_class = {"POST": SignupInput}


class AuthenticateView(mfa_views.AuthenticateView):
    input_class = AuthenticateInput


class ReauthenticateView(mfa_views.ReauthenticateView):
    input_class = ReauthenticateInput


class ManageTOTPView(mfa_views.ManageTOTPView):
    input_class = {"POST": ActivateTOTPInput}


class ManageWebAuthnView(mfa_views.ManageWebAuthnView):
    input_class = mfa_views.ManageWebAuthnView.input_class | {"POST": AddWebAuthnInput}


class AuthenticateWebAuthnView(mfa_views.AuthenticateWebAuthnView):
    input_class = {"POST": AuthenticateWebAuthnInput}


class ReauthenticateWebAuthnView(mfa_views.ReauthenticateWebAuthnView):
    input_class = {"POST": ReauthenticateWebAuthnInput}


class LoginWebAuthnView(mfa_views.LoginWebAuthnView):
    input_class = {"POST": LoginWebAuthnInput}


class ManageEmailView(AuthenticatedAPIView, account_views.ManageEmailView):
    """For those who are signed in; a mail that is not sent again so soon is a limit, not a ban."""

    def put(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        answer = super().put(request, *args, **kwargs)
        if answer.status_code != HTTPStatus.FORBIDDEN:
            return answer
        answer = RateLimitResponse(request)
        answer["Retry-After"] = str(MAIL_AGAIN_AFTER)
        return answer


OWN_VIEWS: dict[str, type[APIView]] = {
    "auth/signup": SignupView,
    "auth/2fa/authenticate": AuthenticateView,
    "auth/2fa/reauthenticate": ReauthenticateView,
    "auth/webauthn/authenticate": AuthenticateWebAuthnView,
    "auth/webauthn/login": LoginWebAuthnView,
    "auth/webauthn/reauthenticate": ReauthenticateWebAuthnView,
    "account/authenticators/totp": ManageTOTPView,
    "account/authenticators/webauthn": ManageWebAuthnView,
    "account/email": ManageEmailView,
}


# What this site does not offer: telephone numbers, and codes in mails instead of links.
NOT_OFFERED = {
    "confirm_login_code",
    "manage_phone",
    "resend_email_verification_code",
    "resend_phone_verification_code",
    "verify_phone",
}


def guarded(view: View) -> View:
    """An allauth view that reads JSON only, refuses unknown fields and says 429 when a limit is reached."""

    @wraps(view)
    def guard(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        refuse_flood(request)
        allowed = _methods(view)
        if request.method not in allowed:
            return HttpResponseNotAllowed(allowed)
        body = _body(view, request)
        known = _input_class(view, request).base_fields if body else {}
        if wrong := [name for name in body if name not in known]:
            return _refuse_fields(wrong, "extra_forbidden", _("There is no such field."))
        if wrong := [name for name, value in body.items() if not _fits(value)]:
            return _refuse_fields(wrong, "invalid", _("There is a number in it that is too large."))
        response = view(request, *args, **kwargs)
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            response.headers["WWW-Authenticate"] = "Bearer"
        return _say_429(response)

    return guard


def _methods(view: Any) -> list[str]:
    names = [name for name in METHODS if hasattr(view.view_class, name.lower())]
    return [*names, "HEAD"] if "GET" in names else names


def _input_class(view: Any, request: HttpRequest) -> Any:
    inputs = view.view_class.input_class
    return inputs.get(request.method) if isinstance(inputs, dict) else inputs


def _body(view: Any, request: HttpRequest) -> dict[str, Any]:
    """The body, where the view reads one.

    Raises Refusal `unsupported_media_type` (415) or `malformed_body` (400).
    """
    if _input_class(view, request) is None or request.method in {"GET", "HEAD"} or not request.body:
        return {}
    body = JSONParser().parse_body(request)
    if not isinstance(body, dict):
        raise Refusal("malformed_body", MALFORMED, status=400)
    return body


def _fits(value: Any) -> bool:
    """Whether all numbers in `value` are such that a database compares them."""
    if isinstance(value, dict):
        return all(_fits(each) for each in value.values())
    if isinstance(value, list):
        return all(_fits(each) for each in value)
    return not isinstance(value, int) or abs(value) <= LARGEST_KEY


def _refuse_fields(names: Iterable[str], code: str, message: str) -> JsonResponse:
    errors = [{"message": message, "code": code, "param": name} for name in names]
    return JsonResponse({"status": 400, "errors": errors}, status=400)


def _say_429(response: HttpResponseBase) -> HttpResponseBase:
    """allauth answers 400 to some limits, and never says how long to wait."""
    codes = [code for code in _error_codes(response) if code.startswith(("too_many_", "rate_"))]
    if not codes and response.status_code != 429:
        return response
    if isinstance(response, JsonResponse) and codes:
        body = json.loads(response.content) | {"status": 429}
        response.content = json.dumps(body).encode()
        response.status_code = 429
    seconds = max((RETRY_AFTER.get(code, RETRY_AFTER_OTHERS) for code in codes), default=60)
    response.headers.setdefault("Retry-After", str(seconds))
    return response


def _error_codes(response: HttpResponseBase) -> list[str]:
    if response.status_code != 400 or not isinstance(response, JsonResponse):
        return []
    return [error.get("code", "") for error in json.loads(response.content).get("errors", [])]


def _all_guarded(patterns: Iterable[URLPattern | URLResolver]) -> list[URLPattern | URLResolver]:
    """A copy of `patterns` with every view guarded."""
    return [
        URLResolver(
            each.pattern,
            _all_guarded(each.url_patterns),  # type: ignore[arg-type] # Django takes a list too
            each.default_kwargs,
            each.app_name,
            each.namespace,
        )
        if isinstance(each, URLResolver)
        else URLPattern(each.pattern, guarded(each.callback), each.default_args, each.name)
        for each in patterns
        if getattr(each, "name", None) not in NOT_OFFERED
    ]


app_name = "headless"
urlpatterns = [
    *(
        path(f"app/v1/{address}", guarded(view.as_api_view(client=Client.APP)))
        for address, view in OWN_VIEWS.items()
    ),
    *_all_guarded(allauth_urls.urlpatterns),
]
