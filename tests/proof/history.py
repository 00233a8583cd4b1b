"""One history of the site, real and in the model: who and what there is, and whether both agree."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import time_machine
from allauth.account.models import EmailAddress
from django.db import transaction
from django.test import Client
from django.utils import timezone
from hypothesis.stateful import RuleBasedStateMachine, invariant

from accounts.models import User
from evento.refusals import Refusal
from events.models import Event, OrganiserOffer
from tests.proof import model
from tests.proof.stored import assert_as_expected

BEGIN = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
PEOPLE = 5  # who do many things; all others only book
MOST_EVENTS = 5


def attempt(service, *args, **kwargs):
    """The code of a service's refusal, or "" when it is done."""
    code = ""
    try:
        with transaction.atomic():
            service(*args, **kwargs)
    except Refusal as refusal:
        code = refusal.code
    History.outcomes[f"{service.__name__}: {code or 'done'}"] += 1
    return code


class History(RuleBasedStateMachine):
    """One history of the site, undone at its end."""

    steps = 0  # of all machines
    outcomes = Counter()  # how often each service did, or refused for what reason

    def __init__(self):
        super().__init__()
        self.before = transaction.savepoint()
        self.travel = time_machine.travel(BEGIN, tick=False)
        self.clock = self.travel.start()
        self.model = model.Model()
        self.users, self.names, self.pks, self.keys = {}, {}, {}, {}
        self.client = Client()

    def teardown(self):
        self.travel.stop()
        transaction.savepoint_rollback(self.before)

    def sign_up(self, *names):
        users = [User(username=it, email=f"{it}@example.org", password="!") for it in names]
        User.objects.bulk_create(users)
        EmailAddress.objects.bulk_create(
            EmailAddress(user=user, email=user.email, verified=True, primary=True) for user in users
        )
        self.users |= dict(zip(names, users, strict=True))
        self.names |= {user.pk: user.username for user in users}
        self.model.usernames |= {it: it for it in names}

    @invariant()
    def database_is_as_the_model(self):
        assert_as_expected(self)

    # --- Choosing ---

    def step(self):
        """Count a step, and let no two of them happen at one moment."""
        History.steps += 1
        self.clock.shift(timedelta(seconds=1))
        return timezone.now()

    def event(self, n):
        key = sorted(self.model.events)[n % len(self.model.events)]
        return key, self.model.events[key], Event.objects.get(pk=self.pks[key])

    def person(self, n):
        """One of the few who do many things; whose account was closed does nothing more."""
        some = [name for name in self.users if name not in self.model.closed][:PEOPLE]
        name = some[n % len(some)]
        return name, self.users[name]

    def organiser(self, of):
        """Who acts for an event: its first organiser whose account is open, or a command."""
        name = min(of.organisers - self.model.closed, default=None)
        return name, self.users.get(name)

    def has_events(self):
        return bool(self.model.events)

    def bookable(self):
        now = timezone.now()
        return [key for key, twin in self.model.events.items() if twin.is_open(now)]

    def has_room(self):
        return len(self.model.events) < MOST_EVENTS

    def remember(self, key, event):
        self.pks[key], self.keys[str(event.pk)] = event.pk, key

    def has_offers(self):
        return any(twin.offers for twin in self.model.events.values())

    def offer(self, n):
        offers = list(OrganiserOffer.objects.order_by("email", "event__created_at"))
        return offers[n % len(offers)]

    def has_tickets(self):
        return any(twin.booked for twin in self.model.events.values())

    def event_with_tickets(self, n):
        some = sorted(key for key, twin in self.model.events.items() if twin.booked)
        key = some[n % len(some)] if some else min(self.model.events)
        return key, self.model.events[key], Event.objects.get(pk=self.pks[key])

    def tickets(self, n):
        """All of an event that has some, given back or not."""
        rows = self.event_with_tickets(n)[2].tickets.select_related("holder")
        return list(rows.order_by("booked_at", "holder__username"))
