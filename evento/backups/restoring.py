"""Restoring a backup: everything is looked at before anything is changed."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from evento.backups import postgresql, sqlite
from evento.backups.archive import (
    DATABASE,
    MEDIA,
    BackupError,
    Manifest,
    extract,
    media_names,
    opened,
    own_fingerprints,
    verify,
)
from evento.backups.making import engine
from notifications.holding import HOLD

# Tables that hold rows right after `migrate`, and what passes by itself.
SAYS_NOTHING = {
    *("auth_permission", "django_content_type", "django_migrations"),
    *("django_session", "evento_cache", "sqlite_sequence"),
}


def inspect(path: Path, *, replace: bool) -> Manifest:
    """Whether this backup could be restored here and now; changes nothing. Raises BackupError if not."""
    with opened(path) as (tar, manifest):
        _refuse_other_engine(manifest)
        _refuse_newer(manifest)
        verify(tar, manifest)
        if DATABASE[manifest.engine] not in manifest.files:
            raise BackupError("The backup holds no database.")
    _refuse_full_database(replace=replace)
    return manifest


def restore_backup(
    path: Path, *, replace: bool, hold_mail: bool, step: Callable[[], object]
) -> Manifest:
    """Put database and covers in the place of what is here. `step` is called per cover.

    The database is restored as a whole or not at all; covers that lie here already stay. Mails that
    waited when the backup was made are held back unless `hold_mail` is false. Raises BackupError.
    """
    manifest = inspect(path, replace=replace)
    try:
        with (
            tempfile.TemporaryDirectory(prefix=".evento-restore-", dir=_staging_place()) as folder,
            opened(path) as (tar, _manifest),
        ):
            database = Path(folder) / DATABASE[manifest.engine]
            extract(tar, database.name, database)
            placed = _Covers()
            try:
                for name in media_names(manifest):
                    placed.put(name, partial(extract, tar, name))
                    step()
                module = sqlite if manifest.engine == "sqlite" else postgresql
                module.restore(database, HOLD if hold_mail else "")
            except BaseException:
                placed.take_back()
                raise
    except OSError as error:
        raise BackupError(
            f"The backup could not be restored: {error.strerror or error}. Nothing was changed."
        ) from error
    return manifest


def has_other_key(manifest: Manifest) -> bool:
    """Whether the backup was made under a key that this site has neither now nor as a fallback."""
    return manifest.key_fingerprint not in own_fingerprints()


def pending_migrations(manifest: Manifest) -> bool:
    """Whether this Evento has migrations that the backup has not."""
    return bool(_own_migrations() - {(app, name) for app, name in manifest.migrations})


class _Covers:
    """Covers put into their place, which can be taken back. Names are random: same name, same picture."""

    def __init__(self) -> None:
        self._new: list[Path] = []

    def put(self, name: str, write: Callable[[Path], None]) -> None:
        target = Path(settings.MEDIA_ROOT) / name.removeprefix(MEDIA)
        if target.exists():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        try:
            write(part)
            part.chmod(settings.FILE_UPLOAD_PERMISSIONS or 0o644)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        self._new.append(target)

    def take_back(self) -> None:
        for path in self._new:
            path.unlink(missing_ok=True)


def _staging_place() -> Path:
    folder = Path(settings.VAR_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _refuse_other_engine(manifest: Manifest) -> None:
    here = engine()
    if manifest.engine != here:
        names = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
        raise BackupError(
            f"This backup is of {names.get(manifest.engine, manifest.engine)}, and DATABASE_URL names "
            f"{names[here]}. Restore it into the same kind of database."
        )


def _own_migrations() -> set[tuple[str, str]]:
    return set(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)


def _refuse_newer(manifest: Manifest) -> None:
    unknown = sorted({(app, name) for app, name in manifest.migrations} - _own_migrations())
    if unknown:
        named = ", ".join(f"{app} {name}" for app, name in unknown[:3])
        raise BackupError(
            f"This backup was made by a newer Evento ({manifest.evento}): this one does not know the "
            f"migration {named}. Install that version, then restore."
        )


def _refuse_full_database(*, replace: bool) -> None:
    tables = set(connection.introspection.table_names()) - SAYS_NOTHING
    foreign = tables - _own_tables()
    if foreign and connection.vendor == "postgresql":
        raise BackupError(
            f"The database holds tables that are not Evento's ({', '.join(sorted(foreign)[:3])}), which a "
            "restore would remove. Give Evento a database of its own."
        )
    if replace:
        return
    with connection.cursor() as cursor:
        for table in sorted(tables):
            cursor.execute(f"SELECT 1 FROM {connection.ops.quote_name(table)} LIMIT 1")  # noqa: S608
            if cursor.fetchone():
                raise BackupError(
                    "The database is not empty. Restore into an empty one, or say --replace: then all "
                    "that is in it now is gone."
                )


def _own_tables() -> set[str]:
    """Tables that this Evento or another version of it may have made: by the names of its apps."""
    labels = ("django_", *(f"{app.label}_" for app in apps.get_app_configs()))
    return {table for table in connection.introspection.table_names() if table.startswith(labels)}
