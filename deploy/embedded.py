"""`make run`: database, static files, demo data, web server and mail worker in one command.

Ends on Ctrl-C, on SIGTERM, or when the server ends.
"""

import ctypes
import fcntl
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NoReturn

import environ

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var"
RUNNING_FILE = VAR / "running.env"  # read by evento/running.py
STATIC_STAMP = VAR / "static" / ".collected"
START_SECONDS = 60
STOP_SECONDS = 10
PR_SET_PDEATHSIG = 1


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this is its output


def fail(text: str) -> NoReturn:
    print(f"\n{text}", file=sys.stderr)  # noqa: T201
    sys.exit(1)


def prepare_environment() -> int:
    """Fill in what was not set outside or in `.env`; return the port."""
    environ.Env.read_env(ROOT / ".env")
    value = os.environ.get("PORT", "").strip() or "8000"
    if not value.isdecimal() or not 0 < int(value) < 65536:
        fail(f"PORT must be a number from 1 to 65535, not {value!r}.")
    if not os.environ.get("DATABASE_URL"):
        os.environ["DATABASE_URL"] = f"sqlite:///{VAR / 'evento.sqlite3'}"
    if not os.environ.get("SITE_URL"):
        os.environ["SITE_URL"] = f"http://localhost:{value}"
    os.environ["DEBUG"] = "false"
    os.environ["NOTIFICATIONS_SEND"] = "server"
    os.environ["PYTHONUNBUFFERED"] = "1"
    return int(value)


def refuse_taken_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            fail(
                f"Cannot listen on {host}:{port}: {error.strerror}. Choose another: make run PORT=8001"
            )


def locked(file: IO[str]) -> bool:
    """Take the lock; a command that looks at it just now holds it for an instant."""
    for _attempt in range(5):
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(0.1)
    return False


@contextmanager
def announced_to_commands() -> Iterator[None]:
    """Lend database and address to `manage.py` for as long as this process lives."""
    RUNNING_FILE.touch(mode=0o600)
    with RUNNING_FILE.open("a") as file:
        if not locked(file):
            say("Another Evento runs from this folder: manage.py works on that one's database.")
            yield
            return
        file.truncate(0)
        file.writelines(f"{name}={os.environ[name]}\n" for name in ("DATABASE_URL", "SITE_URL"))
        file.flush()
        yield


def manage(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, check=False, text=True, **options)  # type: ignore[call-overload]  # noqa: S603
    if done.returncode:
        fail(f"“manage.py {' '.join(arguments)}” failed: see above.")
    return done


def signature_of_static_files() -> str:
    """Changes whenever a file to collect does: ours by time and size, the libraries' by their pins."""
    files = sorted(path for path in (ROOT / "static").rglob("*") if path.is_file())
    rows = [f"{path.relative_to(ROOT)} {path.stat().st_mtime_ns}" for path in files]
    return "\n".join([*rows, (ROOT / "requirements-run.txt").read_text()])


def collect_static_files() -> None:
    signature = signature_of_static_files()
    if STATIC_STAMP.exists() and STATIC_STAMP.read_text() == signature:
        return
    say("Collecting static files ...")
    shutil.rmtree(VAR / "static", ignore_errors=True)
    manage("collectstatic", "--noinput", "--verbosity", "0")
    STATIC_STAMP.write_text(signature)


def die_with_parent() -> None:
    """Linux: end this child when the parent is killed without a chance to end it itself."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def allow_many_streams() -> None:
    """Each open page is an open file: take as many as this user may have."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS: “unlimited” is not to be had
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def start(*command: str) -> subprocess.Popen[bytes]:
    """A child in a session of its own: Ctrl-C reaches this process alone, which ends them in order."""
    return subprocess.Popen(  # noqa: S603
        [sys.executable, *command],
        cwd=ROOT,
        start_new_session=True,
        preexec_fn=die_with_parent,  # noqa: PLW1509 - no threads here
    )


def start_server(host: str, port: int) -> subprocess.Popen[bytes]:
    """One process for pages on SQLite, whose writers queue anyway; otherwise a core each, two at least."""
    sqlite = os.environ["DATABASE_URL"].startswith("sqlite")
    workers = 1 if sqlite else max(2, os.cpu_count() or 1)
    address = ("--host", host, "--port", str(port), "--workers", str(workers))
    return start("-m", "evento.server", *address)


def wait_until_it_answers(host: str, port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        refuse_ended(server)
        try:
            urllib.request.urlopen(f"http://{host}:{port}/", timeout=START_SECONDS)  # nosec B310
        except urllib.error.HTTPError as error:
            if error.code >= 500:
                fail(f"The web server answers with an error ({error.code}): see above.")
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    fail("The web server did not answer in time.")


def refuse_ended(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is not None:
        fail("The server has ended, so Evento ends.")


def stop(server: subprocess.Popen[bytes]) -> None:
    """End the server, politely first; then whatever is left of its session."""
    if server.poll() is None:
        server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def raise_exit(signum: int, frame: object) -> None:
    # A second signal must not interrupt the stopping that the first one began.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise SystemExit(0)


def serve(host: str, port: int, sign_ins: str) -> None:
    """Run web server and mail worker until they end, a signal comes, or whoever started this has gone."""
    parent = os.getppid()
    server = start_server(host, port)
    try:
        wait_until_it_answers(host, port, server)
        say(f"\nEvento runs at {os.environ['SITE_URL']}  (Ctrl-C ends it; the data stays)\n")
        say(sign_ins)
        while os.getppid() == parent:
            refuse_ended(server)
            time.sleep(0.5)
    finally:
        say("\nStopping ...")
        stop(server)


def main() -> None:
    port = prepare_environment()
    host = os.environ.get("HOST", "").strip() or "127.0.0.1"
    refuse_taken_port(host, port)
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(name, raise_exit)
    VAR.mkdir(exist_ok=True)
    allow_many_streams()
    with announced_to_commands():
        say("Bringing the database up to date ...")
        manage("migrate", "--noinput", "--verbosity", "0")
        collect_static_files()
        demo = manage("create_demo", "--if-empty", stdout=subprocess.PIPE)
        serve(host, port, demo.stdout)


if __name__ == "__main__":
    main()
