"""`audit_places`: are the counters what the tickets say?"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from evento.refusals import Refusal
from events.models import Event
from tickets.services import Difference, differing_places, fix_places


class Command(BaseCommand):
    help = (
        "Compare each event's count of places taken with its valid tickets and print where they differ. "
        "Ends with status 1 when something differs and was not put right. Changes nothing without --fix."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slugs", nargs="*", metavar="SLUG", help="these events only (all)")
        parser.add_argument("--fix", action="store_true", help="set wrong counts right")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="print what --fix would change, and change nothing",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        slugs = options["slugs"]
        self._refuse_unknown(slugs)
        differences = differing_places(slugs)
        for difference in differences:
            event = difference.event
            self.stdout.write(
                f"{event.slug}: {event.places_taken} counted, {difference.tickets} valid tickets"
            )
        if not differences:
            self.stdout.write("All counts are right.")
        elif options["fix"] and not options["dry_run"]:
            self._fix(differences)
        else:
            raise CommandError(f"{len(differences)} wrong. Run again with --fix to set them right.")

    def _refuse_unknown(self, slugs: list[str]) -> None:
        known = set(Event.objects.filter(slug__in=slugs).values_list("slug", flat=True))
        if unknown := sorted(set(slugs) - known):
            raise CommandError(f"There is no event with the slug {', '.join(unknown)}.")

    def _fix(self, differences: list[Difference]) -> None:
        refused = []
        for difference in tqdm(differences, desc="Fixing", unit="event", disable=None):
            try:
                fix_places(difference.event)
            except Refusal as refusal:
                refused.append(str(refusal))
        if refused:
            raise CommandError("\n".join(refused))
        self.stdout.write(f"{len(differences)} set right.")
