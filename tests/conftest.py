"""What every test may ask for: a cast of people, a clock, and the engine it runs on."""

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone

from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory


@pytest.fixture(autouse=True)
def _test_settings(settings, tmp_path):
    """Cheap hashes, mail in memory, files in a place that goes away, limits in memory."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.TRANSPORT_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MAIL_FILES_DIR = tmp_path / "mail"


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
    """Races need PostgreSQL; on SQLite those tests are not part of the run at all."""
    if connection.vendor == "postgresql":
        return
    kept = [item for item in items if item.get_closest_marker("postgresql") is None]
    items[:] = kept


def pytest_report_header():
    return f"database: {django_settings.DATABASES['default']['ENGINE']}"
