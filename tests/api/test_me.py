"""My account: profile, organiser code, export, deletion."""

import json

import pytest

from accounts.models import User
from tests.accounts.factories import PASSWORD, UserFactory
from tests.accounts.test_organiser_code import CODE
from tests.events.factories import EventFactory
from tests.tickets.factories import TicketFactory


@pytest.fixture
def caller(attendee, program_of):
    return program_of(attendee)


def errors(answer):
    return {error["field"]: error["code"] for error in answer.json()["errors"]}


def test_profile_shows_what_the_page_shows_and_nothing_else(caller, attendee):
    assert caller.call("GET", "/me").json() == {
        "id": str(attendee.pk),
        "username": attendee.username,
        "display_name": attendee.display_name,
        "email": attendee.email,
        "time_zone": "UTC",
        "role": "attendee",
        "joined_at": attendee.date_joined.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def test_change_of_one_field_leaves_the_others(caller, attendee):
    answer = caller.call("PATCH", "/me", {"display_name": "Ada  \n Lovelace"})

    assert answer.status_code == 200
    assert answer.json()["display_name"] == "Ada Lovelace"
    assert answer.json()["username"] == attendee.username


def test_change_of_everything(caller):
    change = {"display_name": "", "username": "countess", "time_zone": "Europe/London"}

    assert change.items() <= caller.call("PATCH", "/me", change).json().items()


def test_change_of_nothing_changes_nothing(caller):
    assert caller.call("PATCH", "/me", {}).json() == caller.call("GET", "/me").json()


@pytest.mark.parametrize("username", ["Taken", "deleted-1"])
def test_username_nobody_may_have_is_refused(caller, attendee, username):
    UserFactory(username="taken")

    answer = caller.call("PATCH", "/me", {"username": username})

    assert answer.status_code == 422
    assert errors(answer) == {"username": "username_taken"}
    attendee.refresh_from_db()
    assert attendee.username != username


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"username": "two words"}, "string_pattern_mismatch"),
        ({"username": None}, "string_type"),
        ({"display_name": "x" * 101}, "string_too_long"),
        ({"time_zone": "Mars/Olympus"}, "invalid_choice"),
        ({"email": "new@example.org"}, "extra_forbidden"),
        ({"role": "organiser"}, "extra_forbidden"),
        ({"is_staff": True}, "extra_forbidden"),
    ],
    ids=str,
)
def test_change_that_the_page_would_not_take_is_refused(caller, attendee, change, code):
    answer = caller.call("PATCH", "/me", change)

    assert answer.status_code == 422
    assert errors(answer) == dict.fromkeys(change, code)
    attendee.refresh_from_db()
    assert (attendee.role, attendee.is_staff) == (User.Role.ATTENDEE, False)


# --- Organiser code ---------------------------------------------------------------------------------


def test_right_code_makes_an_organiser_at_once(caller):
    answer = caller.call("POST", "/me/organiser-code", {"organiser_code": CODE})

    assert answer.status_code == 200
    assert caller.call("GET", "/me").json()["role"] == "organiser"


def test_wrong_code_is_refused_and_limited(caller, attendee):
    for _ in range(5):
        wrong = caller.call("POST", "/me/organiser-code", {"organiser_code": "wrong"})
        assert (wrong.status_code, wrong.json()["code"]) == (422, "wrong_organiser_code")

    answer = caller.call("POST", "/me/organiser-code", {"organiser_code": CODE})

    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_organiser_codes")
    assert answer["Retry-After"] == "600"
    attendee.refresh_from_db()
    assert not attendee.is_organiser


def test_code_of_an_organiser_is_not_even_looked_at(program_of, organiser):
    answer = program_of(organiser).call("POST", "/me/organiser-code", {"organiser_code": "wrong"})

    assert answer.status_code == 200


# --- Export and deletion ----------------------------------------------------------------------------


def test_export_is_what_the_page_gives(caller, client, attendee, event):
    TicketFactory(event=event, holder=attendee)
    client.force_login(attendee)

    there = json.loads(client.post("/accounts/export/").content)

    here = caller.call("GET", "/me/export").json()
    assert {**here, "sessions": None, "account": None} == {
        **there,
        "sessions": None,
        "account": None,
    }
    assert here["account"]["email"] == attendee.email


def test_deletion_with_the_password_ends_account_and_token(caller, attendee, event):
    ticket = TicketFactory(event=event, holder=attendee)

    answer = caller.call("DELETE", "/me", {"password": PASSWORD})

    assert (answer.status_code, answer.content) == (204, b"")
    attendee.refresh_from_db()
    ticket.refresh_from_db()
    assert not attendee.is_active
    assert ticket.status == "cancelled"
    assert caller.call("GET", "/me").status_code == 401


def test_deletion_with_a_wrong_password_is_refused_and_limited(caller, attendee):
    for _ in range(5):
        wrong = caller.call("DELETE", "/me", {"password": "wrong"})
        assert (wrong.status_code, errors(wrong)) == (422, {"password": "incorrect_password"})

    answer = caller.call("DELETE", "/me", {"password": PASSWORD})

    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_login_attempts")
    assert answer["Retry-After"] == "300"
    attendee.refresh_from_db()
    assert attendee.is_active


@pytest.mark.parametrize("body", ["", {}])
def test_deletion_without_a_password_is_refused(caller, attendee, body):
    assert caller.call("DELETE", "/me", body).status_code == 422
    attendee.refresh_from_db()
    assert attendee.is_active


def test_deletion_of_the_only_organiser_is_refused_with_the_list(program_of, organiser):
    EventFactory(organiser=organiser, title="Ball of the Sea")

    answer = program_of(organiser).call("DELETE", "/me", {"password": PASSWORD})

    assert (answer.status_code, answer.json()["code"]) == (409, "only_organiser")
    assert "Ball of the Sea" in answer.json()["detail"]
    organiser.refresh_from_db()
    assert organiser.is_active


def test_deletion_by_the_sites_session_signs_out_there(client, attendee):
    client.force_login(attendee)

    client.delete("/api/v1/me", {"password": PASSWORD}, content_type="application/json")

    assert "_auth_user_id" not in client.session
