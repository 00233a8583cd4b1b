"""The online link in a form."""

from events.models import Event


def test_link_without_a_scheme_is_meant_as_https():
    field = Event._meta.get_field("online_url").formfield()

    assert field.clean("meet.example.org/room") == "https://meet.example.org/room"
