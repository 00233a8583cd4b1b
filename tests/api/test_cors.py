"""Pages of other sites may call the API only where the site says so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
ORIGIN = "https://app.example.org"
PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization",
}
ASK = """
import django
django.setup()
from django.test import Client
for method, path, headers in {requests!r}:
    answer = Client().generic(method, path, headers=headers)
    names = [name for name in answer.headers if name.startswith("access-control")]
    print(*sorted(f"{{name}}={{answer[name]}}" for name in names), sep=";")
"""


def asked(tmp_path, requests, **environment):
    """The CORS headers of each answer, in a process with its own settings."""
    return subprocess.run(
        [sys.executable, "-c", ASK.format(requests=requests)],
        cwd=ROOT,
        env=os.environ
        | {"DJANGO_SETTINGS_MODULE": "evento.settings", "ALLOWED_HOSTS": "testserver"}
        | {"DATABASE_URL": f"sqlite:///{tmp_path}/none.sqlite3"}
        | environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()


def test_nobodys_pages_may_call_by_default(tmp_path):
    requests = [("OPTIONS", "/api/v1/me", PREFLIGHT), ("GET", "/api/v1/me", {"Origin": ORIGIN})]

    assert asked(tmp_path, requests) == ["", ""]


@pytest.mark.parametrize("path", ["/api/v1/me", "/api/v1/auth/app/v1/auth/login"])
def test_pages_of_a_configured_site_may_call_without_cookies(tmp_path, path):
    requests = [
        ("OPTIONS", path, PREFLIGHT),
        ("GET", path, {"Origin": ORIGIN}),
        ("GET", path, {"Origin": "https://elsewhere.example.org"}),
        ("GET", "/robots.txt", {"Origin": ORIGIN}),
    ]

    preflight, answer, elsewhere, page = asked(tmp_path, requests, CORS_ALLOWED_ORIGINS=ORIGIN)

    assert f"access-control-allow-origin={ORIGIN}" in preflight
    assert "authorization" in preflight
    assert f"access-control-allow-origin={ORIGIN}" in answer
    assert "credentials" not in preflight + answer
    assert (elsewhere, page) == ("", "")
