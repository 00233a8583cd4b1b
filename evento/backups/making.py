"""Making a backup while the site runs."""

import contextlib
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

import evento
from evento.backups import postgresql, sqlite
from evento.backups.archive import (
    DATABASE,
    MEDIA,
    ArchiveWriter,
    BackupError,
    Manifest,
    fingerprint,
    written_whole,
)

PREFIX, SUFFIX = "evento-", ".tar"


def engine() -> str:
    """The database's engine as backups name it."""
    if connection.vendor not in DATABASE:
        raise BackupError(f"There is no backup of {connection.display_name}.")
    return connection.vendor


def default_folder() -> Path:
    """Where backups lie unless told otherwise."""
    return Path(settings.VAR_DIR) / "backups"


def default_name(now: datetime) -> str:
    return f"{PREFIX}{now.astimezone(UTC):%Y%m%dT%H%M%SZ}{SUFFIX}"


def make_backup(target: Path, *, force: bool, step: Callable[[], object]) -> Manifest:
    """Write a backup of database and covers to `target`, whole or not at all. `step` is called per cover.

    Raises BackupError.
    """
    if target.exists() and not force:
        raise BackupError(f"There is a file {target} already. Choose another name, or --force.")
    made_at = datetime.now(UTC)
    try:
        with (
            written_whole(target, force=force) as part,
            tempfile.TemporaryDirectory(prefix=".evento-backup-", dir=target.parent) as folder,
        ):
            return _write(part, Path(folder), made_at, step)
    except OSError as error:
        raise BackupError(f"The backup could not be written: {error.strerror or error}.") from error


def remove_older(folder: Path, *, keep: int) -> list[Path]:
    """Remove all but the newest `keep` backups that were made under the usual name; return them."""
    # The names sort by their time.
    backups = sorted(folder.glob(f"{PREFIX}[0-9]*T[0-9]*Z{SUFFIX}"), reverse=True)
    for old in backups[keep:]:
        old.unlink(missing_ok=True)
    return backups[keep:]


def _write(part: Path, folder: Path, made_at: datetime, step: Callable[[], object]) -> Manifest:
    kind = engine()
    with tarfile.open(part, "w", format=tarfile.PAX_FORMAT) as tar:
        writer = ArchiveWriter(tar)
        # A cover that is there before the database is copied, and one that is there afterwards: whatever the
        # copy names is among them. More of them do no harm.
        _add_covers(writer, step)
        migrations = _applied_migrations()
        database = folder / DATABASE[kind]
        server = _dump(kind, database)
        writer.add(DATABASE[kind], database)
        _add_covers(writer, step)
        manifest = Manifest(
            evento=evento.__version__,
            made_at=made_at.isoformat(timespec="seconds"),
            engine=kind,
            server=server,
            migrations=migrations,
            key_fingerprint=fingerprint(settings.SECRET_KEY),
            files=writer.files,
        )
        writer.finish(manifest)
    return manifest


def _dump(kind: str, target: Path) -> str:
    module = sqlite if kind == "sqlite" else postgresql
    module.dump(target)
    return module.version()


def _applied_migrations() -> list[list[str]]:
    applied = MigrationRecorder(connection).applied_migrations()
    if not applied:
        raise BackupError("The database is empty: there is nothing to keep. Is DATABASE_URL right?")
    return sorted([app, name] for app, name in applied)


def _add_covers(writer: ArchiveWriter, step: Callable[[], object]) -> None:
    root = Path(settings.MEDIA_ROOT)
    for path in _files_below(root):
        name = MEDIA + path.relative_to(root).as_posix()
        if name in writer.files:
            continue
        # Gone since it was listed: no event has it any more.
        with contextlib.suppress(FileNotFoundError):
            writer.add(name, path)
        step()


def _files_below(root: Path) -> Iterator[Path]:
    yield from (path for path in sorted(root.rglob("*")) if path.is_file())
