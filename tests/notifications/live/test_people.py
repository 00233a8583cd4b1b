"""Who is at the other end of a stream: judged as Django judges a request, and writing nothing."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from notifications.live.people import signed_in_by, still_signed_in
from tests.servers import sign_in

pytestmark = pytest.mark.django_db


def session_key(person):
    [cookies] = sign_in([person])
    return cookies.partition(";")[0].removeprefix("sessionid=")


@pytest.fixture
def key(attendee):
    return session_key(attendee)


def lose_session(attendee, key):
    Session.objects.filter(pk=key).delete()


def outlive_session(attendee, key):
    Session.objects.filter(pk=key).update(expire_date=timezone.now() - timedelta(seconds=1))


def close_account(attendee, key):
    attendee.is_active = False
    attendee.save()


def change_password(attendee, key):
    attendee.set_password("another-quiet-evening")
    attendee.save()


LOSSES = [lose_session, outlive_session, close_account, change_password]


def test_session_of_a_person_is_that_person(attendee, key):
    sign_in, user = signed_in_by(key)

    assert user == attendee
    assert (sign_in.user_id, sign_in.session_key) == (attendee.pk, key)


@pytest.mark.parametrize("nobodys", ["", "0" * 32])
def test_unknown_session_is_nobody(nobodys):
    assert signed_in_by(nobodys) is None


def test_anonymous_session_is_nobody(client):
    client.session.save()

    assert signed_in_by(client.session.session_key) is None


@pytest.mark.parametrize("lose", LOSSES)
def test_lost_sign_in_is_nobody(attendee, key, lose):
    lose(attendee, key)

    assert signed_in_by(key) is None


@pytest.mark.parametrize("lose", LOSSES)
def test_lost_sign_in_holds_no_longer(attendee, organiser, key, lose):
    lost, _user = signed_in_by(key)
    kept, _user = signed_in_by(session_key(organiser))

    lose(attendee, key)

    assert still_signed_in([lost, kept]) == {kept: organiser}


def test_many_sign_ins_are_asked_for_in_two_queries(attendee, organiser, django_assert_num_queries):
    sign_ins = [signed_in_by(session_key(person))[0] for person in (attendee, organiser) * 5]

    with django_assert_num_queries(2):
        assert set(still_signed_in(sign_ins)) == set(sign_ins)


def test_session_sealed_with_a_former_key_holds_and_is_not_renewed(attendee, key, settings):
    """Django's own check would give the session another key, which no stream can tell the browser."""
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a newer key"
    before = list(Session.objects.values_list())

    assert signed_in_by(key)[1] == attendee
    assert list(Session.objects.values_list()) == before
