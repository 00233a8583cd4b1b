"""Footprint: memory of all processes, time from start to the first page, sizes, and what a page takes.

Memory is PSS: each shared page divided among its users. The stream is part of the web processes.
"""

import argparse
import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from http.client import HTTPConnection
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import psycopg

from benchmarks import load, mailing, processes, rush, signing_in, world
from benchmarks.candidates import free_port, stop
from benchmarks.evento_server import EventoServer, serving
from benchmarks.tables import middle
from benchmarks.turns import compared

ALL = "server that sends mail"
WEB, WORKER, TOGETHER = "server", "worker beside it", "together"
SIGN_INS = 8  # at once
STREAMS = 100  # open pages meanwhile
CONNECTIONS = 8
MEGABYTE = 2**20
LINKED = re.compile(r'<(?:link[^>]+rel="stylesheet"[^>]+href|script[^>]+src)="([^"]+)"')
STARTING = "import django; django.setup()"


def measure(asked: argparse.Namespace) -> Iterator[tuple[str, list[list[str]]]]:
    """Four tables: memory, start, sizes, pages."""
    people = max(2 * SIGN_INS, asked.people // 10)
    with ExitStack() as stack:
        name = f"{asked.database}_footprint"
        place = stack.enter_context(
            world.built(name, people=people, events=min(asked.events, 60), server=asked.server)
        )
        stack.enter_context(_static_files(place))
        _let_sign_in(place)
        yield "Memory, PSS in MB", _memory(place, asked)
        yield "From start to the first page", _start(place, asked)
        yield "Sizes", _sizes()
        with serving(place, workers=1) as server:
            yield "Pages", _pages(place, server)


@contextmanager
def _static_files(place: world.World) -> Iterator[None]:
    """Collected into a folder of its own, which every process started meanwhile uses."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BENCHMARK_STATIC_ROOT"] = folder
        try:
            world.python(place.url, "manage.py", "collectstatic", "--noinput", "-v", "0")
            yield
        finally:
            del os.environ["BENCHMARK_STATIC_ROOT"]


def _let_sign_in(place: world.World) -> None:
    signing_in.give_password(place, _signing_in(place))
    with psycopg.connect(place.url) as connection:
        connection.execute("UPDATE accounts_user SET is_staff = true WHERE username = 'guest0'")


def _signing_in(place: world.World) -> range:
    """The numbers of those who sign in."""
    return range(len(place.cookies) - SIGN_INS, len(place.cookies))


def _memory(place: world.World, asked: argparse.Namespace) -> list[list[str]]:
    """Idle, after load, and the most while eight people sign in; each round with new processes.

    Once with the mail worker as one of the server's processes, and once with one of its own beside them.
    """
    found: dict[str, list[list[float]]] = {name: [] for name in (ALL, WEB, WORKER, TOGETHER)}
    wrong: list[str] = []
    with mailing.mail_server() as (_inbox, port):
        for _round in range(asked.rounds):
            mail = {"NOTIFICATIONS_SEND": "server", "EMAIL_URL": f"smtp://127.0.0.1:{port}"}
            with ExitStack() as stack:
                with mailing.begun(place, 1):
                    server = stack.enter_context(serving(place, workers=asked.workers, **mail))
                _look_at({ALL: partial(_memory_of, server)}, place, server, found, wrong)
            with (
                serving(place, workers=asked.workers) as server,
                mailing.workers(place, port, 1) as (worker,),
            ):
                parts = {
                    WEB: partial(_memory_of, server),
                    WORKER: lambda worker=worker: processes.memory_of(worker).pss_megabytes,
                }
                _look_at(parts, place, server, found, wrong)
    head = ["processes", "idle", f"most during {SIGN_INS} sign-ins", "after load", "wrong"]
    return [
        head,
        *(
            [name, *(middle(list(column)) for column in zip(*rows, strict=True)), _none(wrong)]
            for name, rows in found.items()
        ),
    ]


def _look_at(
    parts: dict[str, Callable[[], float]],
    place: world.World,
    server: EventoServer,
    found: dict[str, list[list[float]]],
    wrong: list[str],
) -> None:
    """Note what each part takes, and all together if they are several; and what went wrong."""

    def look() -> dict[str, float]:
        values = {name: of_part() for name, of_part in parts.items()}
        return values | ({TOGETHER: sum(values.values())} if len(values) > 1 else {})

    idle = look()
    with _streams(server):
        wrong += _loaded(place, server)
        most, refused = _most_during(look, lambda: _sign_in(place, server))
        wrong += refused
        for name, value in look().items():
            found[name].append([idle[name], most[name], value])


def _none(wrong: list[str]) -> str:
    return ", ".join(wrong) or "none"


def _memory_of(server: EventoServer) -> float:
    return processes.usage_of_session(server.session).pss_megabytes


@contextmanager
def _streams(server: EventoServer) -> Iterator[None]:
    """Open pages that follow the list."""
    with ExitStack() as stack:
        for _each in range(STREAMS):
            stream = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            stream.sendall(load.get(f"127.0.0.1:{server.port}", "/live/?topic=list::"))
            if not stream.recv(12).endswith(b"200"):
                raise RuntimeError("The stream did not open.")
        yield


def _loaded(place: world.World, server: EventoServer) -> list[str]:
    """Everybody else reads and books; what was not answered as it should be."""
    host, cookies = f"127.0.0.1:{server.port}", place.cookies[:-SIGN_INS]
    place.reset()
    paths = ("/", place.month, f"/events/{place.slugs[0]}/", "/tickets/", "/notifications/")
    reading = [load.get(host, path, cookie) for cookie in cookies for path in paths]
    reading += [load.get(host, "/admin/events/event/", place.cookies[0])] * len(paths)
    readers = replace(place, cookies=cookies)
    booking = rush.forms(readers, [rush.page_of(place.slugs[0])])(host)
    return _wrong(server, reading, "200") + _wrong(server, booking, "302 /tickets/")


def _sign_in(place: world.World, server: EventoServer) -> list[str]:
    with psycopg.connect(place.url) as connection:
        connection.execute("DELETE FROM evento_cache")  # what limits are counted by
    host = f"127.0.0.1:{server.port}"
    forms = [signing_in.form(place, host, "/accounts/login/", n) for n in _signing_in(place)]
    return _wrong(server, forms, "302")


def _wrong(server: EventoServer, requests: list[bytes], wanted: str) -> list[str]:
    seen = asyncio.run(
        load.drive(server.port, requests, connections=CONNECTIONS, requests_each=len(requests))
    )
    return [f"{n} x {it}" for it, n in seen.answers.items() if not it.startswith(wanted)]


def _most_during(
    look: Callable[[], dict[str, float]], act: Callable[[], list[str]]
) -> tuple[dict[str, float], list[str]]:
    """The most that each part used at any look while `act` ran, and what that returned."""
    most = look()
    done = threading.Event()

    def look_on() -> None:
        while not done.is_set():
            for name, value in look().items():
                most[name] = max(most[name], value)

    looking = threading.Thread(target=look_on)
    looking.start()
    try:
        returned = act()
    finally:
        done.set()
        looking.join()
    return most, returned


def _start(place: world.World, asked: argparse.Namespace) -> list[list[str]]:
    """Seconds, beside a fresh process that only sets Django up."""
    ways: dict[str, Callable[[], float]] = {
        "django.setup()": lambda: _setup_seconds(place),
        "first page, 1 process": lambda: _first_page_seconds(place, 1),
        "first page, 2 processes": lambda: _first_page_seconds(place, 2),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    warm_up = 1 if asked.rounds > 1 else 0  # of the disk's cache
    for number in range(-warm_up, asked.rounds):
        for name in ways if number % 2 else reversed(ways):
            taken = ways[name]()
            if number >= 0:
                seconds[name].append(taken)
    base = seconds["django.setup()"]
    head = ["from", "seconds", "of django.setup()", "95 %", "wrong"]
    return [
        head,
        *(
            [name, middle(values, 2), *compared(values, base), "none"]
            for name, values in seconds.items()
        ),
    ]


def _setup_seconds(place: world.World) -> float:
    began = time.perf_counter()
    world.python(place.url, "-c", STARTING)
    return time.perf_counter() - began


def _first_page_seconds(place: world.World, workers: int) -> float:
    port = free_port()
    address = ("--host", "127.0.0.1", "--port", str(port), "--workers", str(workers))
    command = [sys.executable, "-m", "evento.server", *address]
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=world.ROOT,
        env=place.environment,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while not _answers(port):
            if process.poll() is not None or time.perf_counter() - began > mailing.READY_SECONDS:
                raise RuntimeError("The server did not start.")
            time.sleep(0.005)
        return time.perf_counter() - began
    finally:
        stop(process)


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=mailing.READY_SECONDS)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _sizes() -> list[list[str]]:
    """What is installed from requirements-run.txt, Evento's own files, and the image where there is one."""
    lines = (world.ROOT / "requirements-run.txt").read_text().splitlines()
    names = [found[0] for line in lines if (found := re.match(r"[A-Za-z0-9_.-]+", line))]
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=world.ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    files = [world.ROOT / name for name in tracked.stdout.split("\0") if name]
    own = sum(file.stat().st_size for file in files if file.is_file())
    rows = [
        ["what", "MB", "of what", "", "wrong"],
        ["libraries", _megabytes(sum(map(_installed, names))), f"{len(names)} of them", "", "none"],
        ["Evento", _megabytes(own), f"{len(files)} files with tests and documents", "", "none"],
    ]
    image = _image_bytes()
    if image:
        rows.append(["image", _megabytes(image), "localhost/evento, unpacked", "", "none"])
    return rows


def _megabytes(size: int) -> str:
    return f"{size / MEGABYTE:.0f}"


def _installed(name: str) -> int:
    """Bytes of a library's files as installed, compiled ones included; 0 for one of another platform."""
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return 0
    files = [Path(str(found.locate_file(file))) for file in found.files or ()]
    return sum(file.stat().st_size for file in files if file.is_file())


def _image_bytes() -> int:
    for program in ("docker", "podman"):
        if shutil.which(program):
            command = [program, "image", "inspect", "--format", "{{.Size}}", "localhost/evento"]
            done = subprocess.run(command, check=False, capture_output=True, text=True)
            if done.returncode == 0:
                return int(done.stdout)
    return 0


def _pages(place: world.World, server: EventoServer) -> list[list[str]]:
    """Statements and bytes of a first visit: the page, and all styles and scripts that it names."""
    visitor, attendee, staff = "", place.cookies[1], place.cookies[0]
    event = f"/events/{place.slugs[0]}/"
    pages = {
        "list, visitor": ("/", visitor),
        "event, visitor": (event, visitor),
        "sign-in": ("/accounts/login/", visitor),
        "list, signed in": ("/", attendee),
        "calendar, signed in": (place.month, attendee),
        "event, signed in": (event, attendee),
        "my tickets": ("/tickets/", attendee),
        "notices": ("/notifications/", attendee),
        "admin": ("/admin/", staff),
        "admin: events": ("/admin/events/event/", staff),
        "admin: tickets": ("/admin/tickets/ticket/", staff),
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.pages_asked"],
        cwd=world.ROOT,
        env=place.environment,
        input=json.dumps(list(pages.values())),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    rows = [["page", "statements", "HTML KB", "CSS KB", "JS KB", "wrong"]]
    for (name, (path, cookie)), count in zip(pages.items(), json.loads(done.stdout), strict=True):
        status, html = _fetched(server, path, cookie)
        wrong = [] if status == 200 else [f"{status} {path}"]
        sizes = {"css": 0, "js": 0}
        for address in sorted(set(LINKED.findall(html.decode()))):
            status, content = _fetched(server, address, "", compressed=True)
            wrong += [] if status == 200 else [f"{status} {address}"]
            sizes["css" if ".css" in address else "js"] += len(content)
        kilobytes = [f"{size / 1024:.1f}" for size in (len(html), sizes["css"], sizes["js"])]
        rows.append([name, str(count), *kilobytes, _none(wrong)])
    return rows


def _fetched(
    server: EventoServer, path: str, cookie: str, *, compressed: bool = False
) -> tuple[int, bytes]:
    """Status and body as it is transferred."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=mailing.READY_SECONDS)
    headers = {"Cookie": cookie} if cookie else {}
    try:
        connection.request(
            "GET", path, headers=headers | ({"Accept-Encoding": "gzip, br"} if compressed else {})
        )
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
