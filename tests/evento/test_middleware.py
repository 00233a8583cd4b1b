"""What a view lets through still becomes a page that says what happened."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.db import OperationalError
from django.http import HttpResponse
from django.shortcuts import render

from evento.database import Busy
from evento.middleware import RefusalMiddleware, SessionMiddleware
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
