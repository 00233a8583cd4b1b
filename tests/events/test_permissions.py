"""Who may do what with events, function by function (SPEC 1); over every page in tests/test_access.py."""

import pytest
from django.contrib.auth.models import AnonymousUser

from events.permissions import Anybody, may_create_events, may_enter_admin, may_manage_event
from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory

pytestmark = pytest.mark.django_db

STRANGERS = [AnonymousUser(), Anybody(is_authenticated=True), Anybody(is_authenticated=False)]


@pytest.mark.parametrize("stranger", STRANGERS, ids=str)
def test_who_is_nobody_in_particular_may_nothing(stranger, event):
    assert not may_create_events(stranger)
    assert not may_enter_admin(stranger)
    assert not may_manage_event(stranger, event)


# kind of person: whether they may create, enter the admin, manage the event, manage another's
RIGHTS = {
    "attendee": (False, False, False, False),
    "class": (True, True, False, False),
    "class, organises": (True, True, True, False),
    "promoted": (False, True, True, False),
    "staff": (True, True, True, True),
}


def person(kind, *, is_active=True):
    """Somebody, the event in question and an event of somebody else."""
    user = UserFactory(
        is_staff=kind == "staff", organiser=kind.startswith("class"), is_active=is_active
    )
    organises = kind in {"class, organises", "promoted"}
    return user, EventFactory(organiser=user if organises else None), EventFactory()


def rights(user, event, other):
    return (
        may_create_events(user),
        may_enter_admin(user),
        may_manage_event(user, event),
        may_manage_event(user, other),
    )


@pytest.mark.parametrize("kind", RIGHTS)
def test_rights_of(kind):
    assert rights(*person(kind)) == RIGHTS[kind]


@pytest.mark.parametrize("kind", RIGHTS)
def test_closed_account_has_none_of(kind):
    assert rights(*person(kind, is_active=False)) == (False, False, False, False)


def test_somebody_elses_promotion_gives_nothing(attendee, event):
    EventFactory(organiser=UserFactory())

    assert not may_enter_admin(attendee)
    assert not may_manage_event(attendee, event)
