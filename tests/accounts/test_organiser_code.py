import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import RequestFactory
from django.urls import reverse

from accounts.models import User, WrongOrganiserCode
from accounts.organiser_code import check_organiser_code
from evento.http.addresses import client_address
from evento.refusals import Refusal

CODE = "Dc5_G1gz"
HERE = "192.0.2.1"


def refusal_of(code, *, address=HERE, now=None):
    try:
        check_organiser_code(code, address=address, now=now)
    except Refusal as refusal:
        return refusal.code
    return None


def wrong_codes(number, *, now, address=HERE):
    WrongOrganiserCode.objects.bulk_create(
        WrongOrganiserCode(address=address, entered_at=now) for _ in range(number)
    )


def test_sign_up_without_code_makes_an_attendee(sign_up):
    sign_up()

    assert User.objects.get().role == User.Role.ATTENDEE
    assert not WrongOrganiserCode.objects.exists()


def test_sign_up_with_right_code_makes_an_organiser(sign_up):
    sign_up(organiser_code=CODE)

    assert User.objects.get().role == User.Role.ORGANISER


def test_sign_up_with_wrong_code_shows_an_error_and_makes_no_account(sign_up):
    response = sign_up(organiser_code="Dc5_G1gy")

    assert "That organiser code is not right" in response.content.decode()
    assert list(response.context["form"].errors) == ["organiser_code"]
    assert not User.objects.exists()


def test_sign_up_with_code_in_other_case_makes_no_account(sign_up):
    sign_up(organiser_code=CODE.lower())

    assert not User.objects.exists()


@pytest.mark.parametrize("entered", [CODE, "anything", "None"])
def test_empty_setting_makes_every_code_wrong(settings, sign_up, entered):
    settings.ORGANISER_CODE = ""

    sign_up(organiser_code=entered)

    assert not User.objects.exists()


def test_empty_setting_leaves_sign_up_as_attendee_open(settings, sign_up):
    settings.ORGANISER_CODE = ""

    sign_up(organiser_code="  ")

    assert User.objects.get().role == User.Role.ATTENDEE


def test_sixth_code_from_an_address_is_refused_even_when_right(sign_up):
    for _ in range(5):
        sign_up(organiser_code="wrong")

    response = sign_up(organiser_code=CODE)

    assert "Too many wrong codes" in response.content.decode()
    assert not User.objects.exists()
    assert WrongOrganiserCode.objects.count() == 5


def test_limit_does_not_touch_sign_up_without_code(sign_up):
    for _ in range(6):
        sign_up(organiser_code="wrong")

    sign_up()

    assert User.objects.get().role == User.Role.ATTENDEE


def test_right_codes_do_not_count(db, now):
    for _ in range(7):
        assert refusal_of(CODE, now=now) is None


def test_limit_of_an_address_leaves_other_addresses_alone(db, now):
    wrong_codes(5, now=now)

    assert refusal_of(CODE, address="192.0.2.2", now=now) is None


def test_limit_of_an_address_ends_after_ten_minutes(db, now):
    wrong_codes(5, now=now)

    assert refusal_of(CODE, now=now + timedelta(minutes=9, seconds=59)) is not None
    assert refusal_of(CODE, now=now + timedelta(minutes=10)) is None


def test_hundred_wrong_codes_close_the_whole_site_for_an_hour(db, now):
    for number in range(100):
        wrong_codes(1, now=now, address=f"198.51.100.{number}")

    assert refusal_of(CODE, now=now) == "too_many_organiser_codes"
    assert refusal_of(CODE, now=now + timedelta(minutes=59)) == "too_many_organiser_codes"
    assert refusal_of(CODE, now=now + timedelta(hours=1)) is None


def test_ninety_nine_wrong_codes_leave_the_site_open(db, now):
    for number in range(99):
        wrong_codes(1, now=now, address=f"198.51.100.{number}")

    assert refusal_of(CODE, now=now) is None


def test_wrong_codes_that_count_no_longer_are_forgotten(db, now):
    wrong_codes(3, now=now - timedelta(hours=2))

    refusal_of("wrong", now=now)

    assert WrongOrganiserCode.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_code_inside_a_transaction_is_an_error_because_its_count_could_be_lost():
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        check_organiser_code("wrong", address=HERE)


def test_address_behind_a_trusted_proxy_is_the_clients(settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    request = RequestFactory().get("/", headers={"X-Forwarded-For": "203.0.113.9, 192.0.2.7"})

    assert client_address(request) == "192.0.2.7"


def test_address_in_a_header_nobody_vouches_for_is_ignored():
    request = RequestFactory().get("/", headers={"X-Forwarded-For": "203.0.113.9"})

    assert client_address(request) == "127.0.0.1"


def test_address_of_ipv4_through_an_ipv6_socket_is_itself_and_not_everybody():
    request = RequestFactory().post("/", REMOTE_ADDR="::ffff:192.0.2.7")

    assert client_address(request) == "192.0.2.7"


def test_address_of_ipv6_is_its_network():
    one = RequestFactory().get("/", REMOTE_ADDR="2001:db8:1:2::1")
    other = RequestFactory().get("/", REMOTE_ADDR="2001:db8:1:2:ffff::9")

    assert client_address(one) == client_address(other) == "2001:db8:1:2::"


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_twelve_wrong_codes_at_once_are_judged_five_times():
    barrier = threading.Barrier(12)
    answers = []

    def enter():
        barrier.wait()
        answers.append(refusal_of("wrong"))
        connection.close()

    threads = [threading.Thread(target=enter) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == ["too_many_organiser_codes"] * 7 + ["wrong_organiser_code"] * 5
    assert WrongOrganiserCode.objects.count() == 5


def test_attendee_becomes_organiser_with_the_code(client, attendee):
    client.force_login(attendee)

    response = client.post(reverse("accounts:become_organiser"), {"organiser_code": CODE})

    attendee.refresh_from_db()
    assert response.status_code == 302
    assert attendee.is_organiser


def test_attendee_with_wrong_code_stays_attendee(client, attendee):
    client.force_login(attendee)

    response = client.post(reverse("accounts:become_organiser"), {"organiser_code": "wrong"})

    attendee.refresh_from_db()
    assert response.status_code == 422
    assert "That organiser code is not right" in response.content.decode()
    assert not attendee.is_organiser


def test_codes_at_sign_up_and_on_the_profile_count_together(client, attendee, sign_up):
    for _ in range(5):
        sign_up(organiser_code="wrong")
    client.force_login(attendee)

    client.post(reverse("accounts:become_organiser"), {"organiser_code": CODE})

    attendee.refresh_from_db()
    assert not attendee.is_organiser
