"""`backup`: database and covers in one file, while the site runs."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from evento.backups.archive import BackupError
from evento.backups.making import default_folder, default_name, make_backup, remove_older


class Command(BaseCommand):
    help = (
        "Write the database and the covers, as they are now, to one file that only its owner can read. The "
        "site goes on meanwhile. A file under its name is always a whole backup. The key (SECRET_KEY or "
        "var/secret_key) is not in it: keep that in another place."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file",
            nargs="?",
            type=Path,
            metavar="FILE",
            help="where to (var/backups/evento-TIME.tar)",
        )
        parser.add_argument("--force", action="store_true", help="write over FILE if it is there")
        parser.add_argument(
            "--keep",
            type=int,
            metavar="N",
            help="afterwards, remove all but the newest N from var/backups/; not with FILE",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        target, keep = options["file"], options["keep"]
        if keep is not None and (keep < 1 or target is not None):
            raise CommandError("--keep takes a number from 1 upwards, and no FILE beside it.")
        if target is None:
            folder = default_folder()
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            target = folder / default_name(timezone.now())
        if not target.parent.is_dir():
            raise CommandError(f"There is no folder {target.parent}.")
        try:
            with tqdm(desc="Covers", unit="file", disable=None) as bar:
                manifest = make_backup(target, force=options["force"], step=bar.update)
        except BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{target}: whole, {target.stat().st_size:,} bytes.")
        place = "var/secret_key" if settings.SECRET_KEY_IS_IN_A_FILE else "SECRET_KEY"
        self.stdout.write(
            f"The key is not in it. Keep {place} in another place: without it nobody's second factor can "
            f"be read. Its fingerprint is {manifest.key_fingerprint}."
        )
        for old in remove_older(target.parent, keep=keep) if keep else ():
            self.stdout.write(f"{old}: removed.")
