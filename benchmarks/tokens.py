"""Access tokens for people who are signed in: run by `benchmarks.rush`; cookies in, tokens out, as JSON."""

import json
import sys

import django

django.setup()

from allauth.headless.tokens.strategies.jwt.internal import (  # noqa: E402
    create_token,
    session_key_to_sid,
)
from django.contrib.auth import SESSION_KEY  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402

# A benchmark takes longer than the five minutes that a token has otherwise.
EXPIRES_SECONDS = 24 * 3600


def token_of(cookie: str) -> str:
    key = cookie.partition("sessionid=")[2].partition(";")[0]
    person = SessionStore(key)[SESSION_KEY]
    sid = session_key_to_sid(key)
    token, _claims = create_token("access", sub=person, sid=sid, expires_in=EXPIRES_SECONDS)
    return token


def main() -> None:
    print(json.dumps([token_of(cookie) for cookie in json.load(sys.stdin)]))


if __name__ == "__main__":
    main()
