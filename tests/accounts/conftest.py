import pytest
from django.core.cache import cache
from django.urls import reverse

from tests.accounts.factories import PASSWORD


@pytest.fixture(autouse=True)
def _no_limits_left_over(db):
    """Limits are counted in the cache: each test starts with none used up."""
    cache.clear()


@pytest.fixture
def sign_up(client):
    """POST the sign-up form as a browser would, with whatever differs."""

    def post(**fields):
        data = {
            "username": "ada",
            "email": "ada@example.org",
            "password1": "analytical-engine-1843",
            "password2": "analytical-engine-1843",
            "organiser_code": "",
        }
        return client.post(reverse("account_signup"), data | fields)

    return post


@pytest.fixture
def signed_in(client, attendee):
    """A client that signed in with the password just now, so that nothing asks for it again."""
    response = client.post(
        reverse("account_login"), {"login": attendee.email, "password": PASSWORD}
    )
    assert response.status_code == 302
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    return client
