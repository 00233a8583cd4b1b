"""A machine that calls services in any order and holds the database against the model after each call."""

import re
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    precondition,
    rule,
)

from accounts.models import User
from accounts.services import change_profile, close_account
from events import services
from events.models import Event
from notifications.expanding import expand_next
from notifications.services import opt_out
from tests.proof import model
from tests.proof.history import PEOPLE, History, attempt
from tickets.services import (
    book_ticket,
    cancel_ticket,
    change_note,
    promote_organiser,
    send_message,
)

CROWD = 36
MOST_CLOSED = 4
BADGE = re.compile(r"FULL|last \d+ spaces?")

numbers = st.integers(0, 999)  # which event or person, counted round
# Small ones fill by themselves; at 20 the last place is exactly 5 %, at 21 it is less.
capacities = st.one_of(st.integers(1, 8), st.sampled_from([20, 21]), st.integers(20, 45))
hours = st.one_of(st.integers(30, 300), st.integers(-2, 60))
publishing = st.sampled_from([True, True, True, False])
places = st.sampled_from(["Town Hall", "Library", "Online"])
notes = st.sampled_from(["", "Wheelchair", "n" * model.NOTE_LENGTH, "n" * (model.NOTE_LENGTH + 1)])


class Machine(History):
    """Rules: what may happen, and what the model says of it."""

    @initialize(small=capacities, large=st.sampled_from([20, 21, 30, 40]))
    def begin(self, small, large):
        """Everybody has signed up, and two events are public."""
        self.sign_up(*(f"person{n}" for n in range(PEOPLE + CROWD)))
        self.create_event(0, small, 100, "Library", publish=True)
        self.create_event(1, large, 150, "Town Hall", publish=True)

    # --- Events ---

    @precondition(History.has_room)
    @rule(n=numbers, capacity=capacities, hours=hours, where=places, publish=publishing)
    def create_event(self, n, capacity, hours, where, publish):
        now = self.step()
        name, user = self.person(n)
        starts_at, lasts = now + timedelta(hours=hours), timedelta(hours=2)
        event = Event(title="Owls", starts_at=starts_at, time_zone="UTC", duration=lasts)
        event.capacity, event.location = capacity, where
        key = f"event{History.steps}"
        twin = model.Event(starts_at, lasts, capacity, where)
        expected = self.model.create(key, twin, name, now, publish=publish)
        assert attempt(services.create_event, event, creator=user, publish=publish) == expected
        if not expected:
            self.remember(key, event)

    @precondition(lambda self: self.has_events() and self.has_room())
    @rule(n=numbers, who=numbers)
    def copy_event(self, n, who):
        now = self.step()
        _key, twin, event = self.event(n)
        name, user = self.person(who)
        copy = services.copy_event(event, by=user)
        key = f"event{History.steps}"
        new = model.Event(twin.starts_at, twin.duration, twin.capacity, twin.location)
        self.model.create(key, new, name, now, publish=False)
        self.remember(key, copy)

    @precondition(History.has_events)
    @rule(n=numbers)
    def publish_event(self, n):
        now = self.step()
        key, twin, event = self.event(n)
        by = self.organiser(twin)[1]
        assert attempt(services.publish_event, event, by=by) == self.model.publish(key, now)

    @precondition(History.has_events)
    @rule(n=numbers, hours=hours, way=st.sampled_from(["service", "save", "update", "bulk"]))
    def move_start(self, n, hours, way):
        now = self.step()
        key, twin, event = self.event(n)
        starts_at = now + timedelta(hours=hours, seconds=30)
        ways = {"service": self.change_start, "save": self.save_start}
        ways |= {"update": self.update_start, "bulk": self.bulk_update_start}
        way = "service" if twin.status == "draft" else way  # a draft may be moved
        assert attempt(ways[way], event, starts_at) == self.model.move(key, starts_at)

    def change_start(self, event, starts_at):
        services.change_event(event, changes={"starts_at": starts_at}, by=None)

    def save_start(self, event, starts_at):
        event.starts_at = starts_at
        event.save()

    def update_start(self, event, starts_at):
        Event.objects.filter(pk=event.pk).update(starts_at=starts_at)

    def bulk_update_start(self, event, starts_at):
        event.starts_at = starts_at
        Event.objects.bulk_update([event], ["starts_at"])

    @precondition(History.has_events)
    @rule(n=numbers, where=places)
    def change_place(self, n, where):
        now = self.step()
        key, twin, event = self.event(n)
        name, by = self.organiser(twin)
        changes = {"location": where}
        expected = self.model.relocate(key, where, name, now)
        assert attempt(services.change_event, event, changes=changes, by=by) == expected

    @precondition(History.has_events)
    @rule(n=numbers, capacity=capacities)
    def change_capacity(self, n, capacity):
        self.resize(n, capacity)

    @precondition(History.has_events)
    @rule(n=numbers, left=st.integers(-1, 3))
    def lower_capacity_to_the_last_places(self, n, left):
        self.resize(n, max(1, self.event(n)[1].taken + left))

    def resize(self, n, capacity):
        now = self.step()
        key, _twin, event = self.event(n)
        changes = {"capacity": capacity}
        expected = self.model.resize(key, capacity, now)
        assert attempt(services.change_event, event, changes=changes, by=None) == expected

    @precondition(History.has_events)
    @rule(n=numbers, where=places, capacity=capacities, publish=st.booleans())
    def edit_event(self, n, where, capacity, publish):
        now = self.step()
        key, twin, event = self.event(n)
        name, by = self.organiser(twin)
        changes = {"location": where, "capacity": capacity}
        expected = self.model.edit(key, where, capacity, name, now, publish=publish)
        found = attempt(services.change_event, event, changes=changes, by=by, publish=publish)
        assert found == expected

    @precondition(lambda self: len(self.bookable()) > 1)
    @rule(n=numbers, by_command=st.booleans())
    def cancel_event(self, n, by_command):
        now = self.step()
        key, twin, event = self.event(n)
        name, by = (None, None) if by_command else self.organiser(twin)
        expected = self.model.cancel(key, name, now)
        assert attempt(services.cancel_event, event, by=by) == expected

    @precondition(History.has_events)
    @rule(n=numbers)
    def archive_event(self, n):
        now = self.step()
        key, _twin, event = self.event(n)
        assert attempt(services.archive_event, event) == self.model.archive(key, now)

    @precondition(History.has_events)
    @rule(n=numbers)
    def delete_draft(self, n):
        self.step()
        key, _twin, event = self.event(n)
        assert attempt(services.delete_draft, event) == self.model.delete(key)

    # --- Tickets ---

    @precondition(History.has_events)
    @rule(n=numbers, who=numbers)
    def book(self, n, who):
        now = self.step()
        key, _twin, event = self.event(n)
        name, user = self.person(who)
        assert attempt(book_ticket, event, holder=user) == self.model.book(key, name, now)

    @precondition(History.bookable)
    @rule(n=numbers, who=numbers, many=st.integers(1, PEOPLE))
    def people_book_one_event(self, n, who, many):
        now = self.step()
        some = self.bookable()
        key = some[n % len(some)]
        for other in range(many):
            event = Event.objects.get(pk=self.pks[key])
            name, user = self.person(who + other)
            assert attempt(book_ticket, event, holder=user) == self.model.book(key, name, now)

    @precondition(lambda self: self.has_events() and self.model.closed)
    @rule(n=numbers, who=numbers)
    def book_with_closed_account(self, n, who):
        now = self.step()
        key, _twin, event = self.event(n)
        closed = sorted(self.model.closed)
        name = closed[who % len(closed)]
        expected = self.model.book(key, name, now)
        assert attempt(book_ticket, event, holder=self.users[name]) == expected

    @precondition(History.bookable)
    @rule(n=numbers, leave=st.sampled_from([0, 0, 1, 2]))
    def crowd_books(self, n, leave):
        """Until so many places are left, or nobody else wants one; each of the last ones is looked at."""
        now = self.step()
        some = self.bookable()
        key = some[n % len(some)]
        for name in [it for it in self.users if it not in self.model.closed][PEOPLE:]:
            if self.model.events[key].left <= leave:
                break
            event = Event.objects.get(pk=self.pks[key])
            expected = self.model.book(key, name, now)
            assert attempt(book_ticket, event, holder=self.users[name]) == expected
            if self.model.events[key].left <= 3:
                self.database_is_as_the_model()

    @precondition(History.has_tickets)
    @rule(n=numbers, which=numbers, who=numbers)
    def place_changes_hands(self, n, which, who):
        """Somebody gives a ticket back, and in the same minute somebody else wants the place."""
        self.cancel_tickets(n, which, 1)
        self.database_is_as_the_model()
        now = self.step()
        key, _twin, event = self.event_with_tickets(n)
        name, user = self.person(who)
        assert attempt(book_ticket, event, holder=user) == self.model.book(key, name, now)

    @precondition(History.has_tickets)
    @rule(n=numbers, which=numbers, many=st.integers(1, 4))
    def cancel_tickets(self, n, which, many):
        now = self.step()
        tickets = self.tickets(n)
        for ticket in (tickets * 2)[which % len(tickets) :][:many]:
            ticket.refresh_from_db()
            name = self.names[ticket.holder_id]
            key, expected = self.keys[str(ticket.event_id)], ""
            if ticket.is_valid:
                expected = self.model.give_back(key, name, now)
            assert attempt(cancel_ticket, ticket, by=ticket.holder) == expected

    @precondition(History.has_tickets)
    @rule(n=numbers, which=numbers)
    def cancel_ticket_of_somebody_else(self, n, which):
        self.step()
        tickets = self.tickets(n)
        ticket = tickets[which % len(tickets)]
        stranger = User(username="stranger")
        assert attempt(cancel_ticket, ticket, by=stranger) == "not_found"

    @precondition(History.has_tickets)
    @rule(n=numbers, which=numbers, note=notes)
    def change_note(self, n, which, note):
        now = self.step()
        tickets = self.tickets(n)
        ticket = tickets[which % len(tickets)]
        key, name = self.keys[str(ticket.event_id)], self.names[ticket.holder_id]
        expected = "ticket_cancelled" if len(note) <= model.NOTE_LENGTH else "note_too_long"
        if ticket.is_valid:
            expected = self.model.change_note(key, name, note, now)
        assert attempt(change_note, ticket, note=note, by=ticket.holder) == expected

    @precondition(History.has_events)
    @rule(n=numbers, words=st.sampled_from("abcdefgh"))
    def write_to_holders(self, n, words):
        now = self.step()
        key, twin, event = self.event(n)
        by = self.organiser(twin)[1] or self.person(0)[1]
        expected = self.model.message(key, words, now)
        assert attempt(send_message, event, subject=words, text=words, by=by) == expected

    # --- People ---

    @precondition(History.has_events)
    @rule(n=numbers, who=numbers)
    def promote(self, n, who):
        self.step()
        key, twin, event = self.event(n)
        name, user = self.person(who)
        by = self.organiser(twin)
        if by[1] is None:
            return
        self.model.promote(key, name, by[0])
        promote_organiser(event, email=user.email, by=by[1])

    @precondition(History.has_offers)
    @rule(n=numbers, who=numbers)
    def accept_offer(self, n, who):
        self.step()
        offer = self.offer(n)
        name, user = self.person(who)
        key = self.keys[str(offer.event_id)]
        theirs = offer.email == user.email
        expected = self.model.accept(key, name) if theirs else "offer_not_yours"
        assert attempt(services.accept_offer, offer, user=user) == expected

    @precondition(History.has_offers)
    @rule(n=numbers)
    def withdraw_offer(self, n):
        self.step()
        offer = self.offer(n)
        self.model.withdraw(self.keys[str(offer.event_id)], offer.email.partition("@")[0])
        services.withdraw_offer(offer)

    @precondition(History.has_events)
    @rule(n=numbers, who=numbers)
    def remove_organiser(self, n, who):
        self.step()
        key, _twin, event = self.event(n)
        name, user = self.person(who)
        expected = self.model.remove_organiser(key, name)
        assert attempt(services.remove_organiser, event, user=user) == expected

    @precondition(lambda self: len(self.model.closed) < MOST_CLOSED)
    @rule(who=numbers)
    def close_account(self, who):
        self.close(self.person(who)[0])

    @precondition(lambda self: self.has_tickets() and len(self.model.closed) < MOST_CLOSED)
    @rule(n=numbers, which=numbers)
    def holder_closes_account(self, n, which):
        """Of the open ones: a ticket for what has begun stays, its holder's name does not."""
        twin = self.event_with_tickets(n)[1]
        holders = sorted(set(twin.booked) - self.model.closed)
        if holders:
            self.close(holders[which % len(holders)])

    def close(self, name):
        now = self.step()
        expected = self.model.close(name, now)
        assert attempt(close_account, self.users[name]) == expected
        if not expected:
            self.sign_up(f"person{History.steps}x")

    @rule(who=numbers, of=numbers, number=st.integers(1, 9))
    def change_username(self, who, of, number):
        """To a new one, or to one that somebody else may have in another case."""
        self.step()
        name, user = self.person(who)
        username = f"Owl{number}" if of % 2 else self.model.usernames[self.person(of)[0]].upper()
        changes = {"username": username}
        assert attempt(change_profile, user, changes=changes) == self.model.rename(name, username)

    @rule(who=numbers, kind=st.sampled_from(sorted(model.OPTIONAL)))
    def opt_out(self, who, kind):
        self.step()
        name, user = self.person(who)
        self.model.opt_out(name, kind)
        opt_out(user, kind=kind)

    # --- Time, the worker, and somebody who looks ---

    @rule(minutes=st.one_of(st.integers(1, 90), st.integers(600, 1500)))
    def let_time_pass(self, minutes):
        self.step()
        self.clock.shift(timedelta(minutes=minutes))

    @rule()
    def worker_works(self):
        now = self.step()
        self.model.work()
        while expand_next(now):
            pass

    @precondition(History.has_events)
    @rule(n=numbers)
    def visitor_looks(self, n):
        now = self.step()
        _key, twin, event = self.event(n)
        answer = self.client.get(event.get_absolute_url())
        is_there = twin.status != "draft" and not twin.is_archived
        assert answer.status_code == (200 if is_there else 404)
        badge = twin.badge(now)
        assert BADGE.findall(answer.content.decode()) == ([badge] if badge else [])
