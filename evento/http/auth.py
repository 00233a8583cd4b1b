"""Who may call: an access token (RFC 6750), or the site's own session cookie with its CSRF token.

`SIGNED_IN` is the default of every operation; `PUBLIC` is for what visitors may read as well. Either way
`request.user` is the person, looked up anew for each request: what they may do is never in the token.
"""

import functools
import time
from typing import Any

from allauth.core.internal.httpkit import get_authorization_credential
from allauth.headless.tokens.strategies.jwt.internal import (
    decode_token,
    get_token_session,
    session_key_from_sid,
    validate_token_user,
)
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from ninja.errors import AuthenticationError
from ninja.security.base import AuthBase
from ninja.utils import check_csrf

from evento.refusals import Refusal


class AccessToken(AuthBase):
    """`Authorization: Bearer <access token>`. Any other Authorization is an error, never a visitor."""

    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_bearerFormat = "JWT"  # noqa: N815 - OpenAPI's name
    openapi_description = (
        "An access token from sign-in or refresh. It ends after five minutes, and at once when the "
        "person signs out, changes their password or closes their account."
    )

    def __call__(self, request: HttpRequest) -> Any:
        if "Authorization" not in request.headers:
            return None
        token = get_authorization_credential(request, "Bearer")
        claims = _claims(token or "")
        if claims["exp"] <= time.time():
            raise AuthenticationError
        # Asked each time: signing out ends the session, and with it every token that stands on it.
        session = get_token_session(claims)
        person = validate_token_user(claims, session) if session else None
        if person is None:
            raise AuthenticationError
        request.user = person
        return person


# A program calls many times with one token; its signature says the same each time. What is refused is not
# kept: a token from a machine whose clock is a little ahead is good a moment later.
@functools.lru_cache(maxsize=1000)
def _claims(token: str) -> dict[str, Any]:
    """What an access token of ours claims. Raises AuthenticationError for any other."""
    claims = decode_token(token, "access")
    if claims is None:
        raise AuthenticationError
    return claims


class SessionCookie(AuthBase):
    """The session of the site's own pages, for calls from the same site."""

    openapi_type = "apiKey"
    openapi_in = "cookie"
    openapi_name = settings.SESSION_COOKIE_NAME
    openapi_description = (
        "The site's own session, for calls from its pages. Calls that change something carry "
        "the CSRF token in `X-CSRFToken`."
    )

    def __call__(self, request: HttpRequest) -> Any:
        if not request.user.is_authenticated:
            return None
        if check_csrf(request) is not None:
            raise Refusal("csrf_failed", _("The CSRF token is missing or wrong."), status=403)
        return request.user


class Visitor:
    """Nobody in particular."""

    def __call__(self, request: HttpRequest) -> Any:
        return request.user


def session_key(request: HttpRequest) -> str | None:
    """The key of the session that a call says it stands on, be that still open or not."""
    if "Authorization" not in request.headers:
        return request.session.session_key
    try:
        claims = _claims(get_authorization_credential(request, "Bearer") or "")
    except AuthenticationError:
        return None
    return session_key_from_sid(claims["sid"]) if "sid" in claims else None


SIGNED_IN = [AccessToken(), SessionCookie()]
PUBLIC = [*SIGNED_IN, Visitor()]
