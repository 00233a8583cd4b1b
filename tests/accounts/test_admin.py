"""People in the admin: for staff alone, and never their secrets."""

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import services
from accounts.models import User
from notifications.models import OutgoingEmail
from tests.accounts.factories import PASSWORD, UserFactory

LIST = "admin:accounts_user_changelist"


def change_page(person):
    return reverse("admin:accounts_user_change", args=[person.pk])


@pytest.fixture
def plain_staff(db):
    """Staff without any permission of Django's own."""
    return UserFactory(is_staff=True)


def test_staff_find_people(client, plain_staff):
    UserFactory(username="needle", email="needle@example.org")
    UserFactory(username="hay", email="hay@example.org")
    client.force_login(plain_staff)

    page = client.get(reverse(LIST), {"q": "needle@"}).content.decode()

    assert "needle" in page
    assert "hay@example.org" not in page


def test_people_are_listed_newest_first_without_being_counted(client, plain_staff, now):
    people = UserFactory.create_batch(101)
    for number, person in enumerate(people):
        User.objects.filter(pk=person.pk).update(date_joined=now + timedelta(minutes=number))
    client.force_login(plain_staff)

    with CaptureQueriesContext(connection) as queries:
        first = client.get(reverse(LIST)).context["cl"]
    second = client.get(reverse(LIST) + first.next_url).context["cl"]

    assert "COUNT(" not in "".join(query["sql"] for query in queries)
    assert list(first.result_list) == people[:0:-1]
    assert set(second.result_list) == {people[0], plain_staff}


@pytest.mark.parametrize("role", ["organiser", "attendee"])
def test_people_are_hidden_from_everybody_who_is_not_staff(client, request, role):
    person = request.getfixturevalue(role)
    client.force_login(person)

    for path in (reverse(LIST), change_page(person), change_page(UserFactory())):
        assert client.get(path).status_code in {302, 403}


@pytest.mark.parametrize(
    "model",
    [
        "accounts_user",
        "account_emailaddress",
        "mfa_authenticator",
        "usersessions_usersession",
    ],
)
def test_organiser_sees_no_list_of_people_or_their_things(client, organiser, model):
    UserFactory(email="stranger@example.org")
    client.force_login(organiser)

    response = client.get(reverse(f"admin:{model}_changelist"))

    assert response.status_code == 403
    assert "stranger@example.org" not in response.content.decode()


def test_staff_page_of_a_person_shows_no_password(client, plain_staff, attendee):
    client.force_login(plain_staff)

    page = client.get(change_page(attendee)).content.decode()

    assert attendee.email in page
    assert attendee.password not in page


def test_staff_change_class_and_activity(client, plain_staff, attendee):
    client.force_login(plain_staff)

    client.post(change_page(attendee), {"role": "organiser", "is_active": "on"})

    attendee.refresh_from_db()
    assert attendee.is_organiser
    assert attendee.is_active


def test_staff_who_are_no_superuser_make_nobody_staff(client, plain_staff, attendee):
    client.force_login(plain_staff)

    client.post(
        change_page(attendee),
        {"role": "attendee", "is_active": "on", "is_staff": "on", "is_superuser": "on"},
    )

    attendee.refresh_from_db()
    assert not attendee.is_staff
    assert not attendee.is_superuser


def test_superuser_makes_somebody_staff(client, staff, attendee):
    client.force_login(staff)

    client.post(change_page(attendee), {"role": "attendee", "is_active": "on", "is_staff": "on"})

    attendee.refresh_from_db()
    assert attendee.is_staff


def test_staff_change_neither_themselves_nor_a_superuser(client, plain_staff, staff):
    client.force_login(plain_staff)

    for person in (plain_staff, staff):
        client.post(change_page(person), {"role": "organiser"})

    for person in (plain_staff, staff):
        person.refresh_from_db()
        assert (person.role, person.is_active) == ("attendee", True)


def test_staff_do_not_wake_a_deleted_account(client, staff, attendee):
    services.close_account(attendee)
    client.force_login(staff)

    client.post(change_page(attendee), {"role": "organiser", "is_active": "on"})

    attendee.refresh_from_db()
    assert not attendee.is_active


@pytest.mark.parametrize("action", ["add", "delete"])
def test_nobody_adds_or_deletes_people_here(client, staff, attendee, action):
    client.force_login(staff)

    path = reverse(
        f"admin:accounts_user_{action}", args=[attendee.pk] if action == "delete" else []
    )

    assert client.get(path).status_code == 403
    assert client.post(path, {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=attendee.pk).exists()


def test_account_switched_off_is_signed_out_at_once(client, signed_in, attendee):
    services.change_standing(attendee, changes={"is_active": False})

    assert signed_in.get(reverse("accounts:profile")).status_code == 302


def test_secrets_are_sealed_also_where_superusers_look(client, staff, attendee):
    Authenticator.objects.create(
        user=attendee, type=Authenticator.Type.TOTP, data={"secret": "sealed"}
    )
    client.force_login(staff)

    page = client.get(reverse("admin:mfa_authenticator_changelist")).content.decode()

    assert "sealed" not in page


@pytest.mark.parametrize(
    "lookup", ["password__startswith=argon2", "email__startswith=a", "sessions__x=1"]
)
def test_look_ups_of_people_are_refused(client, plain_staff, lookup):
    """One letter after the other, they would spell out a password's hash."""
    client.force_login(plain_staff)

    assert client.get(f"{reverse(LIST)}?{lookup}").status_code == 400


@pytest.mark.parametrize(
    "narrowed",
    [
        "role__exact=attendee",
        "is_active__exact=1",
        "is_staff__exact=0",
        "date_joined__year=2026&date_joined__month=1&date_joined__day=1",
    ],
)
def test_filters_of_people_answer(client, plain_staff, narrowed):
    client.force_login(plain_staff)

    assert client.get(f"{reverse(LIST)}?{narrowed}").status_code == 200


def remove_factors(person):
    return reverse("admin:accounts_user_remove_factors", args=[person.pk])


def add_factor(person):
    return Authenticator.objects.create(user=person, type=Authenticator.Type.TOTP, data={})


@pytest.mark.django_db(transaction=True)
def test_staff_remove_lost_second_factors_after_asking(client, staff, attendee):
    device = Client()
    device.post(reverse("account_login"), {"login": attendee.email, "password": PASSWORD})
    assert device.get(reverse("accounts:profile")).status_code == 200
    add_factor(attendee)
    client.force_login(staff)

    change = client.get(change_page(attendee)).content.decode()
    asked = client.get(remove_factors(attendee))
    assert remove_factors(attendee) in change
    assert asked.status_code == 200
    assert Authenticator.objects.exists()
    client.post(remove_factors(attendee))

    assert not Authenticator.objects.exists()
    assert remove_factors(attendee) not in client.get(change_page(attendee)).content.decode()
    assert device.get(reverse("accounts:profile")).status_code == 302
    assert [message.subject for message in mail.outbox] == ["Your second step was removed"]
    assert mail.outbox[0].to == [attendee.email]


def test_removing_second_factors_that_are_not_there_tells_nobody(client, staff, attendee):
    client.force_login(staff)

    client.post(remove_factors(attendee))

    assert not OutgoingEmail.objects.exists()


def test_second_factors_of_oneself_and_of_a_superuser_stay(client, plain_staff, staff):
    client.force_login(plain_staff)

    for person in (plain_staff, staff):
        add_factor(person)
        assert client.get(remove_factors(person)).status_code == 403
        assert client.post(remove_factors(person)).status_code == 403
        assert remove_factors(person) not in client.get(change_page(person)).content.decode()
    assert Authenticator.objects.count() == 2


@pytest.mark.parametrize("role", ["organiser", "attendee"])
def test_only_staff_remove_second_factors(client, request, role):
    client.force_login(request.getfixturevalue(role))
    person = UserFactory()
    add_factor(person)

    assert client.post(remove_factors(person)).status_code in {302, 403}
    assert Authenticator.objects.exists()
