"""Backups are whole, restores are all or nothing, and neither loses a place or a ticket.

The drill runs on real files, servers and databases; `databases` makes an empty one on the same engine.
"""

import contextlib
import gzip
import hashlib
import io
import json
import os
import resource
import sqlite3
import stat
import subprocess
import sys
import tarfile
from pathlib import Path

import psycopg
import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.utils import timezone

from accounts.models import User
from evento.backups.archive import DATABASE, MANIFEST, fingerprint
from events.models import Event
from notifications.holding import MARK
from notifications.models import Announcement, OutgoingEmail
from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory
from tests.servers import database_for_servers, post_at_once, running, sign_in
from tests.tickets.factories import TicketFactory
from tickets.models import Ticket

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]
PLACES = 30
PATIENCE_SECONDS = 300


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


def manage(*arguments, database_url, folder, **more):
    """A command in a process of its own, on that database, with its files below `folder`."""
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "VAR_DIR": str(folder),
        "SECRET_KEY": django_settings.SECRET_KEY,
    }
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def ended(process):
    out, errors = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, out, errors


def rows(database_url):
    """All rows of all tables, as the engine's own driver reads them."""
    if database_url.startswith("sqlite"):
        opened = sqlite3.connect(database_url.removeprefix("sqlite:///"))
        named = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    else:
        opened = psycopg.connect(database_url)
        named = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    with contextlib.closing(opened):
        tables = [name for [name] in opened.execute(named).fetchall()]
        return {
            table: sorted(map(repr, opened.execute(f'SELECT * FROM "{table}"').fetchall()))
            for table in tables
        }


def change(backup, *, manifest=None, database=None, name=None):
    """The same backup with another manifest or database, and sums that fit: made by somebody on purpose."""
    with tarfile.open(backup) as tar:
        content = {member.name: tar.extractfile(member).read() for member in tar.getmembers()}
    values = json.loads(content.pop(MANIFEST))
    if database is not None:
        content[DATABASE[connection.vendor]] = database(content[DATABASE[connection.vendor]])
    if name is not None:
        content[name] = b"x"
    values["files"] = {
        key: {"size": len(value), "sha256": hashlib.sha256(value).hexdigest()}
        for key, value in content.items()
    }
    values |= manifest or {}
    with tarfile.open(backup, "w") as tar:
        for key, value in (content | {MANIFEST: json.dumps(values).encode()}).items():
            entry = tarfile.TarInfo(key)
            entry.size = len(value)
            tar.addfile(entry, io.BytesIO(value))


def refused(backup, *options):
    """What `restore` says, having changed nothing."""
    before = everything()
    with pytest.raises(CommandError) as caught:
        call_command("restore", str(backup), *options, stdout=io.StringIO())
    assert everything() == before
    return str(caught.value)


def everything():
    media = Path(django_settings.MEDIA_ROOT)
    files = {path: path.read_bytes() for path in media.rglob("*") if path.is_file()}
    people = sorted(User.objects.values_list("pk", "email"))
    return files, people, sorted(Ticket.objects.values_list("pk", "code")), mail_states()


def mail_states():
    return dict(OutgoingEmail.objects.values_list("key", "state"))


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


def test_backup_is_readable_by_its_owner_only_and_alone_in_its_folder(backup):
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert [path.name for path in backup.parent.glob("*evento*")] == ["evento.tar"]


def test_backup_says_which_key_it_needs_and_does_not_hold_it(site, settings, tmp_path):
    out = io.StringIO()
    file = tmp_path / "evento.tar"
    call_command("backup", str(file), stdout=out)

    assert fingerprint(settings.SECRET_KEY) in out.getvalue()
    assert settings.SECRET_KEY not in out.getvalue()
    assert settings.SECRET_KEY.encode() not in file.read_bytes()


def test_backup_writes_over_a_file_only_when_forced(backup):
    before = backup.stat().st_ino
    with pytest.raises(CommandError, match="already"):
        call_command("backup", str(backup))
    assert backup.stat().st_ino == before

    call_command("backup", str(backup), force=True, stdout=io.StringIO())
    assert backup.stat().st_ino != before


def test_backup_without_a_name_lies_in_var_and_keeps_the_newest(site, settings):
    folder = settings.VAR_DIR / "backups"
    folder.mkdir()
    old = ["evento-20260101T000000Z.tar", "evento-20260102T000000Z.tar"]
    for name in [*old, "mine.tar"]:
        (folder / name).touch()

    call_command("backup", keep=2, stdout=io.StringIO())

    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 3
    assert names[0] == old[1]
    assert "mine.tar" in names


@pytest.mark.parametrize(
    ("options", "words"),
    [({"keep": 0}, "from 1 upwards"), ({"file": Path("/nowhere/at/all/x.tar")}, "no folder")],
)
def test_backup_refuses_options_that_mean_nothing(site, options, words):
    file = [str(options.pop("file"))] if "file" in options else []
    with pytest.raises(CommandError, match=words):
        call_command("backup", *file, **options)


def test_backup_on_a_full_disk_leaves_nothing_behind(site, tmp_path):
    """A limit on the size of files stands for the end of the disk."""
    source = database_for_servers(tmp_path)
    folder = tmp_path / "full"
    folder.mkdir()
    small = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))  # noqa: E731

    status, _out, errors = ended(
        manage(
            "backup", str(folder / "x.tar"), database_url=source, folder=tmp_path, preexec_fn=small
        )
    )

    assert status == 1
    assert errors.startswith("CommandError: ")
    assert "Traceback" not in errors
    assert list(folder.iterdir()) == []


def test_restore_on_a_full_disk_changes_nothing(backup, databases, tmp_path):
    target = databases("full")
    small = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, 3_000))  # noqa: E731

    status, _out, errors = ended(
        manage("restore", str(backup), database_url=target, folder=tmp_path / "b", preexec_fn=small)
    )

    assert status == 1
    assert errors.startswith("CommandError: ")
    assert "Traceback" not in errors
    assert rows(target) == {}
    assert [path for path in (tmp_path / "b").rglob("*") if path.is_file()] == []


def test_restore_refuses_a_database_that_is_not_empty(backup):
    assert "not empty" in refused(backup)


def test_restore_replaces_rows_and_keeps_covers_when_told(backup, site, settings):
    newer = settings.MEDIA_ROOT / "covers" / "b.webp"
    newer.write_bytes(b"newer")
    (settings.MEDIA_ROOT / "covers" / "a.webp").unlink()
    UserFactory(username="after-the-backup")
    out = io.StringIO()

    call_command("restore", str(backup), replace=True, stdout=out)

    assert "All counts are right." in out.getvalue()
    assert not User.objects.filter(username="after-the-backup").exists()
    assert Ticket.objects.count() == 2
    assert Event.objects.get().places_taken == 2
    assert newer.exists()
    assert (settings.MEDIA_ROOT / "covers" / "a.webp").read_bytes() == b"large" * 1000


def test_restored_database_still_refuses_what_it_should(backup, site):
    """Constraints and triggers come back with the rows."""
    call_command("restore", str(backup), replace=True, stdout=io.StringIO())

    with pytest.raises(Exception, match="can never change"):
        Event.objects.update(starts_at=timezone.now())
    with pytest.raises(Exception, match="places_within_capacity"), connection.cursor() as cursor:
        cursor.execute("UPDATE events_event SET places_taken = capacity + 1")


def test_dry_run_says_what_the_backup_is_and_changes_nothing(backup):
    before, out = everything(), io.StringIO()

    call_command("restore", str(backup), replace=True, dry_run=True, stdout=out)

    assert "It is whole" in out.getvalue()
    assert everything() == before


def test_restore_holds_waiting_mail_back_until_it_is_released(backup, site):
    Announcement.objects.create(kind="x", about=site.pk, caused_at=timezone.now())
    call_command("backup", str(backup), force=True, stdout=io.StringIO())

    call_command("restore", str(backup), replace=True, stdout=io.StringIO())

    assert mail_states() == {"waits": "parked", "sent": "sent"}
    held = Announcement.objects.get()
    assert held.next_attempt_at.year == 9000
    OutgoingEmail.objects.create(address="c@example.org", kind="x", key="bad", state="parked")
    out = io.StringIO()
    call_command("release_mail", dry_run=True, stdout=out)
    assert "would be sent" in out.getvalue()
    assert mail_states()["waits"] == "parked"

    call_command("release_mail", stdout=io.StringIO())

    assert mail_states() == {"waits": "queued", "sent": "sent", "bad": "parked"}
    held.refresh_from_db()
    assert (held.next_attempt_at <= timezone.now(), held.last_error) == (True, "")
    call_command("release_mail", stdout=out)
    assert out.getvalue().endswith("No mail is held back.\n")


def test_restore_sends_waiting_mail_when_told(backup):
    call_command("restore", str(backup), replace=True, send_mail=True, stdout=io.StringIO())

    assert mail_states() == {"waits": "queued", "sent": "sent"}
    assert not OutgoingEmail.objects.filter(last_error=MARK).exists()


@pytest.mark.parametrize("share", [0, 0.3, 0.6, 1])
def test_restore_refuses_a_backup_that_was_cut_off(backup, share):
    """Anywhere up to the last byte of the manifest; nothing but padding follows that."""
    with tarfile.open(backup) as tar:
        manifest = tar.getmember(MANIFEST)
    end = manifest.offset_data + manifest.size - 1
    os.truncate(backup, int(end * share))

    assert "missing" in refused(backup, "--replace")


@pytest.mark.parametrize("name", ["database", "media/covers/a.webp"])
def test_restore_refuses_a_damaged_file(backup, name):
    name = DATABASE[connection.vendor] if name == "database" else name
    content = bytearray(backup.read_bytes())
    with tarfile.open(backup) as tar:
        member = tar.getmember(name)
    content[member.offset_data + member.size // 2] ^= 1
    backup.write_bytes(content)

    assert refused(backup, "--replace").startswith(f"{name} in the backup is damaged")


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ({"engine": "other"}, "This backup is of other"),
        ({"format": 2}, "another format"),
        ({"migrations": [["events", "9999_later"]]}, "newer Evento"),
        ({"surprise": 1}, "manifest of the backup cannot be read"),
        ({"files": {}}, "does not hold the files"),
    ],
)
def test_restore_refuses_what_does_not_fit(backup, manifest, words):
    change(backup, manifest=manifest)

    assert words in refused(backup, "--replace")


def test_restore_refuses_a_backup_of_the_other_engine(backup):
    other = {"sqlite": "postgresql", "postgresql": "sqlite"}[connection.vendor]
    change(backup, manifest={"engine": other})

    assert "Restore it into the same kind of database." in refused(backup, "--replace")


@pytest.mark.parametrize("name", ["media/../../etc/x", "/etc/x", "other/x", "media//x"])
def test_restore_refuses_names_that_lead_elsewhere(backup, name):
    change(backup, name=name)

    assert "which no backup of Evento does" in refused(backup, "--replace")


def test_restore_refuses_no_file_and_no_backup(site, tmp_path):
    (tmp_path / "x.tar").write_text("Hello")

    assert "There is no file" in refused(tmp_path / "none.tar")
    assert "is no backup" in refused(tmp_path / "x.tar")


def test_failed_restore_of_the_database_leaves_all_as_it_was(backup, settings):
    """The archive is as its manifest says, and what it holds is no whole database."""
    if connection.vendor == "sqlite":
        change(backup, database=lambda it: gzip.compress(gzip.decompress(it)[:-20_000]))
    else:
        change(backup, database=lambda it: it[: len(it) * 9 // 10])
    (settings.MEDIA_ROOT / "covers" / "a.webp").unlink()

    refused(backup, "--replace")

    assert not (settings.MEDIA_ROOT / "covers" / "a.webp").exists()


def test_restore_warns_of_another_key_unless_it_is_a_fallback(backup, settings):
    made_with = settings.SECRET_KEY
    settings.SECRET_KEY = "another"
    errors = io.StringIO()
    call_command("restore", str(backup), replace=True, stdout=io.StringIO(), stderr=errors)
    assert fingerprint(made_with) in errors.getvalue()

    settings.SECRET_KEY_FALLBACKS = [made_with]
    errors = io.StringIO()
    call_command("restore", str(backup), replace=True, stdout=io.StringIO(), stderr=errors)
    assert errors.getvalue() == ""


def test_restore_of_an_older_backup_asks_for_migrate(backup):
    change(backup, manifest={"migrations": [["accounts", "0001_initial"]]})
    out = io.StringIO()

    call_command("restore", str(backup), replace=True, stdout=out)

    assert out.getvalue().endswith("Now run: migrate, then audit_places\n")


def test_backup_of_an_empty_database_is_refused(databases, tmp_path):
    status, _out, errors = ended(
        manage("backup", str(tmp_path / "x"), database_url=databases("empty"), folder=tmp_path)
    )

    assert status == 1
    assert "there is nothing to keep" in errors


@pytest.mark.postgresql
@pytest.mark.parametrize("program", ["pg_dump", "psql"])
def test_client_older_than_the_server_is_named(backup, monkeypatch, tmp_path, program):
    """No old client can be installed here; a script says its version."""
    script = tmp_path / "bin" / program
    script.parent.mkdir()
    script.write_text(f"#!/bin/sh\necho '{program} (PostgreSQL) 9.6.24'\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")

    if program == "pg_dump":
        with pytest.raises(CommandError, match="must not be the older one"):
            call_command("backup", str(tmp_path / "x.tar"))
    else:
        assert "must not be the older one" in refused(backup, "--replace")


@pytest.mark.postgresql
def test_missing_client_is_named(site, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(CommandError, match="apt-get install postgresql-client"):
        call_command("backup", str(tmp_path / "x.tar"))


@pytest.mark.postgresql
def test_restore_refuses_a_database_with_other_peoples_tables(backup):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE wiki_page (id int)")
    try:
        assert "wiki_page" in refused(backup, "--replace")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE wiki_page")
