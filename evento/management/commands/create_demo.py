"""`create_demo`: people, events and tickets to try Evento out with."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from evento.demo import people
from evento.demo.building import AlreadyThere, Request, build, planned
from evento.demo.programme import Plan, TooManyTickets
from events.models import Event

LEAST_PEOPLE = len(people.SIGN_INS)
USUAL_EVENTS, USUAL_PEOPLE, USUAL_TICKETS = 40, 300, 1500
# More tickets than these can have come with more events and people, unless told otherwise.
TICKETS_EACH_EVENT, TICKETS_EACH_PERSON = 1000, 10


class Command(BaseCommand):
    help = (
        "Add demo data: believable events over the next months in all states, people, and their tickets. "
        "The same seed gives the same data, counted from today. Three of the people can sign in "
        "(organiser, attendee, staff); their password is printed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--events",
            type=int,
            help="how many events (40, or one for each 1000 tickets where that is more)",
        )
        parser.add_argument(
            "--people",
            type=int,
            help="how many people (300, or one for each 10 tickets where that is more)",
        )
        parser.add_argument(
            "--tickets",
            type=int,
            default=USUAL_TICKETS,
            help="how many tickets (1500); 5000000 take some ten minutes and 3 GB",
        )
        parser.add_argument("--seed", type=int, default=1, help="another seed, other data (1)")
        parser.add_argument("--password", help="everybody's password; needed on a site with https")
        parser.add_argument(
            "--if-empty", action="store_true", help="do nothing where there are events already"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would be added")

    def handle(self, *args: Any, **options: Any) -> None:
        password = options["password"] or people.PASSWORD
        if options["if_empty"] and Event.objects.exists():
            self._print_sign_ins(password)
            return
        request = self._request(options, password)
        now = timezone.now()
        try:
            plans = planned(request, now)
        except TooManyTickets as error:
            most = request.tickets - error.left_over
            raise CommandError(
                f"So few people and events can have {most} tickets at most."
            ) from error
        if options["dry_run"]:
            self.stdout.write(f"Would add {_amounts(request)}.")
            return
        self._build(request, plans, now)
        self.stderr.write(f"Added {_amounts(request)}.")
        self._print_sign_ins(password)

    def _request(self, options: dict[str, Any], password: str) -> Request:
        tickets = options["tickets"]
        if options["events"] is None:
            options["events"] = max(USUAL_EVENTS, tickets // TICKETS_EACH_EVENT)
        if options["people"] is None:
            options["people"] = max(USUAL_PEOPLE, tickets // TICKETS_EACH_PERSON)
        for name, least in (("events", 1), ("people", LEAST_PEOPLE), ("tickets", 0)):
            if options[name] < least:
                raise CommandError(f"--{name} must be {least} or more.")
        if settings.SERVED_OVER_TLS and not options["password"]:
            raise CommandError(
                "SITE_URL is https, so this looks like a real site, and the demo's password is known to "
                "everybody. Give another one with --password if you mean it."
            )
        return Request(
            options["events"], options["people"], options["tickets"], options["seed"], password
        )

    def _build(self, request: Request, plans: list[Plan], now: Any) -> None:
        total = request.people + request.events + request.tickets
        # disable=None: no bar unless a terminal is attached
        with tqdm(total=total, desc="Demo data", unit="row", disable=None) as bar:
            try:
                build(request, plans, now, bar.update)
            except AlreadyThere as error:
                raise CommandError(
                    f"The demo with seed {request.seed} is there already. Another --seed adds another one."
                ) from error

    def _print_sign_ins(self, password: str) -> None:
        accounts = people.open_sign_ins(password)
        if not accounts:
            return
        self.stdout.write("Sign in with one of these:")
        for account in accounts:
            part = "staff" if account.is_staff else account.role
            self.stdout.write(f"  {part:<10} {account.email:<24} {password}")


def _amounts(request: Request) -> str:
    return f"{request.events} events, {request.people} people and {request.tickets} tickets"
