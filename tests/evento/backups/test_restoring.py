"""A restore looks at everything first, and changes all or nothing."""

import contextlib
import gzip
import io
import os
import resource
import shutil
import sqlite3
import tarfile
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from accounts.models import User
from evento.backups.archive import DATABASE, MANIFEST, fingerprint
from events.models import Event
from notifications.holding import MARK
from notifications.models import Announcement, OutgoingEmail
from tests.accounts.factories import UserFactory
from tests.evento.backups.tools import change, ended, everything, mail_states, manage, refused, rows
from tickets.models import Ticket

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_dry_run_refuses_what_restore_would_refuse(backup):
    assert "not empty" in refused(backup, "--dry-run")


def test_restore_takes_a_database_that_was_only_migrated_and_looked_at(backup, databases, tmp_path):
    """As in a container, whose migration comes first; a visitor leaves a session and counts of limits."""
    target, there = databases("migrated"), tmp_path / "there"
    options = {"database_url": target, "folder": there}
    assert ended(manage("migrate", "--verbosity", "0", **options))[0] == 0
    look = "from django.core.cache import cache; cache.set('x', 1);"
    look += "from django.contrib.sessions.backends.db import SessionStore; SessionStore().save()"
    assert ended(manage("shell", "--command", look, **options))[0] == 0

    status, out, errors = ended(manage("restore", str(backup), **options))

    assert (status, errors) == (0, "")
    assert "All counts are right." in out
    assert (there / "media" / "covers" / "a.webp").stat().st_mode & 0o777 == 0o644


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
    now = timezone.now()
    Announcement.objects.create(kind="x", about=site.pk, caused_at=now)
    Announcement.objects.create(kind="done", about=site.pk, caused_at=now, expanded_at=now)
    OutgoingEmail.objects.filter(key="waits").update(
        attempts=3, next_attempt_at=now + timedelta(hours=1)
    )
    lease = {"leased_by": uuid4(), "leased_until": now, "state": "sending"}
    OutgoingEmail.objects.create(address="d@example.org", kind="x", key="in-hand", **lease)
    call_command("backup", str(backup), force=True, stdout=io.StringIO())

    call_command("restore", str(backup), replace=True, stdout=io.StringIO())

    assert mail_states() == {"waits": "parked", "in-hand": "parked", "sent": "sent"}
    assert OutgoingEmail.objects.get(key="in-hand").leased_by is None
    assert Announcement.objects.get(kind="done").last_error == ""
    held = Announcement.objects.get(kind="x")
    assert held.next_attempt_at.year == 9000
    OutgoingEmail.objects.create(address="c@example.org", kind="x", key="bad", state="parked")
    out = io.StringIO()
    call_command("release_mail", dry_run=True, stdout=out)
    assert "would be sent" in out.getvalue()
    assert mail_states()["waits"] == "parked"

    call_command("release_mail", stdout=io.StringIO())

    queued = {"waits": "queued", "in-hand": "queued"}
    assert mail_states() == queued | {"sent": "sent", "bad": "parked"}
    mail = OutgoingEmail.objects.get(key="waits")
    assert (mail.attempts, mail.next_attempt_at <= timezone.now()) == (0, True)
    held.refresh_from_db()
    assert (held.next_attempt_at <= timezone.now(), held.last_error) == (True, "")
    call_command("release_mail", stdout=out)
    assert out.getvalue().endswith("No mail is held back.\n")


def test_announcements_alone_are_held_and_released_too(backup, site):
    OutgoingEmail.objects.all().delete()
    Announcement.objects.create(kind="x", about=site.pk, caused_at=timezone.now())
    call_command("backup", str(backup), force=True, stdout=io.StringIO())
    call_command("restore", str(backup), replace=True, stdout=io.StringIO())

    call_command("release_mail", stdout=io.StringIO())

    assert Announcement.objects.get().next_attempt_at <= timezone.now()


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


@pytest.mark.postgresql
def test_nothing_is_committed_when_pg_restore_fails_after_its_last_word(
    backup, tmp_path, monkeypatch
):
    """All it wrote is sound, so psql alone would be content."""
    real = shutil.which("pg_restore")
    failing = tmp_path / "bin" / "pg_restore"
    failing.parent.mkdir()
    failing.write_text(f'#!/bin/sh\n{real} "$@"\n[ "$1" = --list ]\n')
    failing.chmod(0o755)
    monkeypatch.setenv("PATH", str(failing.parent), prepend=os.pathsep)
    OutgoingEmail.objects.all().delete()

    assert "it is as it was" in refused(backup, "--replace")


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


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_restore_refuses_what_is_no_plain_file(backup, kind):
    change(backup, name="media/covers/x.webp", kind=kind)

    assert "which no backup of Evento does" in refused(backup, "--replace")


def test_restore_refuses_a_backup_without_a_database(backup):
    change(backup, without=DATABASE[connection.vendor])

    assert refused(backup, "--replace") == "The backup holds no database."


def test_restore_refuses_a_manifest_that_is_none(backup):
    with tarfile.open(backup, "w") as tar:
        entry = tarfile.TarInfo(MANIFEST)
        entry.size = 5
        tar.addfile(entry, io.BytesIO(b"Hello"))

    assert refused(backup, "--replace") == "The manifest of the backup cannot be read."


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


def test_restore_of_what_is_no_database_leaves_all_as_it_was(backup):
    change(backup, database=lambda _it: b"Hello")

    assert refused(backup, "--replace")


@pytest.mark.sqlite
def test_restore_refuses_rows_that_point_to_nothing(backup, tmp_path):
    def orphaned(packed):
        copy = tmp_path / "copy"
        copy.write_bytes(gzip.decompress(packed))
        with contextlib.closing(sqlite3.connect(copy)) as file:
            file.executescript("DELETE FROM events_event;")
        return gzip.compress(copy.read_bytes())

    change(backup, database=orphaned)

    assert "points to nothing" in refused(backup, "--replace")


@pytest.mark.postgresql
def test_restore_ends_at_the_first_statement_that_fails(backup):
    change(
        backup, database=lambda it: it.replace(b"CREATE TABLE public.", b"CREATE TABEL public.", 1)
    )

    assert "could not be restored; it is as it was" in refused(backup, "--replace")


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


@pytest.mark.postgresql
def test_restore_refuses_a_database_with_other_peoples_tables(backup):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE wiki_page (id int)")
    try:
        assert "wiki_page" in refused(backup, "--replace")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE wiki_page")
