"""`make run` and the plain way, in a folder of their own, as on a fresh machine with the libraries there."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.patience import PATIENCE, until
from tests.ports import free_port

pytestmark = [pytest.mark.server, pytest.mark.sqlite]

ROOT = Path(__file__).resolve().parents[2]
PARTS = [
    *("accounts", "deploy", "evento", "events", "notifications", "static", "templates", "tickets"),
    *("manage.py", "requirements-run.txt"),
]
OWN_SETTINGS = ("DATABASE_URL", "SECRET_KEY", "SITE_URL", "DEBUG", "NOTIFICATIONS_SEND", "PORT")


def copy_of_what_runs(target):
    target.mkdir()
    for part in PARTS:
        if (ROOT / part).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / part, target / part, ignore=ignored)
        else:
            shutil.copy2(ROOT / part, target / part)
    return target


@pytest.fixture
def fresh(tmp_path):
    """A copy of what runs, without `var/` or `.env`."""
    return copy_of_what_runs(tmp_path / "evento")


@dataclass
class FirstStart:
    """What was seen of one in a folder of its own, while it ran and after it was told to end."""

    folder: Path
    port: int
    text: str
    processes: list[int]
    statuses: list[int]
    stream_type: str
    status_after: int | None
    processes_after: list[int]


@pytest.fixture(scope="module")
def first_start(tmp_path_factory):
    """Takes long, so all tests share it."""
    folder, port = copy_of_what_runs(tmp_path_factory.mktemp("embedded") / "evento"), free_port()
    site = f"http://127.0.0.1:{port}"
    with embedded(folder, port) as (process, log):
        page = urllib.request.urlopen(site).read().decode()
        stylesheet = re.search(r"/static/[\w/]+\.[0-9a-f]{12}\.css", page).group()
        paths = ["/", stylesheet, "/static/css/missing.css"]
        statuses = [status(site + path) for path in paths]
        processes = descendants(process.pid)
        with urllib.request.urlopen(f"{site}/live/?topic=list::") as stream:
            stream_type = stream.headers["Content-Type"]
        until(lambda: list((folder / "var/mail").glob("*.eml")), log.read_text)
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
    return FirstStart(
        folder,
        port,
        log.read_text(),
        processes,
        statuses,
        stream_type,
        status_after=status(site),
        processes_after=[pid for pid in processes if is_running(pid)],
    )


@pytest.fixture
def folder(first_start, tmp_path):
    """A copy of a folder in which Evento was started before, so that it starts quickly."""
    return shutil.copytree(first_start.folder, tmp_path / "evento")


@pytest.fixture
def port():
    return free_port()


def environment(**values):
    """This one's without the settings of this test run."""
    kept = {name: value for name, value in os.environ.items() if name not in OWN_SETTINGS}
    return kept | {"PYTHONUNBUFFERED": "1"} | values


def manage(folder, *arguments):
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextlib.contextmanager
def started(folder, *command, **values):
    """A process in `folder` with its output in `output.txt`; ended at the end, with all its session."""
    log = folder / "output.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env=environment(**values),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process, log
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


@contextlib.contextmanager
def embedded(folder, port):
    with started(folder, "deploy/embedded.py", PORT=str(port)) as (process, log):
        until(
            lambda: "Evento runs at" in log.read_text() or process.poll() is not None, log.read_text
        )
        yield process, log


def status(url):
    try:
        return urllib.request.urlopen(url, timeout=PATIENCE).status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def descendants(pid):
    """The processes that `pid` has started, and theirs."""
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found += [int(child), *descendants(int(child))]
    return found


def is_running(pid):
    """Whether it is more than an entry that its parent has not yet read."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def all_gone(pids):
    return not any(is_running(pid) for pid in pids)


def test_first_start_serves_a_demo_and_ends_without_a_trace(first_start):
    seen = first_start
    assert f"Evento runs at http://localhost:{seen.port}" in seen.text
    assert re.search(r"organiser +organiser@example.org", seen.text)
    assert seen.statuses == [200, 200, 404]
    assert seen.stream_type == "text/event-stream; charset=utf-8"
    assert len(seen.processes) == 3  # the server, its process for pages, its mail worker
    assert seen.processes_after == []
    assert seen.status_after is None


def test_command_beside_it_works_on_its_database_and_address(folder, port):
    other = f"sqlite:///{folder / 'elsewhere.sqlite3'}"
    question = (
        "from django.conf import settings; from events.models import Event;"
        "print(settings.SITE_URL, settings.DATABASES['default']['NAME'], Event.objects.count())"
    )

    with started(folder, "deploy/embedded.py", PORT=str(port), DATABASE_URL=other) as (_it, log):
        until(lambda: "Evento runs at" in log.read_text(), log.read_text)
        beside = manage(folder, "shell", "--verbosity=0", "--command", question).split()
    afterwards = manage(
        folder,
        *("shell", "--verbosity=0", "--command"),
        "from django.conf import settings; print(settings.DATABASES['default']['NAME'])",
    ).strip()

    assert beside == [f"http://localhost:{port}", str(folder / "elsewhere.sqlite3"), "40"]
    assert afterwards == str(folder / "var/evento.sqlite3")


def test_second_start_keeps_the_data_and_collects_nothing(folder, port):
    manage(folder, "create_demo", "--events=1", "--people=3", "--tickets=0", "--seed=2")

    with embedded(folder, port) as (_process, log):
        text = log.read_text()

    assert "Collecting" not in text
    assert "attendee@example.org" in text
    count = "from events.models import Event; print(Event.objects.count())"
    assert manage(folder, "shell", "--verbosity=0", "--command", count).strip() == "41"


def test_when_the_server_dies_all_end_with_an_error(folder, port):
    with embedded(folder, port) as (process, log):
        server, *others = pids = descendants(process.pid)
        assert others
        os.kill(server, signal.SIGKILL)
        process.wait(PATIENCE)

        assert process.returncode == 1
        assert "The server has ended, so Evento ends." in log.read_text()
        until(lambda: all_gone(pids))


def test_killed_start_leaves_no_orphans(folder, port):
    with embedded(folder, port) as (process, _log):
        pids = descendants(process.pid)
        process.kill()
        process.wait(PATIENCE)

        until(lambda: all_gone(pids))


def test_taken_port_is_said_at_once(fresh):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with started(fresh, "deploy/embedded.py", PORT=str(port)) as (process, log):
            process.wait(PATIENCE)

    assert process.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in log.read_text()
    assert not (fresh / "var").exists()


@pytest.mark.parametrize("value", ["http", "0", "70000"])
def test_senseless_port_is_said_at_once(fresh, value):
    with started(fresh, "deploy/embedded.py", PORT=value) as (process, log):
        process.wait(PATIENCE)

    assert process.returncode == 1
    assert f"PORT must be a number from 1 to 65535, not '{value}'." in log.read_text()


def test_plain_way_migrates_serves_and_writes_mails(fresh, port):
    manage(fresh, "migrate", "--verbosity=0")

    with started(fresh, "manage.py", "runserver", "--noreload", str(port)) as (_process, log):
        until(lambda: status(f"http://127.0.0.1:{port}/") == 200, log.read_text)
        assert status(f"http://127.0.0.1:{port}/static/css/base.css") == 200
        sign_up(port)
        until(lambda: list((fresh / "var/mail").glob("*.eml")), log.read_text)


def sign_up(port):
    site = f"http://127.0.0.1:{port}/accounts/signup/"
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    form = browser.open(site).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form).group(1)
    fields = {"username": "ada", "email": "ada@example.org", "csrfmiddlewaretoken": token}
    fields |= {"password1": "correct-horse-battery", "password2": "correct-horse-battery"}
    body = urllib.parse.urlencode(fields).encode()
    assert browser.open(site, body).status == 200
