"""`cancel_event`: what an organiser does on the event's page in the admin, from the shell."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from evento.refusals import Refusal
from events.models import Event
from events.services import cancel_event


class Command(BaseCommand):
    help = (
        "Cancel a published event that has not ended. It cannot be undone: every ticket becomes void, and "
        "every holder and organiser is told by e-mail and on the site."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", metavar="SLUG", help="the last part of the event's address")
        parser.add_argument("--reason", default="", help="told to everybody concerned")
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would happen, and do nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        event = Event.objects.filter(slug=options["slug"]).first()
        if event is None:
            raise CommandError(f"There is no event with the slug {options['slug']}.")
        if event.is_cancelled:
            self.stdout.write(f"“{event.title}” has been cancelled already.")
            return
        limit = Event._meta.get_field("cancellation_reason").max_length or 0
        if len(options["reason"]) > limit:
            raise CommandError(f"The reason can have up to {limit} characters.")
        try:
            with transaction.atomic():
                cancelled = cancel_event(event, by=None, reason=options["reason"])
                transaction.set_rollback(options["dry_run"])
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        self._report(cancelled, "Would cancel" if options["dry_run"] else "Cancelled")

    def _report(self, event: Event, verb: str) -> None:
        self.stdout.write(
            f"{verb} “{event.title}” of {event.local_start:%d %B %Y}, "
            f"with {event.places_taken} ticket holders to tell."
        )
