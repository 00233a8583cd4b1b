import pytest
from allauth.usersessions.models import UserSession
from django.test import Client
from django.urls import reverse

from accounts.devices import device_name
from tests.accounts.factories import PASSWORD

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/156.0 Safari/537.36", "Chrome on Windows"),
        (f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/156.0 Edg/156.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU like Mac OS X) Version/19.0 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Android 16; Mobile) Firefox/140.0", "Firefox on Android"),
        ("curl/8.0", "curl/8.0"),
        ("", "Unknown browser"),
    ],
)
def test_device_is_called_by_browser_and_system(user_agent, name):
    assert device_name(user_agent) == name


def test_number_of_a_sign_in_does_not_count_how_many_people_signed_in(attendee, organiser):
    for person in (attendee, organiser):
        entered = {"login": person.email, "password": PASSWORD}
        assert Client().post(reverse("account_login"), entered).status_code == 302

    first, second = (UserSession.objects.get(user=person).pk for person in (attendee, organiser))
    assert second != first + 1
    assert min(first, second) > 1_000
