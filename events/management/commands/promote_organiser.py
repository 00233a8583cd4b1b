"""`promote_organiser`: make somebody an organiser by class, or of one event."""

from typing import Any

from allauth.account.models import EmailAddress
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from accounts.services import grant_organiser_class
from events.models import Event
from events.services import add_organiser


class Command(BaseCommand):
    help = (
        "Make the account with this confirmed e-mail address an organiser, who may create events; or, with "
        "--event, an organiser of that one event only."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", metavar="EMAIL", help="the account's e-mail address")
        parser.add_argument("--event", metavar="SLUG", help="an organiser of this event only")
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would happen, and do nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = self._account(options["email"])
        if options["event"]:
            done = self._promote_for_event(user, options["event"], dry_run=options["dry_run"])
        else:
            done = self._promote(user, dry_run=options["dry_run"])
        self.stdout.write(done)

    def _account(self, email: str) -> User:
        user = User.objects.filter(email__iexact=email, is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active account with the e-mail address {email}.")
        # Anybody can sign up with any address; only confirming it shows whose it is.
        if not EmailAddress.objects.filter(user=user, email__iexact=email, verified=True).exists():
            raise CommandError(f"{email} has not been confirmed yet. Ask for that first.")
        return user

    def _promote(self, user: User, *, dry_run: bool) -> str:
        if user.is_organiser:
            return f"{user.email} is an organiser already."
        if dry_run:
            return f"Would make {user.email} an organiser."
        grant_organiser_class(user)
        return f"{user.email} is now an organiser."

    def _promote_for_event(self, user: User, slug: str, *, dry_run: bool) -> str:
        event = Event.objects.filter(slug=slug).first()
        if event is None:
            raise CommandError(f"There is no event with the slug {slug}.")
        if event.organisers.filter(pk=user.pk).exists():
            return f"{user.email} is an organiser of “{event.title}” already."
        if dry_run:
            return f"Would make {user.email} an organiser of “{event.title}”."
        add_organiser(event, user=user, by=None)
        return f"{user.email} is now an organiser of “{event.title}”."
