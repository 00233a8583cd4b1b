"""`python -m evento.server`: processes that share memory, are replaced, and end together."""

import os
import signal
import sys
import time
from urllib.request import urlopen

import pytest
from django.db import connection

from benchmarks.processes import connections_of, memory_of
from notifications.models import WorkerHeartbeat
from tests.evento.test_embedded import copy_of_what_runs, descendants, is_running
from tests.live import database_shared_with_servers
from tests.servers import STOP_SECONDS, running

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere processes share nothing"),
    pytest.mark.django_db(transaction=True),
]
SESSIONS = "SELECT client_port FROM pg_stat_activity WHERE datname = current_database()"


def until(is_true):
    deadline = time.monotonic() + STOP_SECONDS
    while not (found := is_true()):
        assert time.monotonic() < deadline, "It did not come true."
        time.sleep(0.001)
    return found


def processes_of(server):
    """Those that serve pages or send mail, and have begun to: a fork looks like its parent at first."""
    return [pid for pid in descendants(server.process.pid) if is_running(pid)]


def replaced(server, pid):
    """The one that has come for `pid`, once there are as many as before."""
    before = processes_of(server)
    os.kill(pid, signal.SIGKILL)
    [new] = until(
        lambda: len(now := set(processes_of(server)) - {pid}) == len(before) and now - set(before)
    )
    return new


def shares_with_its_parent(pid):
    """Whether most of its memory is another's as well."""
    memory = memory_of(pid)
    return memory.pss_megabytes < 0.7 * memory.rss_megabytes


@pytest.fixture
def place(tmp_path):
    with database_shared_with_servers(tmp_path) as url:
        yield url


def workers_seen():
    return WorkerHeartbeat.objects.count()


def test_processes_share_what_they_have_loaded(tmp_path, place):
    with running(tmp_path, database_url=place, workers=2) as server:
        pids = processes_of(server)

        assert len(pids) == 2
        assert all(shares_with_its_parent(pid) for pid in pids)


@pytest.mark.postgresql
def test_process_that_others_come_from_has_no_connection_they_would_share(tmp_path, place):
    with running(tmp_path, database_url=place, workers=2) as server:
        with connection.cursor() as cursor:
            cursor.execute(SESSIONS)
            ports = [port for (port,) in cursor.fetchall()]

        def sessions_of(pid):
            return sum(connections_of(pid, port) for port in ports)

        assert sessions_of(server.process.pid) == 0
        assert all(sessions_of(pid) for pid in processes_of(server))  # they listen


def test_process_that_dies_is_replaced_by_one_that_shares_too(tmp_path, place):
    with running(tmp_path, database_url=place, workers=2) as server:
        new = replaced(server, processes_of(server)[0])

        assert shares_with_its_parent(new)
        assert urlopen(server.url).status == 200


@pytest.mark.parametrize("workers", [1, 2])
def test_server_sends_mail_if_it_is_told_to(tmp_path, place, workers):
    with running(
        tmp_path, database_url=place, workers=workers, NOTIFICATIONS_SEND="server"
    ) as server:
        until(lambda: workers_seen() == 1)

        assert len(processes_of(server)) == workers + 1
        assert urlopen(server.url).status == 200


def test_mail_worker_that_dies_is_replaced_and_pages_are_not_touched(tmp_path, place):
    with running(tmp_path, database_url=place, NOTIFICATIONS_SEND="server") as server:
        until(lambda: workers_seen() == 1)
        worker, pages = processes_of(server)  # in the order of their start

        replaced(server, worker)

        until(lambda: workers_seen() == 2)
        assert pages in processes_of(server)


def test_process_ends_when_told_to_in_its_first_moment(tmp_path, place):
    with running(tmp_path, database_url=place, workers=2) as server:
        new = replaced(server, processes_of(server)[0])

        os.kill(new, signal.SIGTERM)

        until(lambda: not is_running(new))


def test_all_end_together(tmp_path, place):
    with running(tmp_path, database_url=place, workers=2, NOTIFICATIONS_SEND="server") as server:
        pids = processes_of(server)
        server.process.terminate()

        assert server.process.wait(STOP_SECONDS) == 0
        assert len(pids) == 3
        assert not any(is_running(pid) for pid in pids)


def test_reload_brings_the_code_as_it_is_now(tmp_path, place):
    code = copy_of_what_runs(tmp_path / "evento")
    probes = code / "evento" / "probes.py"
    with running(
        tmp_path, database_url=place, workers=2, code=code, NOTIFICATIONS_SEND="server"
    ) as server:
        until(lambda: workers_seen() == 1)
        before = processes_of(server)
        probes.write_text(probes.read_text().replace('_text("ok', '_text("as new'))

        server.process.send_signal(signal.SIGHUP)

        until(lambda: workers_seen() == 2)
        assert not set(before) & set(processes_of(server))
        assert {urlopen(f"{server.url}/healthz").read() for _each in range(20)} == {b"as new\n"}
