"""SQLite's own way to copy a database that is being written to."""

import contextlib
import gzip
import shutil
import sqlite3
from pathlib import Path

from django.db import connection

from evento.backups.archive import BackupError


def version() -> str:
    return sqlite3.sqlite_version


def dump(target: Path) -> None:
    """Write the database as it is at one moment to `target`, compressed. Writers go on meanwhile."""
    copy = target.with_suffix(".copy")
    try:
        with contextlib.closing(sqlite3.connect(copy)) as file:
            connection.ensure_connection()
            connection.connection.backup(file)
            # One file, with nothing beside it.
            file.execute("PRAGMA journal_mode=DELETE")
            _refuse_damaged(file)
        with copy.open("rb") as source, gzip.open(target, "wb", compresslevel=6) as packed:
            shutil.copyfileobj(source, packed, 1024 * 1024)
    except sqlite3.Error as error:
        raise BackupError(f"The database could not be copied: {error}.") from error
    finally:
        copy.unlink(missing_ok=True)


def restore(source: Path, after: str) -> None:
    """Put the dump in the place of the database, with the statements `after`, all of it or nothing.

    Other processes that have the database open see the restored one from their next statement on.
    """
    copy = source.with_suffix(".copy")
    try:
        with gzip.open(source, "rb") as packed, copy.open("wb") as file:
            shutil.copyfileobj(packed, file, 1024 * 1024)
        with contextlib.closing(sqlite3.connect(copy)) as restored:
            _refuse_damaged(restored)
            restored.executescript(f"BEGIN;\n{after}\nCOMMIT;")
            connection.ensure_connection()
            restored.backup(connection.connection)
    except (sqlite3.Error, gzip.BadGzipFile, EOFError) as error:
        raise BackupError(f"The database could not be restored: {error}.") from error
    finally:
        copy.unlink(missing_ok=True)
    connection.close()


def _refuse_damaged(file: sqlite3.Connection) -> None:
    [found] = file.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise BackupError(f"The database is damaged: {found}.")
    if orphan := file.execute("PRAGMA foreign_key_check").fetchone():
        raise BackupError(f"The database is damaged: a row of {orphan[0]} points to nothing.")
