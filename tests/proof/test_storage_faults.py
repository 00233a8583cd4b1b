"""A full disk and a database that may only be read, on SQLite: a page that says so, and nothing half-done.

Full is tried in as many ways as this user may: SQLite's own limit, the system's limit for a file, and, for
root, a small file system.
"""

import contextlib
import os
import resource
import subprocess
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.accounts.factories import UserFactory
from tests.events.factories import EventFactory
from tests.proof import figures
from tests.proof.site import Crowd
from tests.servers import database_for_servers, get, post_at_once, reading, running, sign_in

pytestmark = [
    pytest.mark.sqlite,
    pytest.mark.server,
    pytest.mark.django_db(transaction=True),
]

PEOPLE = 40
ROOM_BYTES = 256 * 1024  # until it is full
AS_BEFORE = "PRAGMA query_only = OFF; PRAGMA max_page_count = 1073741823;"
CAP_SYS_ADMIN = 1 << 21
TRIED = {}


def may_mount():
    status = Path("/proc/self/status").read_text()
    [capabilities] = [line for line in status.splitlines() if line.startswith("CapEff")]
    return os.geteuid() == 0 and bool(int(capabilities.split()[1], 16) & CAP_SYS_ADMIN)


class Place:
    """Where the database lies, and how writing to it is made impossible and possible again."""

    def __init__(self, folder, fault):
        self.folder, self.fault = folder, fault
        self.statements = folder.parent / "statements.sql"
        self.statements.write_text("")

    def spoil(self, server):
        if self.fault == "largest database":
            self.statements.write_text("PRAGMA max_page_count = 1;")  # that is: as large as it is
        elif self.fault == "read only":
            self.statements.write_text("PRAGMA query_only = ON;")
        elif self.fault == "largest file":
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (ROOM_BYTES, -1))
        else:
            room = os.statvfs(self.folder)
            filler = room.f_bavail * room.f_frsize - ROOM_BYTES
            (self.folder / "filler").write_bytes(bytes(filler))

    def mend(self, server):
        self.statements.write_text(AS_BEFORE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (-1, -1))
        (self.folder / "filler").unlink(missing_ok=True)


@pytest.fixture
def place(tmp_path, request):
    folder = tmp_path / "data"
    folder.mkdir()
    with contextlib.ExitStack() as stack:
        if request.param == "file system":
            options = ["-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
            subprocess.run(["mount", *options], check=True)
            stack.callback(subprocess.run, ["umount", "--lazy", str(folder)], check=True)
        yield Place(folder, request.param)


FAULTS = ["read only", "largest database", "largest file", *["file system"] * may_mount()]


def stored(url):
    """What is there of bookings; and whether SQLite finds its file whole."""
    with reading(url) as query:
        [(whole,)] = query("PRAGMA integrity_check")
        [(taken,)] = query("SELECT places_taken FROM events_event")
        counts = [
            query(f"SELECT COUNT(*) FROM {table}")[0][0]
            for table in (
                "tickets_ticket",
                "notifications_notification",
                "notifications_outgoingemail",
            )
        ]
    return whole, [taken, *counts]


@pytest.mark.parametrize("place", FAULTS, indirect=True)
def test_what_cannot_be_stored_is_said_and_nothing_is_half_done(tmp_path, place):
    people = UserFactory.create_batch(PEOPLE)
    cookies = sign_in(people)
    event = EventFactory(capacity=2 * PEOPLE)
    path = f"/events/{event.slug}/ticket/"
    url = database_for_servers(place.folder)
    with reading(url) as query:
        query("VACUUM")  # what other tests left free would be room for all

    with running(
        tmp_path,
        database_url=url,
        application="tests.proof.faulty_asgi",
        threads=4,
        PROOF_STATEMENTS=str(place.statements),
    ) as server:
        [first] = post_at_once(server, path, cookies[:1])
        place.spoil(server)
        answers = [*post_at_once(server, path, cookies[1:]), first]
        visitors_page = get(server, event.get_absolute_url(), "")
        own_page = get(server, "/tickets/", cookies[0])
        by_program, _location = Crowd(SimpleNamespace(server=server)).ask(
            f"/api/v1/events/{event.slug}/ticket", cookies[-1], b"{}"
        )
        meanwhile = stored(url)
        place.mend(server)
        again = post_at_once(server, path, cookies)
        afterwards = stored(url)
        log = server.log.read_text()

    statuses = Counter(answer.status for answer in answers)
    assert set(statuses) == {302, 503}, statuses
    refused = [answer for answer in answers if answer.status == 503]
    for answer in refused:
        assert "Evento cannot reach its data right now" in answer.body
        assert answer.headers["Retry-After"] == "30"
    # Whoever got an answer has a ticket, a notice and a mail; nobody else has any of it.
    assert meanwhile == ("ok", [statuses[302] + (by_program == 201)] * 4)
    # What is there can still be read.
    assert (visitors_page.status, own_page.status) == (200, 200)
    # The little that a program's booking writes may still find room on a disk that is almost full.
    assert by_program == 503 or (by_program == 201 and place.fault != "read only")
    # And once it can write, it does: the same server, the same people.
    assert Counter(answer.status for answer in again) == {302: PEOPLE}
    assert afterwards == ("ok", [PEOPLE] * 4)
    assert "OperationalError" in log
    TRIED[place.fault] = dict(statuses)
    figures.record("storage", TRIED)
