"""What holds for every operation, tried on operations made for it: `tests/api/sample.py`."""

import pytest

from tests.accounts.factories import UserFactory

pytestmark = pytest.mark.urls("tests.api.sample")


def codes(answer):
    """Where each field error is, and its code."""
    return {(error["in"], error["field"]): error["code"] for error in answer.json()["errors"]}


@pytest.fixture
def caller(attendee, program_of):
    return program_of(attendee)


def test_body_becomes_the_argument(caller, attendee):
    answer = caller.call("POST", "/things", {"name": "chair"})

    assert answer.status_code == 201
    assert answer.json() == {"name": "chair", "who": attendee.username}
    assert answer["Cache-Control"] == "no-store"


def test_unknown_field_of_a_body_is_refused(caller):
    answer = caller.call("POST", "/things", {"name": "chair", "colour": "red"})

    assert answer.status_code == 422
    assert codes(answer) == {("body", "colour"): "extra_forbidden"}


def test_every_wrong_field_is_named(caller):
    answer = caller.call("POST", "/things", {"size": "3", "starts_at": 1700000000, "note": None})

    assert codes(answer) == {
        ("body", "name"): "missing",
        ("body", "size"): "int_type",
        ("body", "starts_at"): "value_error",
        ("body", "note"): "string_type",
    }


def test_moment_without_offset_is_refused(caller):
    answer = caller.call("POST", "/things", {"name": "x", "starts_at": "2026-11-21T19:30:00"})

    assert codes(answer) == {("body", "starts_at"): "timezone_aware"}


@pytest.mark.parametrize("path", ["/people?colour=red", "/public?colour=red"])
def test_unknown_query_parameter_is_refused(caller, path):
    answer = caller.call("GET", path)

    assert answer.status_code == 422
    assert codes(answer) == {("query", "colour"): "extra_forbidden"}


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_body_that_is_not_called_json_is_415(caller, media_type):
    answer = caller.call("POST", "/things", {"name": "chair"}, content_type=media_type)

    assert answer.status_code == 415
    assert answer.json()["code"] == "unsupported_media_type"


@pytest.mark.parametrize(
    "body",
    [
        "{",
        b"\xff",
        '{"name": NaN}',
        '{"name": "a\\u0000b"}',
        '{"name": "\\ud800"}',
        "[" * 100_000,
    ],
)
def test_body_that_cannot_be_read_is_400(caller, body):
    answer = caller.call("POST", "/things", body)

    assert answer.status_code == 400
    assert answer.json()["code"] == "malformed_body"


def test_text_that_spells_an_escape_is_text(caller):
    assert caller.call("POST", "/things", {"name": "\\u0000"}).status_code == 201


def test_body_beyond_the_limit_is_413(caller, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100

    answer = caller.call("POST", "/things", {"name": "x" * 100})

    assert answer.status_code == 413
    assert answer.json()["code"] == "too_large"


def test_nul_in_a_query_is_refused(caller):
    assert caller.call("GET", "/people?cursor=%00").status_code == 422


# --- Pages ------------------------------------------------------------------------------------------


def test_pages_follow_each_other_to_the_last(caller):
    UserFactory.create_batch(4)
    seen, cursor = [], ""

    while cursor is not None:
        answer = caller.call("GET", f"/people?limit=2&cursor={cursor}").json()
        assert set(answer) == {"items", "next_cursor"}
        seen += [row["id"] for row in answer["items"]]
        cursor = answer["next_cursor"]

    assert len(seen) == len(set(seen)) == 5


def test_cursor_of_nobodys_making_is_a_page_that_does_not_exist(caller):
    answer = caller.call("GET", "/people?cursor=bm9uc2Vuc2U")

    assert answer.status_code == 404
    assert answer.json()["code"] == "bad_cursor"


@pytest.mark.parametrize("limit", ["0", "101", "-1", "many"])
def test_page_size_is_bounded(caller, limit):
    assert caller.call("GET", f"/people?limit={limit}").status_code == 422


# --- HEAD, conditional GET, caching -----------------------------------------------------------------


def test_head_is_a_get_without_its_body(caller):
    answer = caller.call("HEAD", "/people")

    assert answer.status_code == 200
    assert answer.content == b""
    assert answer["ETag"] == caller.call("GET", "/people")["ETag"]


def test_etag_that_still_holds_is_304(program):
    etag = program.call("GET", "/public")["ETag"]

    answer = program.call("GET", "/public", headers={"If-None-Match": etag})

    assert answer.status_code == 304
    assert answer.content == b""
    assert answer["ETag"] == etag


def test_etag_of_somebody_else_does_not_hold(program, caller):
    etag = program.call("GET", "/public")["ETag"]

    assert caller.call("GET", "/public", headers={"If-None-Match": etag}).status_code == 200


def test_answers_may_be_kept_by_those_they_are_for(program, caller):
    public, private = program.call("GET", "/public"), caller.call("GET", "/public")

    assert public["Cache-Control"] == "public, no-cache"
    assert private["Cache-Control"] == "private, no-cache"
    assert {"Authorization", "Cookie"} <= set(public["Vary"].split(", "))


# --- Limits -----------------------------------------------------------------------------------------


def test_calls_beyond_the_limit_are_429_and_say_when_to_go_on(caller, settings):
    settings.API_READS_PER_MINUTE = 3
    for _ in range(3):
        assert caller.call("GET", "/people").status_code == 200

    answer = caller.call("GET", "/people")

    assert answer.status_code == 429
    assert answer.json()["code"] == "too_many_requests"
    assert 1 <= int(answer["Retry-After"]) <= 60


def test_reads_and_writes_and_people_are_counted_apart(caller, program, program_of, settings):
    other = program_of(UserFactory())
    settings.API_READS_PER_MINUTE = 1
    caller.call("GET", "/public")
    assert caller.call("GET", "/public").status_code == 429

    assert caller.call("POST", "/things", {"name": "chair"}).status_code == 201
    assert program.call("GET", "/public").status_code == 200
    assert other.call("GET", "/public").status_code == 200


def test_visitors_are_counted_by_the_address_that_the_proxy_names(program, settings):
    settings.API_READS_PER_MINUTE = 1
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    one, other = ({"X-Forwarded-For": f"203.0.113.{n}"} for n in (1, 2))
    program.call("GET", "/public", headers=one)

    assert program.call("GET", "/public", headers=one).status_code == 429
    assert program.call("GET", "/public", headers=other).status_code == 200


# --- What a call costs ------------------------------------------------------------------------------


def test_knowing_who_calls_costs_two_statements(caller, django_assert_num_queries):
    with django_assert_num_queries(2):  # the session behind the token, and the person
        caller.call("GET", "/public")


def test_visitors_call_costs_none(program, django_assert_num_queries):
    with django_assert_num_queries(0):
        program.call("GET", "/public")
