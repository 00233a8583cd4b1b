"""One server for pages and streams: what stands between it and Django (evento/asgi.py)."""

import asyncio
import contextlib
import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

import pytest
from django.conf import settings
from django.core.cache import caches
from django.core.wsgi import get_wsgi_application
from django.db import connection

from evento import asgi
from tests.events.factories import EventFactory
from tests.live import Reader, database_shared_with_servers
from tests.loops import run
from tests.patience import PATIENCE
from tests.servers import CSRF_SECRET, running

STYLESHEET = re.compile(r'<link rel="stylesheet" href="([^"]+)"')
STYLES = "/static/vendor/bootstrap/bootstrap.min.css"


@pytest.fixture(autouse=True)
def _pages_by_the_settings_of_tests(_test_settings, monkeypatch):
    """Made when the module was loaded, they would serve what `make run` has collected, and no other name."""
    monkeypatch.setattr(asgi, "django_pages", get_wsgi_application())


# --- In one process ---


def scope_of(path="/", headers=()):
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"localhost"), *headers],
        "client": ("127.0.0.1", 5),
        "server": ("127.0.0.1", 8000),
    }


async def no_body():
    return {"type": "http.request", "body": b"", "more_body": False}


async def ask(application, scope):
    """What is answered: status, headers, and each part of the body."""
    messages = []

    async def send(message):
        messages.append(message)

    await application(scope, no_body, send)
    start, *parts = messages
    return start["status"], dict(start["headers"]), [part["body"] for part in parts]


def test_large_file_comes_in_few_blocks():
    status, headers, parts = run(ask(asgi.application, scope_of(STYLES)))

    assert status == 200
    assert len(b"".join(parts)) == int(headers[b"content-length"]) > 200_000
    assert len(parts) < 10


def test_readers_who_take_nothing_hold_no_thread():
    async def conversation():
        stalled, over = asyncio.Event(), asyncio.Event()

        async def take_nothing(message):
            stalled.set()
            await over.wait()

        slow = [
            asyncio.create_task(asgi.application(scope_of(STYLES), no_body, take_nothing))
            for _reader in range(settings.WEB_THREADS + 1)
        ]
        await stalled.wait()
        try:
            return await asyncio.wait_for(ask(asgi.application, scope_of(STYLES)), 30)
        finally:
            over.set()
            await asyncio.wait(slow)

    assert run(conversation())[0] == 200


def test_reader_that_the_server_lost_holds_no_thread():
    async def conversation():
        async def lost(message):
            raise ConnectionResetError

        for _reader in range(settings.WEB_THREADS + 1):
            with pytest.raises(ConnectionResetError):
                await asgi.application(scope_of(STYLES), no_body, lost)
        return await asyncio.wait_for(ask(asgi.application, scope_of(STYLES)), 30)

    assert run(conversation())[0] == 200


def test_connection_of_a_cache_outlasts_the_request(monkeypatch):
    seen = []

    def django_pages(environ, start_response):
        seen.append(caches["default"])
        start_response("204 No Content", [])
        return []

    async def conversation():
        one_thread = asgi._Pages(1)
        for _request in range(3):
            await ask(one_thread, scope_of())

    monkeypatch.setattr(asgi, "django_pages", django_pages)
    run(conversation())

    assert [each is seen[0] for each in seen] == [True] * 3


def test_page_that_breaks_off_sends_nothing_of_itself(monkeypatch):
    sent = []

    def django_pages(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        yield b"the first half"
        raise RuntimeError("broke off")

    async def conversation():
        async def send(message):
            sent.append(message)

        with pytest.raises(RuntimeError, match="broke off"):
            await asgi.application(scope_of(), no_body, send)

    monkeypatch.setattr(asgi, "django_pages", django_pages)
    run(conversation())

    assert sent == []


def test_long_answer_is_not_kept_together(monkeypatch):
    block = b"x" * asgi.FILE_BLOCK_BYTES
    came = threading.Event()

    def django_pages(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        yield block
        assert came.wait(PATIENCE)
        yield b"the end"

    async def conversation():
        parts = []

        async def send(message):
            parts.append(message)
            if message.get("body") == block:
                came.set()

        await asyncio.wait_for(asgi.application(scope_of(), no_body, send), 60)
        return parts

    monkeypatch.setattr(asgi, "django_pages", django_pages)
    start, *parts = run(conversation())

    assert start["status"] == 200
    assert b"".join(part["body"] for part in parts) == block + b"the end"


def test_part_of_a_form_is_not_taken_for_all_of_it(monkeypatch):
    came = iter(
        [
            {"type": "http.request", "body": b"note=I+need+a+whe", "more_body": True},
            {"type": "http.disconnect"},
        ]
    )
    read = []

    def django_pages(environ, start_response):
        with pytest.raises(OSError, match="sender has gone"):
            read.append(environ["wsgi.input"].read(100))
        start_response("403 Forbidden", [])
        return []

    async def receive():
        return next(came)

    async def send(message):
        pass

    monkeypatch.setattr(asgi, "django_pages", django_pages)
    run(asgi.application(scope_of(), receive, send))

    assert (read, list(came)) == ([], [])


def test_stream_ends_with_its_lifespan_and_begins_with_another():
    async def conversation():
        told = asyncio.Queue()
        said = []
        for kind in ("lifespan.startup", "lifespan.shutdown"):
            told.put_nowait({"type": kind})

        async def send(message):
            said.append((message["type"], asgi.live._listener is not None))

        await asgi.application({"type": "lifespan"}, told.get, send)
        return said

    # In a thread that handles no signals, as servers inside other programs run.
    with ThreadPoolExecutor(1) as pool:
        said = pool.submit(lambda: run(conversation())).result()

    assert said == [("lifespan.startup.complete", True), ("lifespan.shutdown.complete", False)]


# --- A running server ---


@pytest.fixture
def database(transactional_db, tmp_path):
    with database_shared_with_servers(tmp_path) as url:
        yield url


@pytest.fixture
def event(database):
    return EventFactory()


def request(server, path, headers=(), *, method="GET"):
    asking = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    asking.putrequest(method, path)
    for name, value in headers:
        asking.putheader(name, value)
    asking.endheaders()
    answer = asking.getresponse()
    body = answer.read()
    asking.close()
    return answer, body


@pytest.mark.server
def test_one_port_serves_pages_streams_and_files(tmp_path, database, event):
    with running(tmp_path, database_url=database) as server:
        page, body = request(server, event.get_absolute_url())
        head, nothing = request(server, event.get_absolute_url(), method="HEAD")
        file, _styles = request(server, STYLESHEET.search(body.decode()).group(1))
        with Reader(server, f"event:{event.slug}") as reader:
            stream = reader.headers["content-type"]

    assert (page.status, event.title in body.decode()) == (200, True)
    assert (head.status, head.headers["Content-Length"]) == (200, page.headers["Content-Length"])
    assert nothing == b""
    assert (file.status, stream) == (200, "text/event-stream; charset=utf-8")
    assert not {"Server", "X-Powered-By"} & {*page.headers, *file.headers}
    assert "Traceback" not in server.log.read_text()


@pytest.mark.server
def test_nobody_speaks_in_the_proxys_name_by_another_spelling(tmp_path, database):
    behind_a_proxy = {
        "SITE_URL": "https://127.0.0.1",
        "ALLOWED_HOSTS": "127.0.0.1",
        "TRUSTED_PROXY_COUNT": "1",
    }
    with running(tmp_path, database_url=database, **behind_a_proxy) as server:
        proxys, _body = request(server, "/", [("X-Forwarded-Proto", "https")])
        strangers, _body = request(server, "/", [("X_Forwarded_Proto", "https")])

    assert proxys.status == 200
    assert strangers.status == 301
    assert strangers.headers["Location"].startswith("https://")


@pytest.mark.server
def test_each_client_has_the_address_that_limits_count_by(tmp_path, database):
    fields = f"csrfmiddlewaretoken={CSRF_SECRET}&login=a%40example.org&password=wrong"
    headers = {
        "Cookie": f"csrftoken={CSRF_SECRET}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    with running(tmp_path, database_url=database) as server:
        asking = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        asking.request("POST", "/accounts/login/", fields, headers)
        status = asking.getresponse().status
        asking.close()

    # 403 is what somebody without an address gets.
    assert status == 200


@pytest.mark.server
def test_server_told_to_end_does_so_at_once_though_streams_are_open(tmp_path, database):
    ending = threading.Event()

    def come_again(server):
        """Some streams begin while the server ends. In HTTP/1.0 a connection ends with its answer."""
        while not ending.is_set():
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", server.port), 3) as asking,
            ):
                asking.sendall(b"GET /live/?topic=list:: HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
                while asking.recv(4096):
                    pass

    workers = 2 if connection.vendor == "postgresql" else 1
    with (
        running(tmp_path, database_url=database, workers=workers) as server,
        ThreadPoolExecutor(8) as pool,
    ):
        for _browser in range(8):
            pool.submit(come_again, server)
        readers = [Reader(server, "list::") for _n in range(20)]
        for reader in readers:
            reader.next("retry")
        server.process.terminate()
        server.process.wait(PATIENCE)
        ending.set()

    ends = [reader.until_closed()[-1].data for reader in readers]
    for reader in readers:
        reader.close()
    log = server.log.read_text()
    assert ends == [{"reason": "restart"}] * 20
    assert "timeout graceful shutdown exceeded" not in log
    assert "Traceback" not in log
