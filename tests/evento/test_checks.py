"""Contradictory settings are found before they do harm."""

import pytest
from django.core.checks import run_checks

from evento.checks import check_engine

PRODUCTION = {
    "SITE_URL": "https://tickets.example.org",
    "ALLOWED_HOSTS": ["tickets.example.org"],
    "ORGANISER_CODE": "",
    "TRANSPORT_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
    "DEFAULT_FROM_EMAIL": "tickets@example.org",
    "TRUSTED_PROXY_COUNT": 1,
}
EMBEDDED = {"SITE_URL": "http://localhost:8000", "ALLOWED_HOSTS": ["localhost"]}


def set_all(settings, values):
    for name, value in values.items():
        setattr(settings, name, value)


def ids(*, deployment=False):
    found = run_checks(include_deployment_checks=deployment)
    return {message.id for message in found if message.id.startswith("evento.")}


@pytest.mark.parametrize("values", [PRODUCTION, EMBEDDED], ids=["production", "embedded"])
def test_sensible_settings_are_left_alone(settings, values):
    set_all(settings, values)

    assert ids(deployment=True) == set()


@pytest.mark.parametrize(
    ("expected", "name", "value"),
    [
        ("evento.E001", "SITE_URL", "tickets.example.org"),
        ("evento.E001", "SITE_URL", "ftp://tickets.example.org"),
        ("evento.E001", "SITE_URL", "https://"),
        ("evento.E001", "SITE_URL", "https://tickets.example.org/evento"),
        ("evento.E001", "SITE_URL", "https://me:secret@tickets.example.org"),
        ("evento.E002", "SITE_URL", "https://elsewhere.example.org"),
        ("evento.E002", "ALLOWED_HOSTS", []),
        ("evento.E003", "NOTIFICATIONS_SEND", "sometimes"),
        ("evento.E004", "ORGANISER_CODE", "short"),
        ("evento.E004", "ORGANISER_CODE", "far too long"),
        ("evento.E005", "TIME_ZONE", "Europe/Atlantis"),
        ("evento.E006", "TRUSTED_PROXY_COUNT", -1),
        ("evento.E007", "DEBUG", True),
        ("evento.E011", "WEB_THREADS", 0),
        ("evento.E011", "LIVE_MAX_STREAMS", 0),
        ("evento.E011", "API_READS_PER_MINUTE", 0),
        ("evento.E011", "API_WRITES_PER_MINUTE", -1),
        ("evento.E012", "HEADLESS_JWT_PRIVATE_KEY", "x" * 31),
        (
            "evento.E010",
            "CACHES",
            {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
        ),
    ],
)
def test_wrong_setting_is_an_error(settings, expected, name, value):
    set_all(settings, PRODUCTION | {name: value})

    assert ids() == {expected}


@pytest.mark.parametrize(
    ("expected", "engine", "options"),
    [
        ("evento.E008", "mysql", {}),
        ("evento.E009", "sqlite3", {}),
        ("evento.E009", "sqlite3", {"transaction_mode": "DEFERRED"}),
    ],
)
def test_database_that_cannot_hold_the_rules_is_an_error(
    settings, monkeypatch, expected, engine, options
):
    set_all(settings, PRODUCTION)
    database = settings.DATABASES["default"]
    monkeypatch.setitem(database, "ENGINE", f"django.db.backends.{engine}")
    monkeypatch.setitem(database, "OPTIONS", options)

    assert {message.id for message in check_engine(None)} == {expected}


@pytest.mark.parametrize(
    ("expected", "name", "value"),
    [
        ("evento.W001", "ORGANISER_CODE", "Dc5_G1gz"),
        ("evento.W002", "TRANSPORT_BACKEND", "notifications.backends.EmlFileBackend"),
        ("evento.W003", "TRUSTED_PROXY_COUNT", 0),
        ("evento.W004", "DEFAULT_FROM_EMAIL", "Evento <evento@localhost>"),
    ],
)
def test_default_kept_in_production_is_a_deployment_warning(settings, expected, name, value):
    set_all(settings, PRODUCTION | {name: value})

    assert ids(deployment=True) == {expected}
    assert ids() == set()


@pytest.mark.parametrize("code", ["", "Xy12_z9Q"])
def test_organiser_code_may_be_empty_or_eight_characters(settings, code):
    set_all(settings, PRODUCTION | {"ORGANISER_CODE": code})

    assert ids(deployment=True) == set()


def test_wildcard_host_covers_the_site(settings):
    set_all(settings, PRODUCTION | {"ALLOWED_HOSTS": [".example.org"]})

    assert ids() == set()
