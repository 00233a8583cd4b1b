"""Each request has an id, which is in the answer and in what is logged because of it."""

import re

import pytest

DRAWN = re.compile(r"[0-9a-f]{32}")


@pytest.fixture
def behind_a_proxy(settings):
    settings.TRUSTED_PROXY_COUNT = 1


@pytest.mark.parametrize("address", ["/healthz", "/no-such-page/", "/api/v1/no-such-call"])
def test_every_answer_has_an_id_of_its_own(client, db, address):
    first, second = (client.get(address)["X-Request-ID"] for _n in range(2))

    assert DRAWN.fullmatch(first)
    assert first != second


def test_nobody_but_a_proxy_chooses_it(client):
    response = client.get("/healthz", headers={"X-Request-ID": "chosen-by-a-stranger"})

    assert DRAWN.fullmatch(response["X-Request-ID"])


@pytest.mark.parametrize("given", ["a1b2c3d4", "0b6c.7f-4_e", "x" * 64])
def test_proxys_id_is_taken(client, behind_a_proxy, given):
    assert client.get("/healthz", headers={"X-Request-ID": given})["X-Request-ID"] == given


@pytest.mark.parametrize(
    "given",
    [
        "",
        "short",
        "x" * 65,
        'with "quotes"',
        "with\tspace",
        "ünïcödé12",
        "{jndi:ldap}",
        "a,b;c=d e",
    ],
)
def test_what_is_no_sane_id_is_not_taken(client, behind_a_proxy, given):
    response = client.get("/healthz", headers={"X-Request-ID": given})

    assert DRAWN.fullmatch(response["X-Request-ID"])


def test_problem_of_the_api_has_it_in_its_header_alone(client, db, behind_a_proxy):
    """What does not exist and what one may not know of are the same bytes."""
    response = client.get("/api/v1/no-such-call", headers={"X-Request-ID": "a1b2c3d4"})

    assert response["X-Request-ID"] == "a1b2c3d4"
    assert "a1b2c3d4" not in response.content.decode()
