"""A small site, a backup of it, and empty databases on the engine under test."""

import contextlib
import io

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from notifications.models import OutgoingEmail
from tests.events.factories import EventFactory
from tests.servers import database_for_servers
from tests.tickets.factories import TicketFactory


@pytest.fixture
def databases(tmp_path):
    """A function that makes an empty database on the engine under test and returns its URL."""
    with contextlib.ExitStack() as stack:

        def make(name):
            if connection.vendor == "sqlite":
                return f"sqlite:///{tmp_path / name}.sqlite3"
            database = connection.settings_dict
            own = f"{database['NAME']}_{name}"
            url = database_for_servers(tmp_path).rpartition("/")[0]
            administration = psycopg.connect(f"{url}/postgres", autocommit=True)
            stack.enter_context(contextlib.closing(administration))
            administration.execute(f'DROP DATABASE IF EXISTS "{own}" WITH (FORCE)')
            administration.execute(f'CREATE DATABASE "{own}"')
            stack.callback(administration.execute, f'DROP DATABASE "{own}" WITH (FORCE)')
            return f"{url}/{own}"

        yield make


@pytest.fixture
def site(settings, tmp_path):
    """A small site: two tickets, a cover, a mail that waits; files in a folder of its own."""
    settings.VAR_DIR = tmp_path / "var"
    settings.MEDIA_ROOT = settings.VAR_DIR / "media"
    covers = settings.MEDIA_ROOT / "covers"
    covers.mkdir(parents=True)
    (covers / "a.webp").write_bytes(b"large" * 1000)
    (covers / "a-small.webp").write_bytes(b"small")
    event = EventFactory(capacity=5, cover="covers/a.webp")
    TicketFactory.create_batch(2, event=event)
    OutgoingEmail.objects.create(address="a@example.org", kind="x", key="waits")
    OutgoingEmail.objects.create(address="b@example.org", kind="x", key="sent", state="sent")
    return event


@pytest.fixture
def backup(site, tmp_path):
    """A backup of that site."""
    file = tmp_path / "evento.tar"
    call_command("backup", str(file), stdout=io.StringIO())
    return file
