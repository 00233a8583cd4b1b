"""The servers that could serve Evento, each started in a session of its own on a free port.

Those that do not serve it are not among its requirements: `pip install gunicorn==27.0.1 granian==2.8.7`.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException

from benchmarks.world import ROOT

START_SECONDS = 60
STOP_SECONDS = 10
PROCESSES = "2"
WSGI = "evento.wsgi:application"
SERVED = "evento.asgi:application"
MIXED = "benchmarks.mixed_asgi:application"
# Seconds; gunicorn's own 2 could end a connection just when the next request is on its way.
KEEP_ALIVE = "30"


@dataclass(frozen=True)
class Candidate:
    """A server's command line; "{port}" is filled in."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Server:
    """A candidate that runs and answers."""

    port: int
    session: int  # of all its processes: see benchmarks.processes


def gunicorn(application: str, *options: str) -> tuple[str, ...]:
    shared = ("--bind", "127.0.0.1:{port}", "--workers", PROCESSES, "--keep-alive", KEEP_ALIVE)
    quiet = ("--log-level", "warning", "--graceful-timeout", "5", "--no-control-socket")
    return ("gunicorn", application, *shared, *quiet, *options)


def uvicorn(application: str, *options: str) -> tuple[str, ...]:
    shared = ("--host", "127.0.0.1", "--port", "{port}", "--workers", PROCESSES)
    fast = ("--loop", "uvloop", "--http", "httptools", "--timeout-keep-alive", KEEP_ALIVE)
    bare = ("--no-proxy-headers", "--no-server-header")
    quiet = ("--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "3")
    return ("uvicorn", application, *shared, *fast, *bare, *quiet, *options)


def granian(application: str, *options: str) -> tuple[str, ...]:
    shared = ("--host", "127.0.0.1", "--port", "{port}", "--workers", PROCESSES)
    quiet = ("--no-ws", "--log-level", "warning", "--workers-kill-timeout", "3")
    return ("granian", application, *shared, *quiet, *options)


def bridged(threads: int, bridge: str = "a2wsgi", **more: str) -> dict[str, str]:
    return {"BENCH_THREADS": str(threads), "BENCH_BRIDGE": bridge} | more


BASELINE = Candidate(
    "gunicorn gthread 2x4",
    gunicorn(WSGI, "--worker-class", "gthread", "--threads", "4"),
)
AGAIN = Candidate(f"{BASELINE.name} again", BASELINE.command)
CANDIDATES = (
    BASELINE,
    AGAIN,
    Candidate("gunicorn gthread 2x2", gunicorn(WSGI, "-k", "gthread", "--threads", "2")),
    Candidate("gunicorn sync 2", gunicorn(WSGI, "--worker-class", "sync")),
    Candidate("uvicorn evento.asgi", uvicorn(SERVED)),
    Candidate("uvicorn a2wsgi 4", uvicorn(MIXED), bridged(4)),
    Candidate("uvicorn a2wsgi 2", uvicorn(MIXED), bridged(2)),
    Candidate("uvicorn a2wsgi 1", uvicorn(MIXED), bridged(1)),
    # Not to be used: two downloads that their readers abandon hold a thread each for good.
    Candidate("gunicorn asgi a2wsgi 4", gunicorn(MIXED, "-k", "asgi"), bridged(4)),
    Candidate("gunicorn asgi a2wsgi 2", gunicorn(MIXED, "-k", "asgi"), bridged(2)),
    Candidate("gunicorn asgi a2wsgi 1", gunicorn(MIXED, "-k", "asgi"), bridged(1)),
    Candidate("granian a2wsgi 4", granian(MIXED, "--interface", "asginl"), bridged(4)),
    Candidate("granian a2wsgi 2", granian(MIXED, "--interface", "asginl"), bridged(2)),
    Candidate("granian a2wsgi 1", granian(MIXED, "--interface", "asginl"), bridged(1)),
    Candidate("granian wsgi 4", granian(WSGI, "--interface", "wsgi", "--blocking-threads", "4")),
    Candidate("granian wsgi 1", granian(WSGI, "--interface", "wsgi", "--blocking-threads", "1")),
    # How much of the loss is the bridge's: the least a bridge can do.
    Candidate("uvicorn whole 4", uvicorn(MIXED), bridged(4, "whole")),
    Candidate("uvicorn whole 2", uvicorn(MIXED), bridged(2, "whole")),
    Candidate("uvicorn whole 1", uvicorn(MIXED), bridged(1, "whole")),
    Candidate(
        "uvicorn a2wsgi switch 0.5 ms",
        uvicorn(MIXED),
        bridged(4, BENCH_SWITCH_INTERVAL="0.0005"),
    ),
)


@contextmanager
def running(candidate: Candidate, environment: dict[str, str]) -> Iterator[Server]:
    """The candidate on a free port; all its processes are ended afterwards.

    Raises RuntimeError, with what it wrote, when it does not answer in time.
    """
    port = free_port()
    command = [part.format(port=port) for part in candidate.command]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=environment | candidate.environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            if not answers(port, process):
                log.seek(0)
                raise RuntimeError(f"{candidate.name} did not start:\n{log.read()}")
            yield Server(port, process.pid)
            log.seek(0)
            for line in log.read().splitlines()[:5]:
                print(f"  {candidate.name}: {line}")
        finally:
            stop(process)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
        try:
            connection.request("GET", "/")
            connection.getresponse().read()
        except (OSError, HTTPException):
            time.sleep(0.1)
        else:
            return True
        finally:
            connection.close()
    return False


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        print("  did not stop in time: killed")
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
