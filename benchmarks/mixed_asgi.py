"""Throw-away: one ASGI application for streams and pages, to be measured, not to be served.

`/live/` goes to a raw application, the rest to Django's WSGI application through a bridge.
"""

import asyncio
import io
import os
import sys
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from a2wsgi import WSGIMiddleware
from a2wsgi.wsgi import build_environ

from evento.wsgi import application as pages

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Wsgi = Callable[[dict[str, Any], Callable[..., object]], Iterable[bytes]]

THREADS = int(os.environ.get("BENCH_THREADS", "4"))
SWITCH_INTERVAL = float(os.environ.get("BENCH_SWITCH_INTERVAL", "0"))
HEARTBEAT_SECONDS = 15


class WholeAnswerBridge:
    """The least a bridge can do: one hand-over to a thread and one back.

    The body is read before the thread starts and the answer sent after it ended, both kept in memory:
    a limit to compare with, not a way to serve uploads or long downloads.
    """

    def __init__(self, app: Wsgi, workers: int) -> None:
        self.app = app
        self.executor = ThreadPoolExecutor(workers, thread_name_prefix="pages")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        body = bytearray()
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        environ = build_environ(scope, io.BytesIO(body))
        loop = asyncio.get_running_loop()
        start, content = await loop.run_in_executor(self.executor, self.answer, environ)
        await send(start)
        await send({"type": "http.response.body", "body": content})

    def answer(self, environ: dict[str, Any]) -> tuple[Message, bytes]:
        """What the application answers, whole; runs in a thread."""
        start: Message = {}

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: object = None
        ) -> None:
            pairs = [(name.lower().encode("latin1"), it.encode("latin1")) for name, it in headers]
            start.update(type="http.response.start", status=int(status[:3]), headers=pairs)

        chunks = self.app(environ, start_response)
        try:
            return start, b"".join(chunks)
        finally:
            chunks.close()


def bridge() -> WSGIMiddleware | WholeAnswerBridge:
    if SWITCH_INTERVAL:
        sys.setswitchinterval(SWITCH_INTERVAL)
    if os.environ.get("BENCH_BRIDGE") == "whole":
        return WholeAnswerBridge(pages, THREADS)
    return WSGIMiddleware(pages, workers=THREADS)


bridged = bridge()


async def application(scope: Message, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
    elif scope["type"] == "http" and scope["path"] == "/live/":
        await stream(send)
    else:

        async def received() -> (
            Message
        ):  # granian's `receive` gives no coroutine, which a2wsgi needs
            return await receive()

        await bridged(scope, received, send)


async def lifespan(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def stream(send: Send) -> None:
    headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    while True:
        await send({"type": "http.response.body", "body": b":\n\n", "more_body": True})
        await asyncio.sleep(HEARTBEAT_SECONDS)
