"""Whose ticket it is (SPEC 3); over every page in tests/test_access.py."""

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from events.permissions import Anybody
from tests.accounts.factories import UserFactory
from tests.tickets.factories import TicketFactory
from tickets.models import Ticket
from tickets.permissions import is_holder

pytestmark = pytest.mark.django_db


def test_ticket_is_its_holders_alone():
    people = UserFactory.create_batch(4)
    tickets = [TicketFactory(holder=person) for person in people]

    for person, ticket in zip(people, tickets, strict=True):
        stored = Ticket.objects.get(pk=ticket.pk)
        assert is_holder(User.objects.get(pk=person.pk), stored)
        assert [other for other in people if is_holder(other, stored)] == [person]


@pytest.mark.parametrize("nobody", [AnonymousUser(), Anybody(is_authenticated=True)], ids=str)
def test_who_is_nobody_in_particular_holds_nothing(nobody):
    assert not is_holder(nobody, TicketFactory())
