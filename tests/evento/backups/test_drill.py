"""Fill, back up while people book, restore into an empty database, audit and compare."""

import os

import pytest
from django.db import connections

from tests.accounts.factories import UserFactory
from tests.evento.backups.tools import ended, manage, rows
from tests.events.factories import EventFactory
from tests.servers import database_for_servers, post_at_once, running, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
PLACES = 30


@pytest.mark.server
def test_backup_of_a_site_in_use_is_restored_into_an_empty_database(tmp_path, databases):
    people = UserFactory.create_batch(PLACES + 10)
    event = EventFactory(capacity=PLACES, cover="covers/a.webp")
    EventFactory.create_batch(3)
    covers = tmp_path / "here" / "media" / "covers"
    covers.mkdir(parents=True)
    (covers / "a.webp").write_bytes(os.urandom(200_000))
    cookies = sign_in(people)
    source = database_for_servers(tmp_path)
    here, there = tmp_path / "here", tmp_path / "there"
    during, after = tmp_path / "during.tar", tmp_path / "after.tar"

    with running(tmp_path, database_url=source, threads=4) as server:
        path = f"{event.get_absolute_url()}ticket/"
        process = manage("backup", str(during), database_url=source, folder=here)
        while process.poll() is None and cookies:
            post_at_once(server, path, [cookies.pop()])
        post_at_once(server, path, cookies)
        status, _out, errors = ended(process)
    assert (status, errors) == (0, "")
    assert ended(manage("backup", str(after), database_url=source, folder=here))[0] == 0
    connections.close_all()

    target = databases("restored")
    status, out, errors = ended(manage("restore", str(during), database_url=target, folder=there))
    assert (status, errors) == (0, "")
    assert "All counts are right." in out
    restored, original = rows(target), rows(source)
    assert set(restored) == set(original)
    assert restored["accounts_user"] == original["accounts_user"]
    assert set(restored["tickets_ticket"]) <= set(original["tickets_ticket"])
    assert len(original["tickets_ticket"]) == PLACES

    options = ("--replace", "--send-mail")
    replacing = manage("restore", str(after), *options, database_url=target, folder=there)
    status, out, errors = ended(replacing)
    assert (status, errors) == (0, "")
    assert "All counts are right." in out
    assert rows(target) == original
    assert (there / "media" / "covers" / "a.webp").read_bytes() == (covers / "a.webp").read_bytes()
