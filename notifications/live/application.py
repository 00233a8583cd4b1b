"""`/live/` as a raw ASGI application: no thread and few bytes for each open stream (SPEC 6)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http.cookies import CookieError
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings
from django.db import Error as DatabaseFailure
from django.http.cookie import parse_cookie
from django.http.request import split_domain_port, validate_host

from notifications.live.hub import Follower, Hub, Key
from notifications.live.listener import Listener
from notifications.live.people import signed_in_by
from notifications.live.topics import PrivateTopic, find

# As loose as servers and libraries need them: each has types of its own for the same interface.
Scope = Any
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

MAX_TOPICS = 20
MAX_FIELDS = MAX_TOPICS + 5
# A reader who has not taken all that waits by then has gone or is too slow: it may come back.
SEND_SECONDS = 60
BEGIN_SECONDS = 20
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),  # nginx: pass each frame on at once
    (b"x-content-type-options", b"nosniff"),
]


class NoStream(Exception):
    """Why there is no stream: a status, and a sentence for whoever reads it."""

    def __init__(self, status: int, sentence: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = headers


@dataclass(frozen=True)
class Question:
    """What a request asks for, before it is known who asks."""

    words: list[str]
    last: int | None
    age: int | None
    session_key: str


class LiveStream:
    """The application, with the hub and the one listener of this process."""

    def __init__(self) -> None:
        self.hub = Hub()
        self._open = 0
        self._listener: Listener | None = None
        self._listening: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with self._counted():
                await self._answer(_question(scope), receive, send)
        except NoStream as refused:
            await _refuse(send, refused)

    def listen(self) -> Listener:
        """The listener, started with the first who needs it or by the server's start."""
        if self._listener is None:
            self._listener = Listener(self.hub)
            self._listening = asyncio.create_task(self._listener.run())
        return self._listener

    async def close(self) -> None:
        """End all streams and the listener."""
        self.hub.close()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])
        self._listener = self._listening = None

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Count a request from its very beginning: those that wait for the database are many in a rush."""
        if self._open >= settings.LIVE_MAX_STREAMS:
            raise _not_now("Too many streams are open.")
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    async def _answer(self, question: Question, receive: Receive, send: Send) -> None:
        async with _in_time():
            follower = await self._follower(question)
        # Each change is held against all of them: a few streams must not follow ever so many.
        if len(self.hub.followed_public()) >= settings.LIVE_MAX_STREAMS:
            raise _not_now("Too many different things are followed.")
        self.hub.add(follower)
        gone = asyncio.create_task(_until_gone(receive, follower))
        try:
            async with _in_time():
                await self.listen().begin(follower, last=question.last, age=question.age)
            await _stream(follower, send)
        finally:
            self.hub.remove(follower)
            gone.cancel()

    async def _follower(self, question: Question) -> Follower:
        if not question.session_key:
            return Follower(_keys(question.words, None), None)
        return await self.listen().asking.run(_signed_in_follower, question)


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    """Wait for the database, but not for ever. Raises NoStream."""
    try:
        async with asyncio.timeout(BEGIN_SECONDS):
            yield
    except (DatabaseFailure, TimeoutError):
        raise _not_now("The database does not answer.") from None


def _not_now(sentence: str) -> NoStream:
    return NoStream(503, sentence, (b"retry-after", b"60"))


def _signed_in_follower(question: Question) -> Follower:
    found = signed_in_by(question.session_key)
    sign_in, user = (None, None) if found is None else found
    return Follower(_keys(question.words, user), sign_in)


def _keys(words: list[str], user: Any) -> dict[str, Key]:
    """What each of the words means for `user`. Raises NoStream."""
    return {each: _key(each, user) for each in words}


def _key(words: str, user: Any) -> Key:
    name, _colon, argument = words.partition(":")
    topic = find(name)
    if topic is None:
        raise NoStream(400, "There is no such topic.")
    if isinstance(topic, PrivateTopic):
        if user is None:
            raise NoStream(401, "Sign in to follow this.")
        permitted = topic.permit(user, argument)
        if permitted is None:
            raise NoStream(403, "You may not follow this.")
        return Key(topic, permitted)
    try:
        return Key(topic, topic.parse(argument))
    except ValueError:
        raise NoStream(400, "There is no such topic.") from None


def _question(scope: Scope) -> Question:
    """What is asked for. Raises NoStream."""
    if scope["method"] != "GET":
        raise NoStream(405, "Only GET.", (b"allow", b"GET"))
    headers = dict(scope["headers"])
    _refuse_foreign_host(headers.get(b"host", b"").decode("latin-1"))
    try:
        query = parse_qs(scope["query_string"].decode("ascii"), max_num_fields=MAX_FIELDS)
        # The header is what a browser adds by itself when it comes back to the same address: newer.
        seen = headers.get(b"last-event-id", b"").decode("ascii")
        last = seen or query.get("last", [""])[0]
        age = query.get("age", [""])[0]
        words = list(dict.fromkeys(query.get("topic", [])))
        if not 0 < len(words) <= MAX_TOPICS:
            raise NoStream(400, f"Name 1 to {MAX_TOPICS} topics.")
        return Question(words, _whole(last), _whole(age), _session_key(headers))
    except ValueError:
        raise NoStream(400, "That is not a question for the stream.") from None


def _whole(text: str) -> int | None:
    """A whole number that is not negative, or None for no text. Raises ValueError."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise ValueError(text)
    return int(text)


def _refuse_foreign_host(host: str) -> None:
    allowed = settings.ALLOWED_HOSTS
    if settings.DEBUG and not allowed:
        allowed = [".localhost", "127.0.0.1", "[::1]"]
    domain, _port = split_domain_port(host)
    if not (domain and validate_host(domain, allowed)):
        raise NoStream(400, "This site has another name.")


def _session_key(headers: dict[bytes, bytes]) -> str:
    try:
        cookies = parse_cookie(headers.get(b"cookie", b"").decode("latin-1"))
    except CookieError:
        return ""
    key = cookies.get(settings.SESSION_COOKIE_NAME, "")
    return key if key.isascii() and key.isalnum() else ""


async def _stream(follower: Follower, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    loop = asyncio.get_running_loop()
    goes_on, deadline = True, None
    while goes_on:
        chunk, goes_on = await follower.take()
        deadline = deadline or loop.time() + SEND_SECONDS
        try:
            async with asyncio.timeout_at(deadline):
                await send({"type": "http.response.body", "body": chunk, "more_body": goes_on})
        except TimeoutError:
            return
        if not follower.is_behind:
            deadline = None


async def _until_gone(receive: Receive, follower: Follower) -> None:
    """End the stream when its reader has gone; the server says so nowhere else."""
    while (await receive())["type"] != "http.disconnect":
        pass
    follower.end()


async def _refuse(send: Send, refused: NoStream) -> None:
    body = f"{refused}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    headers += [(b"content-length", str(len(body)).encode()), *refused.headers]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
