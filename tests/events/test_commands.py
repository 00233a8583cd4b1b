"""`cancel_event` and `promote_organiser`."""

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from events.models import Event
from events.signals import event_cancelled, organiser_added
from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory
from tests.signals import heard

pytestmark = pytest.mark.django_db


def status_of(event):
    return Event.objects.get(pk=event.pk).status


def test_cancel_event_cancels_with_its_reason_and_announces_it(event, capsys):
    with heard(event_cancelled) as calls:
        call_command("cancel_event", event.slug, "--reason", "The hall is flooded.")

    event.refresh_from_db()
    assert event.is_cancelled
    assert event.cancellation_reason == "The hall is flooded."
    assert [call["by"] for call in calls] == [None]
    assert f"Cancelled “{event.title}”" in capsys.readouterr().out


def test_cancel_event_dry_run_changes_nothing(event, capsys):
    call_command("cancel_event", event.slug, "--dry-run")

    assert status_of(event) == Event.Status.PUBLISHED
    assert f"Would cancel “{event.title}”" in capsys.readouterr().out


def test_cancel_event_twice_is_quiet(event, capsys):
    call_command("cancel_event", event.slug)

    with heard(event_cancelled) as calls:
        call_command("cancel_event", event.slug)

    assert calls == []
    assert "has been cancelled already" in capsys.readouterr().out


@pytest.mark.parametrize("dry_run", [True, False])
def test_cancel_event_refuses_a_draft(organiser, dry_run):
    draft = EventFactory(organiser=organiser, status=Event.Status.DRAFT)

    with pytest.raises(CommandError, match="draft"):
        call_command("cancel_event", draft.slug, dry_run=dry_run)

    assert status_of(draft) == Event.Status.DRAFT


def test_cancel_event_refuses_an_endless_reason(event):
    with pytest.raises(CommandError, match="up to 1000 characters"):
        call_command("cancel_event", event.slug, reason="x" * 1001)

    assert status_of(event) == Event.Status.PUBLISHED


def test_cancel_event_with_an_unknown_slug_is_an_error():
    with pytest.raises(CommandError, match="no event with the slug nowhere"):
        call_command("cancel_event", "nowhere")


def role_of(user):
    return User.objects.get(pk=user.pk).role


def test_promote_organiser_changes_the_class(attendee, capsys):
    call_command("promote_organiser", attendee.email.upper())

    assert role_of(attendee) == User.Role.ORGANISER
    assert "is now an organiser." in capsys.readouterr().out


def test_promote_organiser_for_one_event_leaves_the_class(attendee, event):
    with heard(organiser_added) as calls:
        call_command("promote_organiser", attendee.email, "--event", event.slug)

    assert attendee in event.organisers.all()
    assert role_of(attendee) == User.Role.ATTENDEE
    assert len(calls) == 1


@pytest.mark.parametrize("of_event", [True, False])
def test_promote_organiser_dry_run_changes_nothing(attendee, event, of_event, capsys):
    call_command(
        "promote_organiser", attendee.email, event=event.slug if of_event else None, dry_run=True
    )

    assert role_of(attendee) == User.Role.ATTENDEE
    assert attendee not in event.organisers.all()
    assert f"Would make {attendee.email} an organiser" in capsys.readouterr().out


@pytest.mark.parametrize("of_event", [True, False])
def test_promote_organiser_twice_is_quiet(organiser, event, of_event, capsys):
    call_command("promote_organiser", organiser.email, event=event.slug if of_event else None)

    assert "already." in capsys.readouterr().out


def test_promote_organiser_refuses_an_unknown_address():
    with pytest.raises(CommandError, match="no active account"):
        call_command("promote_organiser", "nobody@example.org")


def test_promote_organiser_refuses_an_address_nobody_confirmed():
    stranger = UserFactory(verified=False)

    with pytest.raises(CommandError, match="has not been confirmed"):
        call_command("promote_organiser", stranger.email)

    assert role_of(stranger) == User.Role.ATTENDEE


def test_promote_organiser_refuses_an_unknown_event(attendee):
    with pytest.raises(CommandError, match="no event with the slug nowhere"):
        call_command("promote_organiser", attendee.email, "--event", "nowhere")
