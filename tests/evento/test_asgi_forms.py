"""Forms on their way to Django: a small one gets a thread when all of it has come (evento/asgi.py)."""

import asyncio

import pytest
from django.conf import settings

from evento import asgi
from tests.evento.test_asgi import ask, scope_of
from tests.loops import run
from tests.servers import CSRF_SECRET


def form_of(body):
    headers = [
        (b"content-length", b"%d" % len(body)),
        (b"content-type", b"application/x-www-form-urlencoded"),
        (b"cookie", b"csrftoken=" + CSRF_SECRET.encode()),
    ]
    return {**scope_of("/accounts/login/", headers), "method": "POST"}


def echo(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))]


@pytest.mark.parametrize(
    "length", [0, 1, 1000, asgi.SMALL_BODY_BYTES, asgi.SMALL_BODY_BYTES + 1, 10**6]
)
def test_form_reaches_django_whole(monkeypatch, length):
    body = bytes(number % 251 for number in range(length))
    pieces = [body[at : at + 30_000] for at in range(0, max(length, 1), 30_000)]
    answer = []

    async def receive():
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    async def send(message):
        answer.append(message.get("body", b""))

    monkeypatch.setattr(asgi, "django_pages", echo)
    run(asgi.application(form_of(body), receive, send))

    assert b"".join(answer) == body


def test_small_form_that_breaks_off_never_reaches_django(monkeypatch):
    came = iter(
        [
            {"type": "http.request", "body": b"note=I+need+a+whe", "more_body": True},
            {"type": "http.disconnect"},
        ]
    )
    asked, sent = [], []

    async def receive():
        return next(came)

    async def send(message):
        sent.append(message)

    monkeypatch.setattr(asgi, "django_pages", lambda *arguments: asked.append(arguments))
    run(asgi.application(form_of(b"x" * 100), receive, send))

    assert (asked, sent, list(came)) == ([], [], [])


def test_senders_who_stop_half_way_hold_no_thread(monkeypatch):
    async def conversation():
        begun = []

        async def stops():
            begun.append(True)
            if len(begun) > settings.WEB_THREADS + 1:
                await asyncio.Event().wait()
            return {"type": "http.request", "body": b"half", "more_body": True}

        async def nobody(message):
            raise AssertionError(message)

        slow = [
            asyncio.create_task(asgi.application(form_of(b"x" * 100), stops, nobody))
            for _sender in range(settings.WEB_THREADS + 1)
        ]
        answer = await asyncio.wait_for(ask(asgi.application, form_of(b"")), 30)
        for sender in slow:
            sender.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
        return answer

    monkeypatch.setattr(asgi, "django_pages", echo)

    assert run(conversation())[0] == 200
