"""Sessions and the people behind them are found as Django finds them, by statements that are built once."""

from datetime import timedelta
from importlib import import_module
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore as DjangosStore
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.backends import PersonBackend
from accounts.services import close_account

SessionStore = import_module(settings.SESSION_ENGINE).SessionStore
HOME = "/accounts/profile/"


def is_signed_in(client):
    return client.get(HOME).status_code == 200


def test_session_that_django_wrote_is_read_and_the_other_way_round(db):
    theirs, ours = DjangosStore(), SessionStore()
    theirs["colour"] = ours["colour"] = "blue"
    theirs.create()
    ours.create()

    assert SessionStore(theirs.session_key)["colour"] == "blue"
    assert DjangosStore(ours.session_key)["colour"] == "blue"


def test_session_ends_at_its_time(client, attendee):
    client.force_login(attendee)
    assert is_signed_in(client)

    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))

    assert not is_signed_in(client)


def test_session_that_was_ended_is_nobodys(client, attendee):
    client.force_login(attendee)
    Session.objects.all().delete()

    assert not is_signed_in(client)
    gone = SessionStore("akeythatnobodyhas")
    assert gone.get(SESSION_KEY) is None
    assert gone.session_key is None


@pytest.mark.parametrize("key", [r'"abcdefgh\000ijkl"', "%s", "' OR 1=1 --", "é" * 40, "x" * 5000])
def test_made_up_cookie_is_nobodys(client, db, key):
    answer = client.get(HOME, headers={"cookie": f"{settings.SESSION_COOKIE_NAME}={key}"})

    assert answer.status_code == 302


def test_closed_account_is_nobody(client, attendee):
    client.force_login(attendee)
    get_user_model().objects.filter(pk=attendee.pk).update(is_active=False)

    assert not is_signed_in(client)
    assert PersonBackend().get_user(attendee.pk) is None


def test_another_password_ends_the_session(client, attendee):
    client.force_login(attendee)
    attendee.set_password("another-one-1843")
    attendee.save()

    assert not is_signed_in(client)


def test_person_is_the_one_who_signed_in_as_stored_now(attendee, organiser):
    backend = PersonBackend()
    get_user_model().objects.filter(pk=organiser.pk).update(display_name="Grace H.")

    found = backend.get_user(organiser.pk)

    assert found == organiser
    assert found.display_name == "Grace H."
    assert backend.get_user(uuid4()) is None


def test_account_that_closes_is_nobody_in_the_next_request(client, attendee):
    client.force_login(attendee)
    assert is_signed_in(client)

    close_account(attendee)

    assert not is_signed_in(client)


def test_who_it_is_takes_two_statements(client, attendee):
    client.force_login(attendee)
    is_signed_in(client)
    key = client.cookies[settings.SESSION_COOKIE_NAME].value

    with CaptureQueriesContext(connection) as captured:
        session = SessionStore(key)
        assert PersonBackend().get_user(attendee.pk) == attendee
        assert session[SESSION_KEY] == str(attendee.pk)

    assert len(captured) == 2
