"""Commands in processes of their own, and what is compared before and after."""

import contextlib
import hashlib
import io
import json
import os
import sqlite3
import subprocess
import sys
import tarfile
from pathlib import Path

import psycopg
import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import User
from evento.backups.archive import DATABASE, MANIFEST
from notifications.models import OutgoingEmail
from tests.patience import PATIENCE
from tickets.models import Ticket

ROOT = Path(__file__).resolve().parents[3]


def manage(*arguments, database_url, folder, **more):
    """A command in a process of its own, on that database, with its files below `folder`."""
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "VAR_DIR": str(folder),
        "SECRET_KEY": django_settings.SECRET_KEY,
    }
    if "preexec_fn" in more:
        # A limit on the size of files would also cut off what Python keeps of its own modules.
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
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
    out, errors = process.communicate(timeout=PATIENCE)
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


def change(backup, *, manifest=None, database=None, name=None, without=None, kind=tarfile.REGTYPE):
    """The same backup with another manifest or database, and sums that fit: made by somebody on purpose."""
    with tarfile.open(backup) as tar:
        content = {member.name: tar.extractfile(member).read() for member in tar.getmembers()}
    values = json.loads(content.pop(MANIFEST))
    if database is not None:
        content[DATABASE[connection.vendor]] = database(content[DATABASE[connection.vendor]])
    if name is not None:
        content[name] = b"" if kind != tarfile.REGTYPE else b"x"
    if without is not None:
        del content[without]
    values["files"] = {
        key: {"size": len(value), "sha256": hashlib.sha256(value).hexdigest()}
        for key, value in content.items()
    }
    values |= manifest or {}
    with tarfile.open(backup, "w") as tar:
        for key, value in (content | {MANIFEST: json.dumps(values).encode()}).items():
            entry = tarfile.TarInfo(key)
            entry.size = len(value)
            entry.type = kind if key == name else tarfile.REGTYPE
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
