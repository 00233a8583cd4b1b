"""`python -m evento.server`: processes that share memory, are replaced, and end together."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
import uvicorn
from django.db import connection

from benchmarks.processes import connections_of, memory_of
from evento.server import APPLICATION, WatchedProcess
from evento.settings import EMAIL_TIMEOUT
from notifications.models import WorkerHeartbeat
from notifications.services import queue_rendered
from tests.evento.test_embedded import copy_of_what_runs, is_running
from tests.live import database_shared_with_servers
from tests.patience import PATIENCE, until
from tests.servers import ROOT, running

pytestmark = [pytest.mark.server, pytest.mark.django_db(transaction=True)]
SESSIONS = "SELECT client_port FROM pg_stat_activity WHERE datname = current_database()"


def processes_of(server):
    """Its running children, in the order of their start."""
    parent = server.process.pid
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [pid for pid in map(int, children) if is_running(pid)]


def begun(server, count):
    """So many, as soon as they are there: one may answer before the last has begun."""
    return until(lambda: len(found := processes_of(server)) == count and found)


def replaced(server, pid):
    """The one that has come for `pid`. Another may end meanwhile."""
    before = processes_of(server)
    os.kill(pid, signal.SIGKILL)
    [new] = until(lambda: set(processes_of(server)) - set(before))
    return new


def shares_with_its_parent(pid):
    """Whether most of its memory is another's as well."""
    memory = memory_of(pid)
    return memory.pss_megabytes < 0.7 * memory.rss_megabytes


def others(server, *pids):
    """The processes but for these."""
    return [pid for pid in processes_of(server) if pid not in pids]


@pytest.fixture
def place(tmp_path):
    with database_shared_with_servers(tmp_path) as url:
        yield url


def workers_seen():
    return WorkerHeartbeat.objects.count()


def test_processes_share_what_they_have_loaded(tmp_path, place):
    with running(tmp_path, database_url=place, workers=2) as server:
        pids = begun(server, 2)

        assert all(shares_with_its_parent(pid) for pid in pids)


@pytest.mark.postgresql
def test_process_that_others_come_from_has_no_connection_they_would_share(tmp_path, place):
    with running(tmp_path, database_url=place, workers=2) as server:

        def sessions_of(pid):
            with connection.cursor() as cursor:
                cursor.execute(SESSIONS)
                return sum(connections_of(pid, port) for (port,) in cursor.fetchall())

        pids = begun(server, 2)
        until(lambda: all(sessions_of(pid) for pid in pids))  # they listen
        assert sessions_of(server.process.pid) == 0


def test_process_that_dies_is_replaced_by_one_that_shares_too(tmp_path, place):
    with running(tmp_path, database_url=place, workers=2) as server:
        new = replaced(server, begun(server, 2)[0])

        assert shares_with_its_parent(new)
        assert urlopen(server.url).status == 200


@pytest.mark.parametrize("workers", [1, 2])
def test_server_sends_mail_if_it_is_told_to(tmp_path, place, workers):
    with running(
        tmp_path, database_url=place, workers=workers, NOTIFICATIONS_SEND="server"
    ) as server:
        until(lambda: workers_seen() == 1)

        assert begun(server, workers + 1)
        assert urlopen(server.url).status == 200


def test_mail_worker_that_dies_is_replaced_and_pages_are_not_touched(tmp_path, place):
    with running(tmp_path, database_url=place, NOTIFICATIONS_SEND="server") as server:
        until(lambda: workers_seen() == 1)
        worker, pages = begun(server, 2)

        replaced(server, worker)

        until(lambda: workers_seen() == 2)
        assert pages in processes_of(server)


def test_death_of_a_process_ends_the_wait_for_its_answer():
    process = WatchedProcess(uvicorn.Config(APPLICATION), [])
    process.start()
    process.parent_conn.send(b"ping")

    os.kill(process.pid, signal.SIGKILL)
    process.join()

    assert process.parent_conn.poll()  # there is an end to read


def test_server_keeps_its_own_end_alone_of_the_pipe_to_each_process(tmp_path, place):
    with running(tmp_path, database_url=place, workers=2) as server:

        def sockets():
            files = Path(f"/proc/{server.process.pid}/fd").iterdir()
            with contextlib.suppress(FileNotFoundError):  # one that is just closed
                return {link for it in files if (link := str(it.readlink())).startswith("socket:")}

        begun(server, 2)

        # It lets go of the other end just after a process has begun.
        until(lambda: len(sockets() or ()) == 2 + 1)  # it listens


def test_process_ends_when_told_to_in_its_first_moment(tmp_path, place):
    with running(tmp_path, database_url=place, workers=2) as server:
        new = replaced(server, begun(server, 2)[0])

        os.kill(new, signal.SIGTERM)

        until(lambda: not is_running(new))


def test_all_end_together(tmp_path, place):
    with running(tmp_path, database_url=place, workers=2, NOTIFICATIONS_SEND="server") as server:
        pids = begun(server, 3)
        server.process.terminate()

        assert server.process.wait(PATIENCE) == 0
        assert not any(is_running(pid) for pid in pids)


@pytest.fixture
def code(tmp_path):
    """A copy of the code, to be changed."""
    return copy_of_what_runs(tmp_path / "evento")


def test_reload_brings_code_and_settings_as_they_are_now(tmp_path, place, code):
    probes, settings = code / "evento" / "probes.py", code / ".env"
    settings.write_text(f"METRICS_TOKEN={'before' * 4}\n")
    with running(
        tmp_path, database_url=place, workers=2, code=code, NOTIFICATIONS_SEND="server"
    ) as server:
        until(lambda: workers_seen() == 1)
        before = begun(server, 3)
        probes.write_text(probes.read_text().replace('_text("ok', '_text("as new'))
        settings.write_text(f"METRICS_TOKEN={'afterwards' * 4}\n")

        server.process.send_signal(signal.SIGHUP)

        until(lambda: workers_seen() == 2)
        until(lambda: not set(before) & set(processes_of(server)))
        assert {urlopen(f"{server.url}/healthz").read() for _each in range(20)} == {b"as new\n"}
        with_token = {"Authorization": f"Bearer {'afterwards' * 4}"}
        assert urlopen(Request(f"{server.url}/metrics", headers=with_token)).status == 200


def test_reload_of_broken_code_leaves_all_as_it_was(tmp_path, place, code):
    with running(
        tmp_path, database_url=place, workers=2, code=code, NOTIFICATIONS_SEND="server"
    ) as server:
        until(lambda: workers_seen() == 1)
        before = begun(server, 3)
        (code / "tickets" / "models.py").write_text("def broken(:")

        server.process.send_signal(signal.SIGHUP)

        until(lambda: "The new mail worker did not start" in server.log.read_text())
        # Beside them is a tracker of resources, which processes that share nothing need.
        assert set(before) <= set(processes_of(server))
        assert urlopen(server.url).status == 200


@contextlib.contextmanager
def greeted_without_end(conversation):
    """Its other end waits for as long as the block takes, however slow the machine: it never times out."""
    over = threading.Event()

    def greet():
        while not over.wait(EMAIL_TIMEOUT / 10):
            conversation.sendall(b"220-One moment\r\n")

    with ThreadPoolExecutor(1) as pool:
        greeting = pool.submit(greet)
        try:
            yield
        finally:
            over.set()
        greeting.result()


def test_reload_does_not_wait_for_a_mail_that_nobody_takes(tmp_path, place):
    with (
        socket.create_server(("127.0.0.1", 0)) as mail_server,
        running(
            tmp_path,
            database_url=place,
            NOTIFICATIONS_SEND="server",
            EMAIL_URL=f"smtp://127.0.0.1:{mail_server.getsockname()[1]}",
        ) as server,
    ):
        queue_rendered("ann@example.org", b"Subject: Hello\n\nThere")
        worker, pages = begun(server, 2)
        conversation, _address = mail_server.accept()
        with conversation, greeted_without_end(conversation):
            server.process.send_signal(signal.SIGHUP)
            until(lambda: workers_seen() == 2)
            [_tracker, new_pages, _new_worker] = others(server, worker, pages)
            replaced(server, new_pages)

            assert is_running(worker)
            assert not is_running(pages)
        mail_server.close()


@pytest.mark.sqlite
@pytest.mark.parametrize(("workers", "warnings"), [(1, 0), (2, 1)])
def test_several_processes_that_write_to_sqlite_are_warned_of(tmp_path, place, workers, warnings):
    with running(
        tmp_path, database_url=place, workers=workers, NOTIFICATIONS_SEND="server"
    ) as server:
        assert server.log.read_text().count("Several web processes on SQLite") == warnings


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (["--version"], 0, "uvicorn"),
        (["--help"], 0, "--workers"),
        (["--workers", "some"], 2, "'some' is not a valid integer"),
        (["--nonsense"], 2, "No such option"),
        (["--reload"], 2, "NOTIFICATIONS_SEND=server cannot be had with --reload."),
    ],
)
def test_wrong_options_are_named_and_right_ones_explained(options, status, words):
    done = subprocess.run(
        [sys.executable, "-m", "evento.server", *options],
        cwd=ROOT,
        env=os.environ | {"NOTIFICATIONS_SEND": "server"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == status
    assert words in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
