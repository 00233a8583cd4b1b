"""The ASGI entry point: `/live/` is the stream's own application, every other page Django's, under WSGI.

Django's request cycle under ASGI halves the booking rate, and a stream in it keeps a thread
(docs/decisions/0019-one-server-for-pages-and-streams.md).
"""

import asyncio
import contextvars
import io
import os
import signal
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import IO, Any
from wsgiref.util import FileWrapper

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evento.settings")

from a2wsgi.wsgi import WSGIResponder
from django.conf import settings

# First, because it sets Django up, and says in sentences why it cannot.
from evento.starting import django_pages

# isort: split
from evento import probes
from evento.metrics.counting import instruments, open_stream, watching
from evento.request_ids import answering
from evento.visitor_answers import VisitorAnswers
from notifications.live.application import LiveStream, Receive, Scope, Send

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT)
END_AGAIN_SECONDS = 0.1
# Each block of a file costs a hand-over between threads: Django's 4 KB make large files ten times slower.
FILE_BLOCK_BYTES = 65_536
SMALL_BODY_BYTES = 65_536  # that many are kept for whoever sends slowly, and no thread
WHOLE_BODY = "evento.body"  # of the scope

_of_thread = threading.local()


def _as_under_a_wsgi_server(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Django's pages, with what a WSGI server gives and the bridge does not.

    The bridge runs each request in a context of its own, in which Django's caches would connect anew.
    """
    environ["wsgi.file_wrapper"] = _in_large_blocks
    body = environ["asgi.scope"].get(WHOLE_BODY)
    if body is not None:
        environ["wsgi.input"] = io.BytesIO(body)

    def starting(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
        visitor_answers.keep(environ, status, headers)
        return start_response(status, headers, *error)

    if not hasattr(_of_thread, "context"):
        _of_thread.context = contextvars.Context()
    return _of_thread.context.run(django_pages, environ, starting)


def _in_large_blocks(file: IO[bytes], _block_size: int) -> FileWrapper:
    return FileWrapper(file, FILE_BLOCK_BYTES)


class _Responder(WSGIResponder):
    """The bridge for one request. An answer is taken from its thread at once: no reader can hold a thread.

    Its parts go to the loop together, and the thread does not wait for it: the bridge's own way changes
    threads three times an answer, and writes it to the network in pieces.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._parts: list[Any] = []
        self._held_bytes = 0

    def send(self, message: Any) -> None:
        self._parts.append(message)
        self._held_bytes += len(message.get("body", b""))
        is_last = message["type"] == "http.response.body" and not message.get("more_body")
        if is_last or self._held_bytes >= FILE_BLOCK_BYTES:
            self.loop.call_soon_threadsafe(self._take, self._parts)
            self._parts, self._held_bytes = [], 0

    def _take(self, parts: list[Any]) -> None:
        for part in parts:
            self.send_queue.put_nowait(part)


async def _small_body(scope: Scope, receive: Receive) -> bytes | None:
    """What is sent with a request, if it says that this is little. None: it is read as Django asks for it."""
    said = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    if not said.isdigit() or int(said) > SMALL_BODY_BYTES:
        return None
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


class _Pages:
    """Django's pages in threads of their own.

    A form gets one when all of it has come: whoever sends one slowly holds none.
    """

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="WSGI")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await _small_body(scope, receive)
        except ConnectionResetError:
            return  # nobody is there to be answered
        if body is not None:
            scope = {**scope, WHOLE_BODY: body}
        pages: Any = _as_under_a_wsgi_server  # the bridge has types of its own
        responder = _Responder(pages, self._threads, send_queue_size=0)
        await responder(scope, receive, send)


pages = _Pages(settings.WEB_THREADS)
visitor_answers = VisitorAnswers()
# No probe waits for pages in a rush, nor /healthz for a database: it would end a process that works.
asked_by_machines = {address: _Pages(1) for address in probes.ADDRESSES}
live = LiveStream()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Route by address; start and end the stream's listener with the server."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    if scope["type"] != "http":
        await pages(scope, receive, send)
        return
    scope["headers"] = _without_underscores(scope["headers"])
    if scope["path"] == "/live/":
        with open_stream():
            await live(scope, receive, watching(answering(send, scope["headers"])))
        return
    if answer := visitor_answers.find(scope):
        await answer.give(watching(answering(send, scope["headers"])))
        return
    application_of_path = asked_by_machines.get(scope["path"], pages)
    await application_of_path(scope, _whole(receive), watching(send))


def _without_underscores(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """To Django `X_Forwarded_For` is `X-Forwarded-For`: a stranger would speak in the proxy's name."""
    return [header for header in headers if b"_" not in header[0]]


def _whole(receive: Receive) -> Receive:
    """Without this, what has come of a form when its sender goes would count as all of it."""

    async def receive_or_raise() -> Any:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("The sender has gone.")
        return message

    return receive_or_raise


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            live.listen()
            instruments()  # this process is there, though nobody has asked it yet
            _end_streams_on_signals()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await live.close()
            await send({"type": "lifespan.shutdown.complete"})
            return


def _end_streams_on_signals() -> None:
    """End streams when the server is told to end: it waits for them before it ends the lifespan."""
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    for number in ENDING_SIGNALS:
        servers_own = signal.getsignal(number)
        if not callable(servers_own):
            continue

        def end(number: int, frame: FrameType | None, servers_own: Any = servers_own) -> None:
            loop.call_soon_threadsafe(_end_streams, loop)
            servers_own(number, frame)

        signal.signal(number, end)


def _end_streams(loop: asyncio.AbstractEventLoop) -> None:
    """Again and again: a stream may just be beginning."""
    live.hub.close()
    loop.call_later(END_AGAIN_SECONDS, _end_streams, loop)
