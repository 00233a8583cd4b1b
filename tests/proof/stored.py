"""What the database holds, in the model's words, so that one `==` compares both."""

from collections import Counter, defaultdict

from django.utils import timezone

from accounts.models import User
from events.availability import public_availability
from events.models import Event, EventOrganiser, OrganiserOffer
from notifications.models import Notification, OutgoingEmail, PublicChange
from tickets.models import Ticket
from tickets.services import differing_places


def expected(machine):
    now = timezone.now()
    return {
        key: {
            "status": event.status,
            "archived": event.is_archived,
            "start": event.starts_at,
            "place": event.location,
            "capacity": event.capacity,
            "taken": event.taken,
            "holders": sorted(event.booked),
            "notes": {holder: note for holder, note in event.notes.items() if note},
            "organisers": sorted(event.organisers),
            "offers": sorted(event.offers),
            "badge": event.badge(now),
            "public changes": event.public_changes,
        }
        for key, event in machine.model.events.items()
    }


def found(machine):
    now = timezone.now()
    holders = _names(machine, Ticket.objects.valid().values_list("event", "holder"))
    notes = _notes(machine)
    organisers = _names(machine, EventOrganiser.objects.values_list("event", "user"))
    offers = defaultdict(list)
    for event, email in OrganiserOffer.objects.values_list("event", "email"):
        offers[event].append(email.partition("@")[0])
    changes = Counter(PublicChange.objects.values_list("about", flat=True))
    return {
        machine.keys[str(event.pk)]: {
            "status": event.status,
            "archived": event.archived_at is not None,
            "start": event.starts_at,
            "place": event.location,
            "capacity": event.capacity,
            "taken": event.places_taken,
            "holders": sorted(holders[event.pk]),
            "notes": notes[event.pk],
            "organisers": sorted(organisers[event.pk]),
            "offers": sorted(offers[event.pk]),
            "badge": public_availability(event, now).text,
            "public changes": changes[event.pk],
        }
        for event in Event.objects.all()
    }


def assert_as_expected(machine):
    """Every promise at once: the model knows no more tickets than places, and one for each person."""
    assert found(machine) == expected(machine)
    assert all(event.taken <= event.capacity for event in machine.model.events.values())
    assert differing_places() == []
    assert _usernames(machine) == machine.model.usernames
    assert _notices(machine) == machine.model.notices
    assert _mails(machine) == machine.model.mails


def _notes(machine):
    notes = defaultdict(dict)
    written = Ticket.objects.valid().exclude(note="")
    for event, holder, note in written.values_list("event", "holder", "note"):
        notes[event][machine.names[holder]] = note
    return notes


def _usernames(machine):
    people = User.objects.filter(is_active=True).values_list("pk", "username")
    return {machine.names[pk]: username for pk, username in people}


def _names(machine, pairs):
    names = defaultdict(list)
    for event, user in pairs:
        names[event].append(machine.names[user])
    return names


def _notices(machine):
    rows = Notification.objects.values_list("recipient", "kind", "context__event")
    return Counter((machine.names[user], kind, machine.keys[event]) for user, kind, event in rows)


def _mails(machine):
    rows = OutgoingEmail.objects.exclude(address="")
    return Counter(
        (address.partition("@")[0], kind, machine.keys[event])
        for address, kind, event in rows.values_list("address", "kind", "context__event")
    )
