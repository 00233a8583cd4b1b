"""The other end of the live script: pages, static files and an event stream that a test speaks through."""

import asyncio
import json
import mimetypes
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qs, unquote_plus, urlsplit

from django.contrib.staticfiles import finders

from tests.patience import PATIENCE

POLICY = "default-src 'self'; img-src 'self' data:"


@dataclass(eq=False)
class Stream:
    """One stream that a browser opened, until it or the peer closes it."""

    query: dict[str, list[str]]
    writer: asyncio.StreamWriter
    is_open: bool = True

    @property
    def topics(self):
        return set(self.query["topic"])

    def asked(self, name):
        return self.query.get(name, [None])[0]


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    body: str = ""


@dataclass
class Peer:
    """Answers in a thread of its own. `pages` is what each path shows, and may change at any time."""

    pages: dict[str, str] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)  # to POST
    moved: dict[str, str] = field(default_factory=dict)  # where a path leads now
    live_status: int = 200
    streams: list[Stream] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def __post_init__(self):
        self._changed = threading.Condition()
        self._writers = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self):
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_):
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # --- For tests ---

    @property
    def open_streams(self):
        return [stream for stream in self.streams if stream.is_open]

    def times_asked(self, path, method="GET"):
        return len([one for one in self.asked if (one.path, one.method) == (path, method)])

    def wait(self, condition):
        """Until `condition()` is true of what the browser did."""
        with self._changed:
            assert self._changed.wait_for(condition, PATIENCE), f"{self.streams} {self.asked}"

    def stream(self, number=1):
        """The stream that was opened as the `number`-th, once it is."""
        self.wait(lambda: len(self.streams) >= number)
        return self.streams[number - 1]

    def say(self, kind, data, *, id=None):  # noqa: A002 - the field's name
        """One frame to every open stream."""
        head = "" if id is None else f"id: {id}\n"
        frame = f"{head}event: {kind}\ndata: {json.dumps(data)}\n\n"
        self._run(self._write(frame.encode()))

    def drop(self):
        """Break every stream off, as a crash does."""
        self._run(self._abort())

    # --- In the thread ---

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE)

    async def _write(self, frame):
        for stream in self.open_streams:
            stream.writer.write(frame)
            await stream.writer.drain()

    async def _abort(self):
        for stream in self.open_streams:
            stream.writer.transport.abort()

    async def _close(self):
        # Nobody new is let in, but who is at the door is: the server must stay until then.
        for listening in self._server.sockets:
            self._loop.remove_reader(listening.fileno())
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for writer in list(self._writers):
                writer.transport.abort()
            await asyncio.wait(others, timeout=0.1)
        self._server.close()

    def _note(self, place, what):
        with self._changed:
            place.append(what)
            self._changed.notify_all()

    async def _serve(self, reader, writer):
        self._writers.add(writer)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            method, target, _version = head.split("\r\n")[0].split(" ")
            body = (await reader.readexactly(_length(head))).decode()
            parts = urlsplit(target)
            if parts.path == "/live/":
                await self._stream(reader, writer, parse_qs(parts.query))
            else:
                self._note(self.asked, Asked(method, target, unquote_plus(body)))
                _answer(writer, *self._found(method, target, parts.path))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            # What a browser has not taken yet keeps it open, so until then `_close` must know of it.
            with suppress(ConnectionError):
                await writer.wait_closed()
            self._writers.discard(writer)

    def _found(self, method, target, path):
        if method == "POST":
            return (200, "text/html", self.answers[path].encode())
        if target in self.moved:
            return 302, "text/html", b"", f"Location: {self.moved[target]}\r\n"
        if target in self.pages:
            return 200, "text/html; charset=utf-8", self.pages[target].encode()
        file = finders.find(path.removeprefix("/static/")) if path.startswith("/static/") else None
        if file is None:
            return 404, "text/plain", b""
        with open(file, "rb") as content:  # noqa: PTH123 - what the finder gives
            return 200, mimetypes.guess_type(path)[0] or "application/octet-stream", content.read()

    async def _stream(self, reader, writer, query):
        stream = Stream(query, writer)
        if self.live_status != HTTPStatus.OK:
            stream.is_open = False
            _answer(writer, self.live_status, "text/plain", b"")
            self._note(self.streams, stream)
            return
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"Cache-Control: no-store\r\nConnection: close\r\n\r\nretry: 5000\n\n"
        )
        self._note(self.streams, stream)
        try:
            await reader.read()  # until the browser has gone
        finally:
            with self._changed:
                stream.is_open = False
                self._changed.notify_all()


def _length(head):
    for line in head.split("\r\n"):
        name, _colon, value = line.partition(":")
        if name.lower() == "content-length":
            return int(value)
    return 0


def _answer(writer, status, kind, body, more=""):
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: {kind}\r\n{more}"
    if status != HTTPStatus.NO_CONTENT:
        head += f"Content-Length: {len(body)}\r\n"
    head += f"Content-Security-Policy: {POLICY}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + body)
