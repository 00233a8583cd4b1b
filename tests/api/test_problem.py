"""Every error has one shape (RFC 9457), whoever makes it."""

import logging

import pytest

SHAPE = {"type", "title", "status", "code", "detail", "errors"}


def assert_problem(answer, status, code):
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Cache-Control"] == "no-store"
    body = answer.json()
    assert set(body) == SHAPE
    assert (body["type"], body["status"], body["code"]) == ("about:blank", status, code)
    assert body["detail"]
    return body


@pytest.mark.parametrize(
    ("slug", "status", "code"),
    [
        ("unknown", 404, "not_found"),
        ("hidden", 404, "not_found"),
        ("forbidden", 403, "forbidden"),
        ("busy", 503, "busy"),
        ("invalid", 422, "invalid"),
    ],
)
@pytest.mark.urls("tests.api.sample")
def test_what_is_raised_is_answered(program, slug, status, code):
    assert_problem(program.call("GET", f"/things/{slug}"), status, code)


@pytest.mark.urls("tests.api.sample")
def test_refusal_carries_its_code_and_sentence(program_of, attendee):
    answer = program_of(attendee).call("POST", "/things", {"name": "full"})

    assert assert_problem(answer, 409, "full")["detail"] == "There is no room."


@pytest.mark.urls("tests.api.sample")
def test_what_one_may_not_know_looks_like_what_does_not_exist(program):
    unknown, hidden = (program.call("GET", f"/things/{slug}") for slug in ("unknown", "hidden"))

    assert unknown.content == hidden.content
    for answer in (unknown, hidden):
        del answer.headers["X-Request-ID"]  # drawn anew for each
    assert dict(unknown.headers) == dict(hidden.headers)


@pytest.mark.urls("tests.api.sample")
def test_busy_says_when_to_come_back(program):
    assert int(program.call("GET", "/things/busy")["Retry-After"]) > 0


@pytest.mark.urls("tests.api.sample")
def test_mistake_of_ours_is_500_and_tells_nothing_but_the_log(program, caplog):
    program.raise_request_exception = False

    with caplog.at_level(logging.ERROR, "django.request"):
        body = assert_problem(program.call("GET", "/things/oops"), 500, "server_error")

    assert "mistake of ours" not in str(body)
    assert "a mistake of ours" in str(caplog.records[0].exc_info)


@pytest.mark.parametrize("path", ["/", "/nothing", "/me/", "/auth/nothing", "/ME"])
def test_unknown_address_is_404(program, path):
    assert_problem(program.call("GET", path), 404, "not_found")


@pytest.mark.parametrize("method", ["PUT", "OPTIONS", "TRACE"])
def test_method_that_is_not_answered_is_405_and_names_those_that_are(program, method):
    answer = program.call(method, "/me")

    assert_problem(answer, 405, "method_not_allowed")
    assert {"GET", "HEAD"} <= set(answer["Allow"].split(", "))


def test_unknown_host_is_400(program):
    answer = program.call("GET", "/me", headers={"Host": "elsewhere.example"})

    assert_problem(answer, 400, "bad_request")


def test_errors_of_the_site_stay_pages(client, db):
    answer = client.get("/nothing/")

    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/html")
