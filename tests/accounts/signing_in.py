"""Somebody signed in as by the site's own page, which `force_login` is not: it leaves no record."""

from allauth.usersessions.models import UserSession


def sign_in_with_record(client, person):
    client.force_login(person)
    key = client.session.session_key
    return UserSession.objects.create(user=person, session_key=key, ip="127.0.0.1", user_agent="")
