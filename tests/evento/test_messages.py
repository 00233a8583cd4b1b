"""Messages come back as they were said, however they are kept."""

import pytest
from django.contrib.messages import constants, get_messages
from django.contrib.messages.storage.base import Message
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpResponse
from django.utils.safestring import mark_safe

from evento.messages import SHORT_CHARACTERS, Storage

SAID = ["This event is full.", "“Ünïcode” & <b>, \x00 and \n", mark_safe("<em>fine</em>")]


@pytest.fixture
def request_(rf):
    request = rf.get("/")
    SessionMiddleware(lambda _request: HttpResponse()).process_request(request)
    return request


def keep(request, texts):
    """Say them; the cookie and what the next request reads."""
    storage, response = Storage(request), HttpResponse()
    for text in texts:
        storage.add(constants.ERROR, text)
    storage.update(response)
    request.COOKIES = {name: it.value for name, it in response.cookies.items()}
    request._messages = Storage(request)
    return response.cookies.get(CookieStorage.cookie_name), list(get_messages(request))


@pytest.mark.parametrize("texts", [SAID[:1], SAID, ["x" * SHORT_CHARACTERS * 3], ["y" * 400] * 30])
def test_messages_come_back_as_they_were_said(request_, db, texts):
    _cookie, heard = keep(request_, texts)

    assert [str(message) for message in heard] == texts
    assert [type(message.message) for message in heard] == [type(text) for text in texts]


def test_sentence_is_kept_as_it_stands_and_a_long_text_compressed(request_):
    short, _heard = keep(request_, SAID[:1])
    long, _heard = keep(request_, ["x" * SHORT_CHARACTERS * 3])

    # Django's signed values say by a dot that they are compressed.
    assert not short.value.startswith(".")
    assert long.value.startswith(".")
    assert len(long.value) < SHORT_CHARACTERS


def test_what_django_kept_before_is_read(request_):
    message = Message(constants.ERROR, SAID[0])
    request_.COOKIES = {"messages": CookieStorage(request_)._encode([message])}

    assert [str(it) for it in Storage(request_)] == SAID[:1]


def test_cookie_that_somebody_changed_says_nothing(request_):
    cookie, _heard = keep(request_, SAID[:1])
    request_.COOKIES = {"messages": cookie.value[:-1] + ("a" if cookie.value[-1] != "a" else "b")}

    assert list(Storage(request_)) == []
