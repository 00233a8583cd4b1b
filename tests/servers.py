"""Real server processes for tests, and many people asking them at once."""

import asyncio
import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from email.message import Message
from http.client import HTTPConnection, HTTPException, parse_headers
from http.cookies import SimpleCookie
from importlib import import_module
from io import BytesIO
from pathlib import Path
from urllib.parse import urlencode

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from evento.server import OPTIONS
from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parent.parent
CSRF_SECRET = "c" * 32


@dataclass(frozen=True)
class Server:
    """A running web server: where it answers, and the file it logs to."""

    port: int
    log: Path
    process: subprocess.Popen

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def kill(self, number=signal.SIGKILL):
        """Send a signal to all its processes, and wait until they have ended."""
        os.killpg(self.process.pid, number)
        self.process.wait(PATIENCE)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message  # by their names in any case
    cookies: dict
    body: str


@contextlib.contextmanager
def running(folder, *, database_url, application="", workers=1, threads=1, code=ROOT, **env):
    """The web server as it is started everywhere, with `threads` for pages in each of its processes.

    `application`: the module of another one, under uvicorn alone; `code`: the folder it runs from. The
    listening socket is ours and handed down, so no other process can take the port in between.
    """
    log = Path(folder) / "server.log"
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener, log.open("wb") as output:
        port = listener.getsockname()[1]
        command = ["evento.server"]
        if application:
            command = ["uvicorn", f"{application}:application", *OPTIONS]
        options = ["--fd", str(listener.fileno()), "--workers", str(workers)]
        process = subprocess.Popen(
            [sys.executable, "-m", *command, *options],
            cwd=code,
            env=_environment(database_url, port) | {"WEB_THREADS": str(threads)} | env,
            pass_fds=[listener.fileno()],
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            server = Server(port, log, process)
            _wait_until_it_answers(server)
            yield server
        finally:
            _stop(process)


def _environment(database_url, port):
    """The test run's own secret key, so that sessions and messages written here are understood there."""
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "evento.settings",
        "DATABASE_URL": database_url,
        "SECRET_KEY": settings.SECRET_KEY,
        "SITE_URL": f"http://127.0.0.1:{port}",
        "NOTIFICATIONS_SEND": "worker",
        "DEBUG": "false",
        "PYTHONUNBUFFERED": "1",
    }


def _wait_until_it_answers(server):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.process.poll() is None:
        asking = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        with contextlib.closing(asking), contextlib.suppress(OSError, HTTPException):
            asking.request("GET", "/robots.txt")
            asking.getresponse()
            return
    raise AssertionError(f"The server did not start:\n{server.log.read_text()}")


def _stop(process):
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def database_for_servers(folder):
    """The URL of the test's own database as it is now, for a server process.

    SQLite's test database lives in this process's memory, so the server gets a copy in a file. The
    test must have committed (`transaction=True`).
    """
    if connection.vendor == "sqlite":
        path = Path(folder) / "served.sqlite3"
        connection.ensure_connection()
        with contextlib.closing(sqlite3.connect(path)) as copy:
            connection.connection.backup(copy)
        return f"sqlite:///{path}"
    database = connection.settings_dict
    user = f"{database['USER']}:{database['PASSWORD']}".rstrip(":")
    return f"postgres://{user}@{database['HOST']}:{database['PORT'] or 5432}/{database['NAME']}"


@contextlib.contextmanager
def reading(database_url):
    """A function that runs a query on the database a server worked on, whichever engine it is."""
    if not database_url.startswith("sqlite"):
        with connection.cursor() as cursor:

            def query(sql):
                cursor.execute(sql)
                return cursor.fetchall()

            yield query
        return
    with contextlib.closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as file:
        yield lambda sql: file.execute(sql).fetchall()


def sign_in(people):
    """A session for each of `people`, straight into the database: the cookies of each browser."""
    store = import_module(settings.SESSION_ENGINE).SessionStore
    expires = timezone.now() + timedelta(days=1)
    rows = []
    for person in people:
        session = store()
        content = {
            SESSION_KEY: str(person.pk),
            BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
            HASH_SESSION_KEY: person.get_session_auth_hash(),
        }
        key = session._get_new_session_key()
        rows.append(
            Session(session_key=key, session_data=session.encode(content), expire_date=expires)
        )
    Session.objects.bulk_create(rows)
    UserSession.objects.bulk_create(
        UserSession(user=person, session_key=row.session_key, ip="127.0.0.1", user_agent="")
        for person, row in zip(people, rows, strict=True)
    )
    return [f"sessionid={row.session_key}; csrftoken={CSRF_SECRET}" for row in rows]


def post_at_once(server, path, cookies, **headers):
    """One POST by each browser, all of them under way together; the answers in the same order."""

    async def everybody():
        return await asyncio.gather(*(_ask(server, "POST", path, it, headers) for it in cookies))

    return _run(everybody)


def get(server, path, cookie):
    async def one():
        return await _ask(server, "GET", path, cookie, {})

    return _run(one)


def _run(conversation):
    """Run it in a thread of its own: a browser's test may have left its event loop running in ours."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(conversation())).result()


async def _ask(server, method, path, cookie, headers):
    body = urlencode({"csrfmiddlewaretoken": CSRF_SECRET}) if method == "POST" else ""
    lines = {
        "Host": f"127.0.0.1:{server.port}",
        "Connection": "close",
        "Cookie": cookie,
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": str(len(body)),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n{body}".encode())
    raw = await reader.read()
    writer.close()
    await writer.wait_closed()
    return _read(raw)


def _read(raw):
    head, _blank, body = raw.partition(b"\r\n\r\n")
    status, _end, lines = head.partition(b"\r\n")
    headers = parse_headers(BytesIO(lines + b"\r\n\r\n"))
    jar = SimpleCookie()
    for value in headers.get_all("Set-Cookie", []):
        jar.load(value)
    cookies = {name: morsel.value for name, morsel in jar.items()}
    return Answer(int(status.split()[1]), headers, cookies, body.decode())
