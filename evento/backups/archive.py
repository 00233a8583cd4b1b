"""The file of a backup: a tar with the database, the covers and, at its end, a manifest."""

import hashlib
import hmac
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO, Any

from django.conf import settings

FORMAT = 1
MANIFEST = "manifest.json"
MEDIA = "media/"
DATABASE = {"sqlite": "database.sqlite3.gz", "postgresql": "database.dump"}
BLOCK_BYTES = 1024 * 1024
FINGERPRINT_LENGTH = 16


class BackupError(Exception):
    """A backup cannot be made, read or restored; the message is a sentence that says what to do."""


@dataclass(frozen=True)
class Manifest:
    """What a backup holds, and where it comes from."""

    evento: str
    made_at: str  # ISO 8601, UTC
    engine: str
    server: str  # the database's version
    migrations: list[list[str]]  # app and name of each that was applied
    key_fingerprint: str
    files: dict[str, dict[str, Any]] = field(default_factory=dict)  # size in bytes, SHA-256
    format: int = FORMAT


def fingerprint(key: str) -> str:
    """A short mark of a SECRET_KEY, by which it is known again and that tells nothing about it."""
    return hmac.new(key.encode(), b"evento.backups", "sha256").hexdigest()[:FINGERPRINT_LENGTH]


def own_fingerprints() -> list[str]:
    """Those of the keys that this site can read with: its SECRET_KEY first."""
    return [fingerprint(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


class ArchiveWriter:
    """Adds files to an open tar and notes the size and checksum of each as it was written."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self.files: dict[str, dict[str, Any]] = {}

    def add(self, name: str, path: Path) -> None:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            reader = _HashingReader(file)
            self._tar.addfile(_entry(name, size), reader)  # type: ignore[arg-type] # it reads only
        self.files[name] = {"size": size, "sha256": reader.hexdigest()}

    def finish(self, manifest: Manifest) -> None:
        content = json.dumps(asdict(manifest), indent=1).encode()
        self._tar.addfile(_entry(MANIFEST, len(content)), BytesIO(content))


@contextmanager
def written_whole(target: Path, *, force: bool) -> Iterator[Path]:
    """A name beside `target` to write to, which becomes `target` when the block ends well.

    Raises BackupError when `target` is there and `force` is not given. What a failed block wrote is removed.
    """
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.close(descriptor)
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        if force:
            part.replace(target)
        else:
            _link(part, target)
        _sync_folder(target.parent)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def opened(path: Path) -> Iterator[tuple[tarfile.TarFile, Manifest]]:
    """The tar of a backup and its manifest. Raises BackupError for what is no whole backup."""
    try:
        with tarfile.open(path, "r:") as tar:
            yield tar, _manifest_of(tar)
    except FileNotFoundError as error:
        raise BackupError(f"There is no file {path}.") from error
    except (tarfile.TarError, EOFError) as error:
        raise BackupError(f"{path} is no backup, or a part of it is missing: {error}.") from error


def verify(tar: tarfile.TarFile, manifest: Manifest) -> None:
    """Compare every file in the archive with the manifest. Raises BackupError at the first that differs."""
    members = {member.name: member for member in tar.getmembers() if member.name != MANIFEST}
    if set(members) != set(manifest.files):
        raise BackupError("The backup does not hold the files that it says it holds.")
    for name, mark in manifest.files.items():
        if not _is_safe(name) or not members[name].isfile():
            raise BackupError(f"The backup holds {name!r}, which no backup of Evento does.")
        if members[name].size != mark["size"] or _sum_of(tar, members[name]) != mark["sha256"]:
            raise BackupError(f"{name} in the backup is damaged: its checksum is another one.")


def extract(tar: tarfile.TarFile, name: str, target: Path) -> None:
    """Write one file of the archive to `target`, readable by its owner only."""
    source = tar.extractfile(name)
    if source is None:
        raise BackupError(f"The backup does not hold {name}.")
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with source, os.fdopen(descriptor, "wb") as file:
        while block := source.read(BLOCK_BYTES):
            file.write(block)


def media_names(manifest: Manifest) -> list[str]:
    return [name for name in manifest.files if name.startswith(MEDIA)]


class _HashingReader:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._sum = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        self._sum.update(block)
        return block

    def hexdigest(self) -> str:
        return self._sum.hexdigest()


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size = size
    entry.mode = 0o600
    return entry


def _manifest_of(tar: tarfile.TarFile) -> Manifest:
    # It is written last: what was cut off has none.
    try:
        file = tar.extractfile(MANIFEST)
        values = json.load(file) if file else {}
    except KeyError as error:
        raise BackupError("The backup has no manifest: its end is missing.") from error
    except ValueError as error:
        raise BackupError("The manifest of the backup cannot be read.") from error
    if values.get("format") != FORMAT:
        raise BackupError("The backup is of another format: use the Evento that made it.")
    try:
        return Manifest(**values)
    except TypeError as error:
        raise BackupError("The manifest of the backup cannot be read.") from error


def _is_safe(name: str) -> bool:
    """Whether a name is the database's or a path below the folder of covers."""
    if name in DATABASE.values():
        return True
    path = PurePosixPath(name)
    return name.startswith(MEDIA) and ".." not in path.parts and str(path) == name


def _sum_of(tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    source = tar.extractfile(member)
    checksum = hashlib.sha256()
    while source and (block := source.read(BLOCK_BYTES)):
        checksum.update(block)
    return checksum.hexdigest()


def _link(part: Path, target: Path) -> None:
    """Give the file its name, unless somebody took that meanwhile: two backups at once lose neither."""
    try:
        os.link(part, target)
    except FileExistsError as error:
        raise BackupError(
            f"There is a file {target} already. Choose another name, or --force."
        ) from error


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # not every file system can
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
