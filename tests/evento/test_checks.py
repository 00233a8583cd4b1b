"""Contradictory settings are found before they do harm."""

import os

import pytest
from django.core.checks import run_checks

from evento import checks
from evento.checks import check_engine
from evento.deployment_checks import check_folders

PRODUCTION = {
    "SITE_URL": "https://tickets.example.org",
    "ALLOWED_HOSTS": ["tickets.example.org"],
    "ORGANISER_CODE": "",
    "TRANSPORT_BACKEND": "notifications.backends.SmtpBackend",
    "DEFAULT_FROM_EMAIL": "tickets@example.org",
    "TRUSTED_PROXY_COUNT": 1,
    "SECRET_KEY": "k" * 50,
    "SECRET_KEY_IS_IN_A_FILE": False,
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
        ("evento.E006", "TRUSTED_PROXY_COUNT", 8000),
        ("evento.E007", "DEBUG", True),
        ("evento.E011", "WEB_THREADS", 0),
        ("evento.E011", "MAIL_CONNECTIONS", 0),
        ("evento.E011", "LIVE_MAX_STREAMS", 0),
        ("evento.E011", "API_READS_PER_MINUTE", 0),
        ("evento.E011", "API_WRITES_PER_MINUTE", -1),
        ("evento.E012", "HEADLESS_JWT_PRIVATE_KEY", "x" * 31),
        ("evento.E018", "METRICS_TOKEN", "x" * 15),
        ("evento.E013", "REDIS_URL", "127.0.0.1:6379"),
        ("evento.E013", "REDIS_URL", "http://127.0.0.1:6379"),
        ("evento.E014", "SECRET_KEY", "x" * 31),
        ("evento.E015", "DEFAULT_FROM_EMAIL", "Evento"),
        ("evento.E015", "DEFAULT_FROM_EMAIL", "tickets@"),
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
        ("evento.W002", "TRANSPORT_BACKEND", "django.core.mail.backends.console.EmailBackend"),
        ("evento.W004", "DEFAULT_FROM_EMAIL", "Evento <evento@localhost>"),
        ("evento.W006", "ALLOWED_HOSTS", ["tickets.example.org", "*"]),
        ("evento.W009", "NOTIFICATIONS_SEND", "on_commit"),
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


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://tickets.example.org", {"evento.E016"}),
        ("http://93.184.216.34", {"evento.E016"}),
        ("http://tickets.local", set()),
        ("http://evento", set()),
        ("http://192.168.1.20:8000", set()),
        ("http://localhost:8000", set()),
    ],
)
def test_site_without_tls_on_the_internet_is_a_deployment_error(settings, url, found):
    set_all(settings, EMBEDDED | {"SITE_URL": url, "ALLOWED_HOSTS": ["*"]})

    assert ids(deployment=True) == found
    assert ids() == set()


@pytest.mark.parametrize(
    ("host", "in_a_file", "found"),
    [
        ("db.example.org", True, {"evento.W005"}),
        ("db.example.org", False, set()),
        ("127.0.0.1", True, set()),
        ("/var/run/postgresql", True, set()),
        ("", True, set()),
    ],
)
def test_key_of_one_machine_for_several_is_a_deployment_warning(
    settings, monkeypatch, host, in_a_file, found
):
    set_all(settings, PRODUCTION | {"SECRET_KEY_IS_IN_A_FILE": in_a_file})
    monkeypatch.setitem(settings.DATABASES["default"], "HOST", host)

    assert ids(deployment=True) == found


def test_several_web_processes_on_sqlite_are_a_deployment_warning(settings, monkeypatch):
    set_all(settings, PRODUCTION | {"IS_SQLITE": True})
    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    assert ids(deployment=True) == {"evento.W007"}

    settings.IS_SQLITE = False
    assert ids(deployment=True) == set()


@pytest.mark.parametrize(
    ("host", "tls", "found"),
    [
        ("mail.example.org", False, {"evento.W008"}),
        ("mail.example.org", True, set()),
        ("127.0.0.1", False, set()),
    ],
)
def test_mail_password_in_clear_text_is_a_deployment_warning(settings, host, tls, found):
    mail = {"EMAIL_HOST": host, "EMAIL_HOST_PASSWORD": "secret", "EMAIL_USE_TLS": tls}
    set_all(settings, PRODUCTION | mail)

    assert ids(deployment=True) == found


def test_covers_that_could_not_be_kept_are_a_deployment_error(settings, tmp_path):
    (tmp_path / "file").touch()
    set_all(settings, PRODUCTION | {"MEDIA_ROOT": tmp_path / "file" / "media"})

    assert ids(deployment=True) == {"evento.E017"}


def test_covers_folder_of_somebody_else_is_a_deployment_error(settings, tmp_path):
    """Asked as nobody where the tests run as root, whom no mode of a folder stops."""
    folder = tmp_path / "media"
    folder.mkdir(mode=0o500)
    set_all(settings, PRODUCTION | {"MEDIA_ROOT": folder})

    child = os.fork()
    if child == 0:
        status = 1
        try:
            if os.getuid() == 0:
                os.setuid(65534)
            found = {message.id for message in check_folders(None)}
            status = 0 if found == {"evento.E017"} else 1
        finally:
            os._exit(status)  # whatever happened: the child must not go on with the other tests
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_name_in_env_file_that_looks_like_a_setting_is_a_warning(settings, monkeypatch, tmp_path):
    file = tmp_path / ".env"
    file.write_text("TRUSTED_PROXYCOUNT=1\n")
    monkeypatch.setattr(checks, "ENV_FILE", file)
    set_all(settings, PRODUCTION)

    [message] = checks.check_env_file(None)

    assert message.id == "evento.W010"
    assert message.hint == "Did you mean TRUSTED_PROXY_COUNT?"


def test_server_is_told_of_errors_and_of_no_warnings(settings):
    set_all(settings, PRODUCTION | {"WEB_THREADS": 0, "ORGANISER_CODE": "Dc5_G1gz"})

    assert checks.errors_at_start() == [
        "evento.E011: WEB_THREADS is 0. Give a number from 1 upwards."
    ]
