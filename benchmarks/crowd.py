"""Thousands of readers of the live stream, in one process beside the benchmark's own.

Raw sockets without a task for each, so that the readers leave the machine to what is measured.
"""

import asyncio
import multiprocessing
import random
import resource
import time
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

import uvloop

from benchmarks import load

HOST = "127.0.0.1"
FRAME_END = b"\n\n"
ID = b"id: "
ID_BYTES = 30  # at most, before the kind
KIND = b"\nevent: "
PUBLIC = b"\nevent: public\n"
PRIVATE = b"\nevent: private\n"
OPEN_SECONDS = 60
OPENING_AT_ONCE = 100
# How long a browser waits before it comes back (static/js/live/stream.js).
SOONEST_SECONDS = 5.0
LATEST_SECONDS = 300.0
SHORTEST_SHARE = 0.2


@dataclass(frozen=True)
class Place:
    """What one reader follows, and as whom."""

    path: str
    cookie: str = ""


@dataclass(frozen=True)
class Opening:
    """How it went to open streams."""

    seconds: float
    cpu_seconds: float  # the readers' own
    answers: Counter[str]  # by status; an open stream has had its first frame

    @property
    def rate(self) -> float:
        return self.answers.total() / self.seconds


@dataclass
class Heard:
    """The public frames that one reader got: their ids, and when (`time.monotonic`)."""

    ids: array = field(default_factory=lambda: array("q"))
    times: array = field(default_factory=lambda: array("d"))


class Reader(asyncio.Protocol):
    """One browser with a stream; it comes back when the stream breaks off, if its room says so."""

    def __init__(self, room: "Room", place: Place) -> None:
        self.room = room
        self.place = place
        self.heard = Heard()
        self.last_id = b""
        self.private_frames = 0
        self.failures = 0
        self.opened_at = 0.0
        self.transport: asyncio.Transport | None = None
        self.answered: asyncio.Future[str] | None = None
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self._rest = b""
        last = f"&last={self.last_id.decode()}" if self.last_id else ""
        request = load.get(f"{HOST}:{self.room.port}", self.place.path + last, self.place.cookie)
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        if self.answered is not None and not self.answered.done():
            self._take_head(data, now)
        data = self._rest + data
        end = data.rfind(FRAME_END) + len(FRAME_END)
        if end < len(FRAME_END):
            self._rest = data
            return
        self._rest = data[end:]
        at = data.find(KIND, 0, end)
        while at >= 0:
            self._take_frame(data, at, now)
            at = data.find(KIND, at + len(KIND), end)

    def _take_frame(self, data: bytes, at: int, now: float) -> None:
        """The frame whose kind stands at `at`; no regular expression, which would cost more than the rest."""
        if data.startswith(PRIVATE, at):
            self.private_frames += 1
            return
        begin = data.rfind(ID, max(0, at - ID_BYTES), at)
        if begin >= 0:
            self.last_id = data[begin + len(ID) : at]
            if data.startswith(PUBLIC, at):
                self.heard.ids.append(int(self.last_id))
                self.heard.times.append(now)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self.opened_at = 0.0
        if self.answered is not None and not self.answered.done():
            self.answered.set_result("lost")
        self.room.lost(self)

    def _take_head(self, data: bytes, now: float) -> None:
        """A stream is open with its first frame; a refusal says its status."""
        if data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 200"):
            self.answered.set_result(data[9:12].decode())
        elif b"retry: " in data:
            self.opened_at, self.failures = now, 0
            self.answered.set_result("200")


class Room:
    """All readers, on the event loop of their own process. Its methods are called through `Crowd`."""

    def __init__(self) -> None:
        self.port = 0
        self.readers: list[Reader] = []
        self.returns = False
        self._arriving: set[asyncio.Task[str]] = set()

    async def open(self, port: int, places: Sequence[Place]) -> Opening:
        """Open one stream for each of `places`, some at once."""
        self.port = port
        self.readers = [Reader(self, place) for place in places]
        waiting, answers = iter(self.readers), Counter()

        async def arrive() -> None:
            for reader in waiting:
                answers[await self.connect(reader)] += 1

        started, cpu = time.monotonic(), time.process_time()
        async with asyncio.TaskGroup() as tasks:
            for _each in range(OPENING_AT_ONCE):
                tasks.create_task(arrive())
        return Opening(time.monotonic() - started, time.process_time() - cpu, answers)

    async def connect(self, reader: Reader) -> str:
        """Open the reader's stream. Its status, or what went wrong."""
        loop = asyncio.get_running_loop()
        reader.answered = loop.create_future()
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                await loop.create_connection(lambda: reader, HOST, self.port)
                answer = await reader.answered
        except OSError as error:  # a timeout is one as well
            answer = type(error).__name__
        reader.answered = None
        if answer != "200" and reader.transport is not None:
            reader.transport.abort()
        elif answer not in {"200", "lost"}:
            self.lost(reader)
        return answer

    def lost(self, reader: Reader) -> None:
        """Let it come back after a browser's pause."""
        if not self.returns:
            return
        longest = min(SOONEST_SECONDS * 2**reader.failures, LATEST_SECONDS)
        reader.failures += 1
        pause = longest * random.uniform(SHORTEST_SHARE, 1)
        asyncio.get_running_loop().call_later(pause, self._come_back, reader)

    def _come_back(self, reader: Reader) -> None:
        task = asyncio.get_running_loop().create_task(self.connect(reader))
        self._arriving.add(task)
        task.add_done_callback(self._arriving.discard)

    async def let_return(self) -> None:
        """From now on readers come back when their stream breaks off."""
        self.returns = True

    async def all_open(self, since: float, seconds: float) -> list[float]:
        """When each stream opened that did after `since`; returns when all did, or time is over."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            times = [each.opened_at for each in self.readers if each.opened_at > since]
            if len(times) == len(self.readers):
                break
            await asyncio.sleep(0.05)
        return sorted(times)

    async def all_told(self, seconds: float) -> int:
        """How many have had a private frame; returns when all have, or time is over."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            told = sum(each.private_frames > 0 for each in self.readers)
            if told == len(self.readers):
                break
            await asyncio.sleep(0.05)
        return told

    async def forget(self) -> None:
        """Forget what was heard until now."""
        for each in self.readers:
            each.heard = Heard()

    async def heard(self) -> list[Heard]:
        """What each reader heard, in the order of their places."""
        return [each.heard for each in self.readers]

    async def cpu_seconds(self) -> float:
        return time.process_time()

    async def count(self) -> int:
        """How many streams are open now."""
        return sum(each.opened_at > 0 for each in self.readers)

    async def close(self) -> None:
        """All browsers close their page."""
        self.returns = False
        for each in self.readers:
            if each.transport is not None:
                each.transport.abort()
        self.readers = []


class Crowd:
    """The readers' process: `crowd.ask("open", port, places)` calls that method of its Room."""

    def __enter__(self) -> Self:
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        self._process = context.Process(target=_live, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._line.send(None)
        self._process.join()

    def ask(self, method: str, *arguments: Any) -> Any:
        """What the method returns. Raises RuntimeError, with its cause, when it failed."""
        self._line.send((method, arguments))
        answer = self._line.recv()
        if not isinstance(answer, BaseException):
            return answer
        raise RuntimeError(f"The readers could not {method}.") from answer


def raise_file_limit() -> None:
    """Each stream is an open file on both ends."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _live(line: Connection) -> None:
    raise_file_limit()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_obey(line))


async def _obey(line: Connection) -> None:
    room, loop = Room(), asyncio.get_running_loop()
    while (order := await loop.run_in_executor(None, line.recv)) is not None:
        method, arguments = order
        try:
            answer = await getattr(room, method)(*arguments)
        except Exception as error:  # noqa: BLE001 - who asked is told
            answer = error
        line.send(answer)
