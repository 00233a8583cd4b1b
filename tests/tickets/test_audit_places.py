"""`audit_places` and the service behind it."""

import pytest
from django.core.management import CommandError, call_command

from evento.refusals import Refusal
from events.models import Event
from events.signals import event_full
from tests.events.factories import EventFactory
from tests.signals import heard
from tests.tickets.factories import TicketFactory
from tickets.models import Ticket
from tickets.services import fix_places

pytestmark = pytest.mark.django_db


def miscount(event, taken):
    Event.objects.filter(pk=event.pk).update(places_taken=taken)


def counted(event):
    return Event.objects.get(pk=event.pk).places_taken


@pytest.fixture
def three_tickets(event):
    """`event` with two valid tickets and one that was given back."""
    TicketFactory.create_batch(2, event=event)
    TicketFactory(event=event, status=Ticket.Status.CANCELLED)
    return event


def test_right_counts_are_said_to_be_right(three_tickets, capsys):
    call_command("audit_places")

    assert capsys.readouterr().out == "All counts are right.\n"


@pytest.mark.parametrize("options", [{}, {"dry_run": True}, {"fix": True, "dry_run": True}])
def test_wrong_count_is_printed_and_ends_with_an_error(three_tickets, capsys, options):
    miscount(three_tickets, 5)

    with pytest.raises(CommandError, match="1 wrong"):
        call_command("audit_places", **options)

    assert f"{three_tickets.slug}: 5 counted, 2 valid tickets" in capsys.readouterr().out
    assert counted(three_tickets) == 5


def test_fix_sets_the_count_to_the_valid_tickets(three_tickets, capsys):
    miscount(three_tickets, 5)

    call_command("audit_places", "--fix")

    assert counted(three_tickets) == 2
    assert "1 set right." in capsys.readouterr().out


def test_only_the_named_events_are_looked_at(three_tickets):
    other = EventFactory()
    miscount(three_tickets, 5)

    call_command("audit_places", other.slug, "--fix")

    assert counted(three_tickets) == 5


def test_unknown_slug_is_an_error(db):
    with pytest.raises(CommandError, match="no event with the slug nowhere"):
        call_command("audit_places", "nowhere")


def test_fix_that_fills_the_event_tells_its_organisers(organiser):
    event = EventFactory(organiser=organiser, capacity=2)
    TicketFactory.create_batch(2, event=event)
    miscount(event, 0)

    with heard(event_full) as calls:
        fix_places(event)

    assert [call["event_id"] for call in calls] == [event.pk]


def test_more_tickets_than_places_are_left_for_people_to_decide(three_tickets):
    miscount(three_tickets, 0)
    Event.objects.filter(pk=three_tickets.pk).update(capacity=1)

    with pytest.raises(Refusal, match="Raise its capacity first"):
        fix_places(three_tickets)
    with pytest.raises(CommandError, match="2 valid tickets and 1 places"):
        call_command("audit_places", "--fix")
