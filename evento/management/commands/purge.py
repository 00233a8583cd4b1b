"""`purge`: removes what nobody needs any more, in small transactions. Run it daily."""

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from tqdm import tqdm

from accounts import purging as accounts
from evento.database import delete_in_batches, retry_conflicts
from notifications import purging as notifications
from tickets.services.purging import archived_long_ago, remove_archived_event


class Command(BaseCommand):
    help = (
        "Remove what nobody needs any more: sessions that have ended, accounts that were never confirmed "
        "and usernames held (30 days), mails that were sent (90 days), notices (a year), and events that "
        "were archived a year ago, with their tickets. Mails that wait or are parked stay. Others can work "
        "meanwhile; run it daily."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would be removed")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        plain = {
            "Sessions that have ended": accounts.ended_sessions(now),
            "Their places in lists of devices": accounts.records_of_ended_sessions(now),
            "Wrong organiser codes": accounts.forgotten_codes(now),
            "Held usernames": accounts.old_username_holds(now),
            "Mails that are done": notifications.done_mails(now),
            "Announcements that are done": notifications.done_announcements(now),
            "Old notices": notifications.old_notices(now),
        }
        people, events = accounts.never_verified(now), archived_long_ago(now)
        if options["dry_run"]:
            self._say(
                plain | {"Accounts never confirmed": people, "Events archived a year ago": events}
            )
            return
        self._remove_events(events, now)
        self._remove_people(people, now)
        for rows in tqdm(plain.values(), desc="Purging", unit="kind", disable=None):
            delete_in_batches(rows)
        self.stdout.write("Purged.")

    def _say(self, kinds: "dict[str, QuerySet[Any]]") -> None:
        # No numbers: how many mails and notices there were tells how many people came.
        for name, rows in kinds.items():
            self.stdout.write(f"{name}: {'some' if rows.exists() else 'none'}")

    def _remove_people(self, people: "QuerySet[Any]", now: datetime) -> None:
        keys = list(people.values_list("pk", flat=True))
        for key in tqdm(keys, desc="Accounts", unit="account", disable=None):
            _remove_person(key, now)

    def _remove_events(self, events: "QuerySet[Any]", now: datetime) -> None:
        keys = list(events.values_list("pk", flat=True))
        for key in tqdm(keys, desc="Events", unit="event", disable=None):
            remove_archived_event(key, now=now)


@retry_conflicts
def _remove_person(key: Any, now: datetime) -> None:
    with transaction.atomic():
        notifications.remove_everything_of(key)
        if not accounts.remove_never_verified(key, now=now):
            # Confirmed meanwhile, or something points to it: its mails stay too.
            transaction.set_rollback(True)
