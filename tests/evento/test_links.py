"""Addresses that are put together are those that Django finds."""

import uuid

import pytest
from django.urls import reverse
from django.urls.base import set_script_prefix

from evento.links import PageAddress
from events.models import Event, random_slug
from tickets.models import Ticket


@pytest.fixture(params=["/", "/the-club/", "/my club/", "/café/a%b/", "//x/", "/a-slug/"])
def prefix(request):
    set_script_prefix(request.param)
    yield request.param
    set_script_prefix("/")


def test_address_is_the_one_that_django_finds(prefix):
    ticket, event = Ticket(), Event(slug=random_slug("Über & Co: 100 % “Jazz”"))

    assert ticket.get_absolute_url() == reverse("tickets:detail", args=[ticket.pk])
    assert event.get_absolute_url() == reverse("events:detail", args=[event.slug])
    assert event.get_absolute_url().endswith(f"/events/{event.slug}/")


def test_example_is_replaced_and_nothing_else():
    address = PageAddress("tickets:detail", example=str(uuid.UUID(int=1)))

    assert [address.of(value) for value in ("x", "y")] == ["/tickets/x/", "/tickets/y/"]
