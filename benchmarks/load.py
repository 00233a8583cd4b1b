"""An HTTP/1.1 load generator, light enough to share two cores with what it measures."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import quantiles
from urllib.parse import urlencode

BLANK = b"\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
ANSWER_SECONDS = 30


@dataclass
class Load:
    """What one run saw."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0  # the generator's own
    answers: Counter[str] = field(default_factory=Counter)  # "302 /tickets/": see `label_of`
    latencies: list[float] = field(default_factory=list)  # seconds

    def __add__(self, other: "Load") -> "Load":
        """Both, one after the other."""
        return Load(
            self.seconds + other.seconds,
            self.cpu_seconds + other.cpu_seconds,
            self.answers + other.answers,
            self.latencies + other.latencies,
        )

    @property
    def rate(self) -> float:
        """Answers a second, of whatever kind."""
        return self.answers.total() / self.seconds

    @property
    def cpu_share(self) -> float:
        """The generator's share of one core."""
        return self.cpu_seconds / self.seconds

    def percentile(self, share: int) -> float:
        """Seconds within which `share` percent of the answers came."""
        return quantiles(self.latencies, n=100, method="inclusive")[share - 1]


def form_post(
    host: str, path: str, cookie: str, fields: dict[str, str], *, address: str = ""
) -> bytes:
    """The bytes of a browser's POST of a form, with its address if they come through a proxy."""
    body = urlencode(fields)
    forwarded = f"X-Forwarded-For: {address}\r\n" if address else ""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n{forwarded}"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode()


def get(host: str, path: str, cookie: str = "") -> bytes:
    """The bytes of a browser's GET."""
    sent = f"Cookie: {cookie}\r\n" if cookie else ""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{sent}\r\n".encode()


async def drive(
    port: int, requests: Sequence[bytes], *, connections: int, requests_each: int
) -> Load:
    """Send every request once, over `connections` that are kept alive, each one answer at a time.

    A connection is replaced after `requests_each`: a server's processes share them out at random, and
    one uneven draw must not decide a run.
    """
    load = Load()
    waiting = iter(requests)
    started, cpu = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as tasks:
        for _each in range(connections):
            tasks.create_task(_browse(port, waiting, requests_each, load))
    load.seconds = time.perf_counter() - started
    load.cpu_seconds = time.process_time() - cpu
    return load


def label_of(head: bytes) -> str:
    """A short name for an answer: its status and, of a redirect, the first step of where to."""
    status = head[9:12].decode("ascii", "replace")
    location = _header(head, b"location").decode("latin1")
    if not location:
        return status
    first = location.split("?")[0].strip("/").split("/")[0]
    return f"{status} /{first}/"


class _Connection(asyncio.Protocol):
    """One connection with at most one request under way."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.transport: asyncio.Transport | None = None
        self.answered: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(BLANK)
        if end < 0 or not self.answered or self.answered.done():
            return
        head = bytes(self.buffer[: end + 2])
        if _is_whole(head, self.buffer, end + len(BLANK)):
            self.buffer.clear()
            self.answered.set_result(head)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.answered and not self.answered.done():
            self.answered.set_exception(exc or ConnectionResetError("closed before the answer"))

    async def ask(self, request: bytes) -> bytes:
        """The head of the answer, once all of it is there."""
        self.answered = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self.answered


async def _browse(port: int, waiting: Iterator[bytes], requests_each: int, load: Load) -> None:
    connection, left = None, 0
    for request in waiting:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                if left == 0:
                    connection, left = await _replaced(port, connection), requests_each
                head = await connection.ask(request)
        except OSError as error:  # a timeout is one as well
            load.answers[type(error).__name__] += 1
            left = 0
            continue
        load.latencies.append(time.perf_counter() - started)
        load.answers[label_of(head)] += 1
        left = 0 if _header(head, b"connection").lower() == b"close" else left - 1
    _close(connection)


async def _replaced(port: int, old: _Connection | None) -> _Connection:
    _close(old)
    loop = asyncio.get_running_loop()
    _transport, protocol = await loop.create_connection(_Connection, "127.0.0.1", port)
    return protocol


def _close(connection: _Connection | None) -> None:
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.transport.close()


def _header(head: bytes, name: bytes) -> bytes:
    lower = head.lower()
    start = lower.find(b"\r\n" + name + b":")
    if start < 0:
        return b""
    start += len(name) + 3
    return head[start : head.index(b"\r\n", start)].strip()


def _is_whole(head: bytes, received: bytearray, body_at: int) -> bool:
    """Whether the body has arrived as well; an answer without a length is taken as empty."""
    if _header(head, b"transfer-encoding").lower() == b"chunked":
        return received.endswith(LAST_CHUNK)
    return len(received) - body_at >= int(_header(head, b"content-length") or 0)
