"""What a view lets through still becomes a page that says what happened."""

import pytest
from csp.constants import NONCE, SELF
from csp.decorators import csp_exempt, csp_update
from csp.middleware import CSPMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.db import OperationalError
from django.http import HttpResponse
from django.shortcuts import render

from evento.database import Busy
from evento.middleware import (
    ContentSecurityPolicyMiddleware,
    RefusalMiddleware,
    SessionMiddleware,
)
from evento.refusals import Refusal


@pytest.fixture
def answer(rf):
    def answer_to(error):
        request = rf.get("/")
        request.user = AnonymousUser()
        return RefusalMiddleware(render).process_exception(request, error)

    return answer_to


def test_refusal_is_409_with_its_sentence(answer):
    response = answer(Refusal("x", "There is no more room in here."))

    assert response.status_code == 409
    assert "There is no more room in here." in response.content.decode()


def test_refusal_to_say_whether_it_exists_is_404_without_the_sentence(answer):
    response = answer(Refusal("x", "Not yours.", status=404))

    assert response.status_code == 404
    assert "Not yours." not in response.content.decode()


@pytest.mark.parametrize("error", [Busy(), OperationalError("database is locked")])
def test_busy_database_is_503_and_says_when_to_come_back(answer, error):
    response = answer(error)

    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "Evento" in response.content.decode()


def test_other_errors_are_not_hidden(answer):
    assert answer(OperationalError("no such table: x")) is None
    assert answer(ValueError("x")) is None


class UnsavedSession(SessionStore):
    """One that the database does not take."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def save(self, must_create=False):
        raise self.error


@pytest.fixture
def save_session(rf):
    def answer_to(error):
        request = rf.get("/")
        request.user = AnonymousUser()
        request.session = UnsavedSession(error)
        request.session["challenge"] = "x"
        return SessionMiddleware(render).process_response(request, HttpResponse("done"))

    return answer_to


def test_session_that_a_busy_database_does_not_take_is_503(save_session):
    response = save_session(OperationalError("database is locked"))

    assert (response.status_code, response["Retry-After"]) == (503, "5")


def test_session_that_cannot_be_saved_at_all_is_not_hidden(save_session):
    with pytest.raises(OperationalError):
        save_session(OperationalError("no such table: django_session"))


POLICY = "Content-Security-Policy"


def policy_of(request, view):
    return ContentSecurityPolicyMiddleware(view)(request)[POLICY]


def test_policy_is_the_one_that_django_csp_would_build(rf):
    def view(_request):
        return HttpResponse()

    ours, theirs = policy_of(rf.get("/"), view), CSPMiddleware(view)(rf.get("/"))[POLICY]

    assert sorted(ours.split("; ")) == sorted(theirs.split("; "))
    assert "frame-ancestors 'none'" in ours


def test_page_can_have_a_policy_of_its_own(rf):
    @csp_update({"img-src": ["https://pictures.example"]})
    def view(_request):
        return HttpResponse()

    assert "https://pictures.example" in policy_of(rf.get("/"), view)
    # And the next one has the usual policy.
    assert "pictures" not in policy_of(rf.get("/"), lambda _request: HttpResponse())


def test_page_without_a_policy_stays_without(rf):
    response = ContentSecurityPolicyMiddleware(csp_exempt()(lambda _request: HttpResponse()))(
        rf.get("/")
    )

    assert POLICY not in response


def test_policy_that_a_view_wrote_stays(rf):
    response = HttpResponse(headers={POLICY: "default-src 'none'"})

    assert policy_of(rf.get("/"), lambda _request: response) == "default-src 'none'"


def test_nonce_that_a_page_used_is_in_its_policy(rf, settings):
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": {"script-src": [SELF, NONCE]}}

    def view(request):
        return HttpResponse(str(request.csp_nonce))

    request = rf.get("/")
    response = ContentSecurityPolicyMiddleware(view)(request)

    assert f"'nonce-{response.content.decode()}'" in response[POLICY]
