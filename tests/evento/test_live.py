"""`/live/` where Django alone serves: `runserver`, and tests' own servers."""

import pytest


@pytest.mark.parametrize("method", ["get", "head"])
def test_without_a_stream_the_browser_is_told_not_to_ask_again(client, method):
    response = getattr(client, method)("/live/", {"topic": "list::", "age": "3"})

    assert (response.status_code, response.content) == (204, b"")
    assert "no-store" in response["Cache-Control"]


def test_nothing_can_be_sent_there(client):
    assert client.post("/live/").status_code == 405
