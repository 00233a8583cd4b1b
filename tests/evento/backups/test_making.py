"""A backup is whole under its name, and made while the site runs."""

import contextlib
import gzip
import io
import os
import resource
import sqlite3
import stat
import tarfile
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from evento.backups.archive import DATABASE, MANIFEST, BackupError, fingerprint, written_whole
from evento.backups.making import default_name, make_backup
from tests.evento.backups.tools import ended, manage, refused
from tests.servers import database_for_servers

pytestmark = pytest.mark.django_db(transaction=True)


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


@pytest.mark.parametrize(("in_a_file", "place"), [(True, "var/secret_key"), (False, "SECRET_KEY")])
def test_backup_says_where_the_key_is(site, settings, tmp_path, in_a_file, place):
    settings.SECRET_KEY_IS_IN_A_FILE = in_a_file
    out = io.StringIO()

    call_command("backup", str(tmp_path / "x.tar"), stdout=out)

    assert f"Keep {place} in another place" in out.getvalue()


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


def test_folder_that_backup_makes_is_for_its_owner_only(site, settings):
    call_command("backup", stdout=io.StringIO())

    assert stat.S_IMODE((settings.VAR_DIR / "backups").stat().st_mode) == 0o700


def test_names_of_backups_sort_by_the_time_wherever_the_clock_hangs():
    earlier = datetime(2026, 7, 1, 1, 30, tzinfo=ZoneInfo("Asia/Tokyo"))
    later = datetime(2026, 6, 30, 18, tzinfo=ZoneInfo("Europe/London"))

    assert default_name(earlier) == "evento-20260630T163000Z.tar" < default_name(later)


def test_backup_holds_covers_from_before_the_database_and_those_that_came_meanwhile(
    site, settings, tmp_path
):
    """So all that the copy names are among them, whatever people do in between."""
    covers = settings.MEDIA_ROOT / "covers"
    assert [path.name for path in sorted(covers.iterdir())] == ["a-small.webp", "a.webp"]

    def come_and_go():
        (covers / "b.webp").write_bytes(b"new")
        (covers / "a.webp").unlink(missing_ok=True)

    make_backup(tmp_path / "x.tar", force=False, step=come_and_go)

    with tarfile.open(tmp_path / "x.tar") as tar:
        assert tar.getnames() == [
            "media/covers/a-small.webp",
            DATABASE[connection.vendor],
            "media/covers/b.webp",
            MANIFEST,
        ]


def test_two_backups_to_one_name_lose_neither(tmp_path):
    file = tmp_path / "backups" / "x.tar"
    file.parent.mkdir()

    def write_while_another_does():
        with written_whole(file, force=False) as part:
            part.write_text("second")
            file.write_text("first")

    with pytest.raises(BackupError, match="already"):
        write_while_another_does()

    assert file.read_text() == "first"
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.sqlite
def test_backup_of_sqlite_is_one_file_that_needs_nothing_beside_it(site, tmp_path):
    backup = tmp_path / "x.tar"
    source = database_for_servers(tmp_path)
    assert ended(manage("backup", str(backup), database_url=source, folder=tmp_path / "b"))[0] == 0

    with tarfile.open(backup) as tar:
        database = gzip.decompress(tar.extractfile(DATABASE["sqlite"]).read())

    # The header's version of the format: 1 is a journal, 2 a log in another file.
    assert database[18:20] == b"\x01\x01"


@pytest.mark.sqlite
def test_damaged_database_is_not_kept_as_a_backup(site, tmp_path):
    source = database_for_servers(tmp_path)
    with contextlib.closing(sqlite3.connect(source.removeprefix("sqlite:///"))) as file:
        file.executescript("DELETE FROM events_event;")  # and so tickets of no event

    status, _out, errors = ended(
        manage("backup", str(tmp_path / "x.tar"), database_url=source, folder=tmp_path / "b")
    )

    assert status == 1
    assert "points to nothing" in errors
    assert not (tmp_path / "x.tar").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"keep": 0}, "from 1 upwards"),
        ({"keep": 2, "file": Path("/nowhere/at/all/x.tar")}, "no FILE beside it"),
        ({"file": Path("/nowhere/at/all/x.tar")}, "no folder"),
    ],
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
