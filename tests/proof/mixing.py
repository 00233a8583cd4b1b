"""What one process of many does to the same few events, people and mails, in an order drawn from a seed."""

import random
from collections import Counter

from django.db import DatabaseError, transaction
from django.db.models import Count, F
from django.utils import timezone

from accounts.models import User
from accounts.services import close_account
from evento.database import Busy
from evento.refusals import Refusal
from events.models import Event
from events.services import archive_event, cancel_event, change_event
from notifications.models import Announcement, Notification, OutgoingEmail
from notifications.sender import Sender
from notifications.services import mark_all_read
from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory
from tickets.models import Ticket
from tickets.services import (
    book_ticket,
    cancel_ticket,
    change_note,
    differing_places,
    fix_places,
    promote_organiser,
    send_message,
)

EVENTS = 6  # open at a time
PEOPLE = 40  # at a time, and the organiser
CAPACITY = 12


class Mixer:
    """One process's part. Rows are chosen anew each time, so that all processes want the same ones."""

    def __init__(self, name, organiser):
        self.chance = random.Random(name)
        self.name = name
        self.made = 0
        self.organiser = User.objects.get(pk=organiser)
        self.sender = Sender()
        # How often, of 100.
        self.shares = {
            self.book: 48,
            self.give_back: 20,
            self.resize: 8,
            self.move: 5,
            self.note: 4,
            self.work: 4,
            self.read: 3,
            self.write: 2,
            self.cancel: 1,
            self.leave: 1,
            self.promote: 1,
            self.count: 1,
            self.save_stale: 1,
            self.archive: 1,
        }

    def step(self):
        operation = self.chance.choices(list(self.shares), list(self.shares.values()))[0]
        try:
            operation()
        except Refusal as refusal:
            return f"{operation.__name__}: {refusal.code}"
        except Busy:
            return f"{operation.__name__}: busy"
        return f"{operation.__name__}: done"

    def _event(self):
        return self.chance.choice(list(Event.objects.published().order_by("pk")))

    def _person(self):
        people = User.objects.filter(is_active=True, username__startswith="mixed")
        return self.chance.choice(list(people.order_by("pk")))

    def _ticket(self):
        held = Ticket.objects.valid().filter(event__status="published").select_related("holder")
        return self.chance.choice(list(held.order_by("pk")[:200]) or [None])

    def book(self):
        book_ticket(self._event(), holder=self._person())

    def give_back(self):
        if (ticket := self._ticket()) is not None:
            cancel_ticket(ticket, by=ticket.holder)

    def note(self):
        if (ticket := self._ticket()) is not None:
            change_note(ticket, note=f"Note {self.chance.random()}", by=ticket.holder)

    def resize(self):
        capacity = self.chance.randint(1, 2 * CAPACITY)
        change_event(self._event(), changes={"capacity": capacity}, by=self.organiser)

    def move(self):
        changes = {"location": f"Room {self.chance.random()}"}
        change_event(self._event(), changes=changes, by=self.organiser)

    def cancel(self):
        """One event goes, another one comes."""
        event = self._event()
        new_event(self.organiser)
        cancel_event(event, by=self.organiser)

    def leave(self):
        self.made += 1
        new_person(f"{self.name}-{self.made}")
        close_account(self._person())

    def work(self):
        """What a worker does in one go."""
        self.sender.step()

    def read(self):
        mark_all_read(self._person())

    def write(self):
        text = f"Words {self.chance.random()}"
        send_message(self._event(), subject="Torch", text=text, by=self.organiser)

    def promote(self):
        if (ticket := self._ticket()) is not None:
            promote_organiser(ticket.event, email=ticket.holder.email, by=self.organiser)

    def count(self):
        fix_places(self._event())

    def save_stale(self):
        """The admin's form saves a row that was read a while ago."""
        self._event().save()

    def archive(self):
        cancelled = Event.objects.filter(status="cancelled", archived_at=None)
        if (event := cancelled.order_by("pk").first()) is not None:
            archive_event(event, now=timezone.now())


def new_event(organiser):
    with transaction.atomic():
        return EventFactory(organiser=organiser, capacity=CAPACITY)


def new_person(name):
    with transaction.atomic():
        return UserFactory(username=f"mixed-{name}", email=f"{name}@mixed.example")


def mix(name, organiser, count):
    """Do `count` operations; how often each did what, by its word."""
    mixer = Mixer(name, organiser)
    outcomes = Counter()
    for _n in range(count):
        try:
            outcomes[mixer.step()] += 1
        except DatabaseError as error:
            outcomes[f"{type(error).__name__}: {error}"] += 1
    mixer.sender.close()
    return dict(outcomes)


def assert_rules_hold():
    """Call when no mail waits any more."""
    assert differing_places() == []
    assert not Event.objects.filter(places_taken__gt=F("capacity")).exists()
    valid = Ticket.objects.valid()
    assert not valid.values("event", "holder").annotate(n=Count("pk")).filter(n__gt=1).exists()
    assert not valid.filter(holder__is_active=False, event__status="published").exists()
    # Whoever held a ticket of a cancelled event was told, once each; closed accounts keep no notices.
    told = Counter(
        Notification.objects.filter(kind="tickets.event_cancelled").values_list(
            "recipient", "context__ticket"
        )
    )
    holders = valid.filter(event__status="cancelled", holder__is_active=True)
    assert told == Counter((holder, str(pk)) for holder, pk in holders.values_list("holder", "pk"))
    # Whoever has a ticket was told so, and nothing waits or has failed.
    booked = Notification.objects.filter(kind="tickets.ticket_booked")
    assert booked.count() == Ticket.objects.filter(holder__is_active=True).count()
    assert not Announcement.objects.exclude(last_error="").exists()
    assert not Announcement.objects.filter(expanded_at=None).exists()
    assert not OutgoingEmail.objects.exclude(state__in=["sent", "dropped"]).exists()
