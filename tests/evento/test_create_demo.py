"""`create_demo`: believable, consistent, and the same for the same seed."""

import re
import tracemalloc
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError
from django.utils import timezone

from accounts.models import User
from evento.demo.writing import write
from events.availability import PublicState, public_availability
from events.models import Category, Event
from notifications.models import Announcement, Notification, OutgoingEmail
from tests.events.factories import EventFactory
from tests.tickets.factories import TicketFactory
from tickets.models import Ticket
from tickets.services import differing_places

pytestmark = pytest.mark.django_db


def demo(**options):
    call_command("create_demo", **options)


def fingerprint():
    """What the same seed must give again, in any order."""
    return (
        sorted(User.objects.values_list("pk", "username", "display_name")),
        sorted(Event.objects.values_list("pk", "slug", "starts_at", "capacity", "places_taken")),
        sorted(Ticket.objects.values_list("pk", "code", "holder", "event", "status")),
    )


def forget_everything():
    for model in (OutgoingEmail, Notification, Announcement, Ticket, Event, Category, User):
        model.objects.all().delete()


@pytest.fixture
def fixed_noon(monkeypatch):
    """The demo is counted from today: two runs must not fall on two sides of midnight."""
    noon = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)
    monkeypatch.setattr("evento.management.commands.create_demo.timezone.now", lambda: noon)
    return noon


def test_default_demo_shows_every_state(now):
    demo()

    events = list(Event.objects.all())
    ahead = [event for event in events if event.starts_at > now]
    states = [public_availability(event, now) for event in ahead]
    assert len(events) == 40
    assert User.objects.count() == 300
    assert Ticket.objects.count() == 1500
    assert {state.state for state in states} == set(PublicState)
    assert {state.text for state in states} >= {"FULL", "last 1 space", "last 2 spaces"}
    assert {event.status for event in events} == set(Event.Status.values)
    assert any(event.has_ended(now) for event in events)
    assert any(event.is_under_way(now) for event in events)
    assert any(event.location == "Online" and event.online_url for event in events)
    assert sum(bool(event.cover) for event in events) > 10
    assert len({event.time_zone for event in events}) > 10
    assert max(event.starts_at for event in events) < now + timedelta(days=150)


def test_demo_counts_are_what_its_tickets_say():
    demo(events=90, people=120, tickets=2500)

    assert differing_places() == []
    assert Ticket.objects.count() == 2500


def test_only_the_planned_events_are_scarce(now):
    demo(events=44, people=400, tickets=6000)

    scarce = {
        event.title
        for event in Event.objects.all()
        if public_availability(event, now).state is not PublicState.UNTOLD
    }
    assert len(scarce) == 9


def test_same_seed_gives_the_same_data(fixed_noon):
    demo(events=45, people=60, tickets=300, seed=7)
    first = fingerprint()
    forget_everything()

    demo(events=45, people=60, tickets=300, seed=7)

    assert fingerprint() == first


def test_another_seed_gives_other_data_beside_it(fixed_noon):
    demo(events=3, people=20, tickets=10, seed=1)

    demo(events=3, people=20, tickets=10, seed=2)

    assert Event.objects.count() == 6
    assert User.objects.count() == 37  # the three sign-ins are shared
    assert differing_places() == []


def test_same_seed_twice_is_an_error_and_adds_nothing(fixed_noon):
    demo(events=3, people=20, tickets=10)

    with pytest.raises(CommandError, match="there already"):
        demo(events=3, people=20, tickets=10)

    assert (Event.objects.count(), User.objects.count()) == (3, 20)


def test_demo_people_can_sign_in(client, capsys):
    demo(events=3, people=10, tickets=10)

    printed = capsys.readouterr().out
    for part in ("organiser", "attendee", "staff"):
        assert f"{part}@example.org" in printed
        signed_in = client.post(
            "/accounts/login/",
            {"login": f"{part}@example.org", "password": printed.split()[-1]},
        )
        assert signed_in.status_code == 302
        assert client.get("/accounts/profile/").status_code == 200
        client.post("/accounts/logout/")


def test_demo_attendee_has_tickets_and_notices(now):
    demo()

    attendee = User.objects.get(email="attendee@example.org")
    tickets = Ticket.objects.held_by(attendee).valid()
    assert tickets.upcoming(now).exists()
    assert tickets.filter(event__status=Event.Status.CANCELLED).exists()
    assert any(ticket.event.has_ended(now) for ticket in tickets)
    assert Notification.objects.filter(recipient=attendee).exists()


def test_demo_does_not_tell_organisers_of_the_last_places_again():
    demo()

    latched = Event.objects.exclude(near_capacity_at=None)
    assert latched.count() == 9
    assert latched.exclude(full_at=None).count() == 4


def test_few_people_and_events_still_get_their_tickets():
    demo(events=1, people=200, tickets=180)

    event = Event.objects.get()
    assert Ticket.objects.count() == 180
    assert event.places_taken <= event.capacity


def test_many_tickets_bring_people_and_events_enough(capsys):
    demo(tickets=41_000, dry_run=True)

    assert "Would add 41 events, 4100 people and 41000 tickets." in capsys.readouterr().out


def test_ids_and_codes_are_as_booking_makes_them():
    demo(events=3, people=50, tickets=100)

    assert {pk.version for pk in Ticket.objects.values_list("pk", flat=True)} == {4}
    assert {pk.version for pk in User.objects.values_list("pk", flat=True)} == {4}
    for ticket in Ticket.objects.all():
        ticket.clean_fields(exclude=["cancelled_at"])


def test_interrupted_demo_goes_on_where_it_ended(fixed_noon):
    demo(events=3, people=60, tickets=90)
    first = fingerprint()
    for model in (OutgoingEmail, Notification, Announcement, Ticket, Event):
        model.objects.all().delete()
    User.objects.filter(pk__in=[pk for pk, *_rest in first[0][::2]]).delete()

    demo(events=3, people=60, tickets=90)

    assert [len(rows) for rows in fingerprint()] == [60, 3, 90]
    assert differing_places() == []


def test_memory_does_not_grow_with_the_tickets():
    def most_bytes(**sizes):
        tracemalloc.start()
        try:
            demo(**sizes)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    demo(events=1, people=1100, tickets=1000)  # what is loaded once
    few = most_bytes(seed=2, events=1, people=1100, tickets=1000)
    many = most_bytes(seed=3, events=1, people=8000, tickets=8000)

    assert many < few + 1_000_000  # 7,000 tickets as objects would be 7 MB


def test_rows_that_break_a_rule_of_the_database_are_an_error():
    ticket = TicketFactory()

    with pytest.raises(IntegrityError):
        write(Ticket, [TicketFactory.build(event=ticket.event, holder=ticket.holder)])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"events": 0}, "--events must be 1 or more"),
        ({"people": 2}, "--people must be 3 or more"),
        ({"tickets": -1}, "--tickets must be 0 or more"),
        ({"events": 2, "people": 5, "tickets": 11}, "can have 10 tickets at most"),
    ],
)
def test_impossible_amounts_are_an_error_and_add_nothing(options, message):
    with pytest.raises(CommandError, match=message):
        demo(**options)

    assert not User.objects.exists()


def test_dry_run_adds_nothing(capsys):
    demo(dry_run=True)

    assert "Would add 40 events, 300 people and 1500 tickets." in capsys.readouterr().out
    assert not User.objects.exists()


def test_if_empty_leaves_a_database_with_events_alone(capsys):
    EventFactory()

    demo(if_empty=True)

    assert Event.objects.count() == 1
    assert capsys.readouterr().out == ""


def test_real_site_gets_no_accounts_with_a_known_password(settings):
    settings.SERVED_OVER_TLS = True

    with pytest.raises(CommandError, match="--password"):
        demo(events=1, people=3, tickets=0)

    assert not User.objects.exists()


def test_real_site_takes_a_password_of_its_own(settings):
    settings.SERVED_OVER_TLS = True

    demo(events=1, people=3, tickets=0, password="one-of-our-own")

    assert User.objects.get(email="staff@example.org").check_password("one-of-our-own")


def test_covers_take_the_place_of_those_of_an_earlier_database(client):
    demo(events=40, people=5, tickets=0)
    forget_everything()

    demo(events=40, people=5, tickets=0)

    covers = [event.cover for event in Event.objects.exclude(cover="")]
    assert covers
    for url in [cover.url for cover in covers] + [cover.small_url for cover in covers]:
        response = client.get(url)
        response.close()
        assert response.status_code == 200, url


def test_paragraphs_are_not_broken_where_the_source_file_is():
    demo(events=40, people=5, tickets=0)

    texts = Event.objects.values_list("description", flat=True)
    breaks = [line for text in texts for line in re.findall(r"\w[\w,]*\n\w.*", text)]
    assert breaks == []
