"""`restore`: put a backup in the place of what is here."""

from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from evento.backups.archive import BackupError, Manifest, media_names
from evento.backups.restoring import (
    has_other_key,
    inspect,
    pending_migrations,
    restore_backup,
)


class Command(BaseCommand):
    help = (
        "Restore a file that `backup` made: the database as a whole or not at all, and the covers. Stop web "
        "servers and workers first. Checks everything before it changes anything, and refuses a database "
        "that is not empty. Mails that waited when the backup was made are held back, because they may "
        "have been sent since; `release_mail` sends them."
    )
    # The database may be empty, so checks must not need it; they look at settings only.

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument(
            "--replace",
            action="store_true",
            help="even if the database is not empty: its rows are gone then",
        )
        parser.add_argument(
            "--send-mail", action="store_true", help="hold no mail back: some may arrive twice"
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="check the backup and what is here; change nothing",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["dry_run"]:
                manifest = inspect(options["file"], replace=options["replace"])
                self._describe(manifest)
                self.stdout.write("It is whole and could be restored here. Nothing was changed.")
                return
            with tqdm(desc="Covers", unit="file", disable=None) as bar:
                manifest = restore_backup(
                    options["file"],
                    replace=options["replace"],
                    hold_mail=not options["send_mail"],
                    step=bar.update,
                )
        except BackupError as error:
            raise CommandError(str(error)) from error
        self._describe(manifest)
        self.stdout.write("Restored.")
        if not options["send_mail"]:
            self.stdout.write("What waited to be sent is held back; `release_mail` sends it.")
        if pending_migrations(manifest):
            self.stdout.write("It is of an older Evento. Now run: migrate, then audit_places")
            return
        call_command("audit_places", stdout=self.stdout)

    def _describe(self, manifest: Manifest) -> None:
        self.stdout.write(
            f"Backup of {manifest.made_at} by Evento {manifest.evento}, {manifest.engine} "
            f"{manifest.server}, {len(media_names(manifest))} files of covers."
        )
        if has_other_key(manifest):
            self.stderr.write(
                f"It was made with another SECRET_KEY (fingerprint {manifest.key_fingerprint}). Without "
                "that key nobody's second factor can be read, and everybody is signed out. Set it, or name "
                "it in SECRET_KEY_FALLBACKS."
            )
