import json

import pytest
from django.core.cache import cache
from django.test import Client

from evento.http.throttling import COUNTER
from tests.accounts.factories import PASSWORD


@pytest.fixture(autouse=True)
def _no_limits_left_over(db, monkeypatch):
    """Limits are counted in the cache and by each process: each test starts with none used up.

    No minute ends within a test: half of one is left.
    """
    cache.clear()
    COUNTER.forget()
    monkeypatch.setattr(COUNTER, "_clock", lambda: 6_030.0)


class Program(Client):
    """A program that calls the API: JSON in and out, no cookies, an access token once signed in."""

    token = ""

    def generic(self, method, path, data="", content_type="application/json", **extra):
        headers = dict(extra.pop("headers", None) or {})
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        if data not in ("", b"") and not isinstance(data, str | bytes):
            data = json.dumps(data)
        return super().generic(method, path, data, content_type, headers=headers, **extra)

    def call(self, method, path, data="", **extra):
        """Call `/api/v1` + path; `data` goes as JSON."""
        body = data if isinstance(data, str | bytes) else json.dumps(data)
        return self.generic(method, f"/api/v1{path}", body, **extra)

    def sign_in(self, person, password=PASSWORD):
        answer = self.call(
            "POST", "/auth/app/v1/auth/login", {"email": person.email, "password": password}
        )
        assert answer.status_code == 200, answer.content
        self.cookies.clear()
        self.token = answer.json()["meta"]["access_token"]
        self.refresh_token = answer.json()["meta"]["refresh_token"]
        return self


@pytest.fixture
def program():
    """A visitor's program."""
    return Program()


@pytest.fixture
def program_of():
    """A program with its own sign-in, for whoever is given."""
    return lambda person: Program().sign_in(person)
