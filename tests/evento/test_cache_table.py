"""Plain `migrate` makes the table that limits are counted in, on a database that has nothing yet."""

import os
import subprocess
import sys
import uuid
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection

from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
COUNT_TO_TWO = """
import django
django.setup()
from django.core.cache import cache
cache.set("limit", 1)
print(cache.incr("limit"))
"""


def run(database_url, *command):
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "evento.settings",
        "REDIS_URL": "",
    }
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    ).stdout


def counted_after_migrating(database_url):
    run(database_url, "manage.py", "migrate", "--verbosity=0")
    run(database_url, "manage.py", "migrate", "--verbosity=0")  # and again, with the table there
    return run(database_url, "-c", COUNT_TO_TWO).strip()


@contextmanager
def fresh_postgresql():
    name = f"cache_table_{uuid.uuid4().hex}"
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    given = connection.settings_dict
    who = f"{given['USER']}:{given['PASSWORD']}@" if given["PASSWORD"] else f"{given['USER']}@"
    try:
        yield f"postgres://{who}{given['HOST']}:{given['PORT'] or 5432}/{name}"
    finally:
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name}")


@pytest.mark.sqlite
def test_migrate_makes_the_cache_table_on_sqlite(tmp_path):
    assert counted_after_migrating(f"sqlite:///{tmp_path / 'fresh.sqlite3'}") == "2"


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_migrate_makes_the_cache_table_on_postgresql():
    with fresh_postgresql() as database_url:
        assert counted_after_migrating(database_url) == "2"
