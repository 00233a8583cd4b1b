"""What one visitor got the next one gets again from the server's loop: for a moment, and nobody else."""

import time

import pytest

from evento import asgi
from evento.http.visitor_pages import KEPT, MAX_PAGES, Kept
from evento.visitor_answers import VisitorAnswers
from tests.accounts.factories import UserFactory
from tests.evento.test_asgi import ask, scope_of
from tests.events.factories import EventFactory
from tests.loops import run
from tests.servers import database_for_servers, get, running, sign_in

POLICY = ("Content-Security-Policy", "default-src 'self'")


class Pages:
    """Django's place: says of each answer that it may be given again, and counts how often it is asked."""

    def __init__(self):
        self.asked = 0
        self.age = 0.0
        self.is_for_all = True
        self.status = "200 OK"
        self.headers = []

    def __call__(self, environ, start_response):
        self.asked += 1
        body = f"answer {self.asked}".encode()
        if self.is_for_all:
            environ[KEPT] = Kept(time.monotonic() - self.age, body, {})
        own = [("Content-Length", str(len(body))), ("X-Request-ID", f"of-{self.asked}")]
        start_response(self.status, [POLICY, *own, *self.headers])
        return [body]


@pytest.fixture
def pages(monkeypatch, settings):
    settings.VISITOR_PAGE_SECONDS = 60
    pages = Pages()
    monkeypatch.setattr(asgi, "django_pages", pages)
    monkeypatch.setattr(asgi, "visitor_answers", VisitorAnswers())
    return pages


def answer_to(path="/", headers=(), **more):
    status, headers, parts = run(ask(asgi.application, scope_of(path, headers) | more))
    assert status == 200
    return headers, b"".join(parts)


def test_second_visitor_gets_the_same_answer_without_django(pages):
    first_headers, first = answer_to()
    second_headers, second = answer_to()

    assert (first, second, pages.asked) == (b"answer 1", b"answer 1", 1)
    ids = first_headers.pop(b"x-request-id"), second_headers.pop(b"x-request-id")
    assert ids[0] == b"of-1" != ids[1]
    assert second_headers == first_headers
    assert second_headers[b"content-security-policy"] == POLICY[1].encode()


def test_answer_is_given_no_longer_than_its_page_may_be_old(pages):
    pages.age = 59.9
    answer_to()
    pages.age = 60
    answer_to("/past/")
    answer_to("/past/")

    assert pages.asked == 3


def test_answer_that_django_does_not_give_to_all_is_not_given_again(pages):
    pages.is_for_all = False
    answer_to()
    answer_to()

    assert pages.asked == 2


def test_page_for_all_that_comes_with_a_cookie_for_one_is_not_given_again(pages):
    pages.headers = [("Set-Cookie", "csrftoken=of-a-stranger")]
    assert answer_to()[0][b"set-cookie"] == b"csrftoken=of-a-stranger"
    pages.headers = []

    assert b"set-cookie" not in answer_to()[0]
    assert b"set-cookie" not in answer_to()[0]
    assert pages.asked == 2


def test_error_is_not_given_again(pages):
    pages.status = "503 Service Unavailable"
    assert run(ask(asgi.application, scope_of()))[0] == 503
    pages.status = "200 OK"

    assert answer_to()[1] == b"answer 2"


OTHER_QUESTIONS = {
    "of somebody who is signed in": {"headers": [(b"cookie", b"theme=dark; sessionid=abc")]},
    "of somebody who is signed in, oddly spelt": {"headers": [(b"cookie", b"sessionid =abc")]},
    "of somebody who is to be told something": {"headers": [(b"cookie", b"messages=abc")]},
    "by HEAD": {"method": "HEAD"},
    "by POST": {"method": "POST"},
    "to another site": {"headers": [(b"host", b"elsewhere")]},
    "to another site, by a proxy": {"headers": [(b"x-forwarded-host", b"elsewhere")]},
    "over TLS, by a proxy": {"headers": [(b"x-forwarded-proto", b"https")]},
    "over TLS": {"scheme": "https"},
    "at another address of this machine": {"server": ("127.0.0.2", 8000)},
    "below another address": {"root_path": "/club"},
    "with words": {"query_string": b"q=jazz"},
    "of another page": {"path": "/past/"},
    "by a script of another site": {"headers": [(b"origin", b"https://elsewhere")]},
    "for a part of the page": {"headers": [(b"hx-request", b"true"), (b"hx-target", b"results")]},
    "what is new since": {"headers": [(b"if-none-match", b'"a"')]},
    "by a program": {"headers": [(b"authorization", b"Bearer x")]},
}


@pytest.mark.parametrize("other", OTHER_QUESTIONS.values(), ids=OTHER_QUESTIONS)
def test_another_question_goes_to_django(pages, other):
    answer_to()

    _headers, body = answer_to(**other)

    assert (body, pages.asked) == (b"answer 2", 2)
    # And what it was answered is nothing for the first one.
    assert answer_to()[1] == b"answer 1"


@pytest.mark.parametrize("cookie", [b"csrftoken=abc", b"theme=dark", b""])
def test_cookie_that_names_nobody_changes_nothing(pages, cookie):
    answer_to()

    answer_to(headers=[(b"cookie", cookie), (b"user-agent", b"another")])

    assert pages.asked == 1


def test_made_up_addresses_do_not_fill_the_memory():
    answers = VisitorAnswers()

    for number in range(2 * MAX_PAGES + 1):
        scope = scope_of() | {"query_string": b"q=%d" % number}
        answers.keep({"asgi.scope": scope, KEPT: Kept(time.monotonic(), b"", {})}, "200 OK", [])

    assert len(answers._kept) <= MAX_PAGES


@pytest.mark.server
@pytest.mark.django_db(transaction=True)
def test_visitors_of_a_real_server_get_one_answer_and_people_their_own(tmp_path):
    event, person = EventFactory(), UserFactory(display_name="Ada of the tests")
    [cookie] = sign_in([person])
    paths = ["/", "/past/", "/calendar/", event.get_absolute_url(), f"/events/{event.slug}.ics"]

    with running(tmp_path, database_url=database_for_servers(tmp_path)) as server:
        for path in paths:
            first, second = get(server, path, ""), get(server, path, "")
            own = get(server, path, cookie)

            assert (first.status, second.status, own.status) == (200, 200, 200)
            assert second.body == first.body
            changing = {"x-request-id", "date"}
            assert [(n, v) for n, v in second.headers.items() if n.lower() not in changing] == [
                (n, v) for n, v in first.headers.items() if n.lower() not in changing
            ]
            assert second.headers["X-Request-ID"] != first.headers["X-Request-ID"]
            assert ("Ada of the tests" in own.body) == (not path.endswith(".ics"))
            assert "Ada of the tests" not in get(server, path, "").body
