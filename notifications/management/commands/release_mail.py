"""`release_mail`: send what a restore has held back."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from notifications.holding import anything_held, release_held


class Command(BaseCommand):
    help = (
        "Let the worker send the mails that `restore` held back because they may have been sent since the "
        "backup was made. Mails parked for other reasons stay parked."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say whether mails are held")

    def handle(self, *args: Any, **options: Any) -> None:
        if not anything_held():
            self.stdout.write("No mail is held back.")
        elif options["dry_run"]:
            self.stdout.write("Mail is held back, and would be sent.")
        else:
            release_held()
            self.stdout.write("The worker sends them now.")
