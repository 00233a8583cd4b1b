"""What every test may ask for: a cast of people, a clock, and the engine it runs on."""

import os
import re
from importlib.util import find_spec

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone, translation

from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory

# Libraries of requirements-dev.txt. Without one, plain `pytest` leaves out the modules that name it; in
# CI (CI=true) they are collected all the same and fail.
DEVELOPMENT_LIBRARIES = (
    *("aiosmtpd", "axe_playwright_python", "playwright"),
    *("openapi_python_client", "openapi_spec_validator"),
    *("hcl2", "hypothesis", "schemathesis", "time_machine", "yaml", "zxingcpp"),
)
MISSING = [name for name in DEVELOPMENT_LIBRARIES if find_spec(name) is None]
NAMES_MISSING = re.compile(rf"\b({'|'.join(MISSING)})\b") if MISSING else None


def pytest_ignore_collect(collection_path):
    if NAMES_MISSING is None or os.environ.get("CI") == "true":
        return None
    if collection_path.is_dir():
        return True if collection_path.name == "browser" and "playwright" in MISSING else None
    is_test = collection_path.name.startswith("test_") and collection_path.suffix == ".py"
    return True if is_test and NAMES_MISSING.search(collection_path.read_text()) else None


@pytest.fixture(autouse=True)
def _test_settings(settings, tmp_path, monkeypatch):
    """Cheap hashes, mail in memory, files in a place that goes away, pages made anew, nothing by chance."""
    settings.VISITOR_PAGE_SECONDS = 0
    monkeypatch.setattr("evento.cache.WRITES_PER_ROOM", 10**12)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.TRANSPORT_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MAIL_FILES_DIR = tmp_path / "mail"
    # Static files as they lie in the tree, whether or not somebody has collected them.
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STATIC_ROOT.mkdir()
    settings.WHITENOISE_USE_FINDERS = True
    settings.WHITENOISE_AUTOREFRESH = True  # else each test's client looks at all files first
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Of a server that was killed in the midst of a statement PostgreSQL keeps the session until that ends.

    On a busy machine this is longer than Django waits for it before it drops the database.
    """
    yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


@pytest.fixture
def translated(settings, monkeypatch):
    """Words are looked up in the catalogs of a language, as on a site that has more than one."""
    settings.USE_I18N = True
    monkeypatch.setattr(
        translation, "_trans", type(translation._trans)()
    )  # it knows the old setting


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def attendee(db):
    return UserFactory()


@pytest.fixture
def organiser(db):
    """An organiser by class."""
    return UserFactory(organiser=True)


@pytest.fixture
def other_organiser(db):
    return UserFactory(organiser=True)


@pytest.fixture
def staff(db):
    return UserFactory(is_staff=True, is_superuser=True)


@pytest.fixture
def event(organiser):
    """A published event in a fortnight, organised by `organiser`, with 10 places."""
    return EventFactory(organiser=organiser, capacity=10)


def pytest_collection_modifyitems(items):
    """Races need PostgreSQL, and for some tests one run is enough: each in that run only."""
    other = "sqlite" if connection.vendor == "postgresql" else "postgresql"
    items[:] = [item for item in items if item.get_closest_marker(other) is None]


def pytest_report_header():
    lines = [f"database: {django_settings.DATABASES['default']['ENGINE']}"]
    if MISSING:
        lines.append(f"not installed, so tests that need it are left out: {', '.join(MISSING)}")
    return lines
