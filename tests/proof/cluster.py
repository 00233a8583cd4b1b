"""A PostgreSQL of one's own, to be killed: `initdb`, as an unprivileged user, in a folder that goes away."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from tests.patience import PATIENCE
from tests.ports import free_port

ASK_AGAIN_SECONDS = 0.05
USERS = [person.pw_name for person in pwd.getpwall()]
# PostgreSQL refuses to run as root.
USER = None if os.geteuid() else "postgres" if "postgres" in USERS else "nobody"
# No power fails here, and what a killed process had written the system still writes.
SETTINGS = {
    "fsync": "off",
    "listen_addresses": "127.0.0.1",
    "max_connections": "60",
    "shared_buffers": "16MB",
    "logging_collector": "off",
}


def binaries():
    """The folder with `initdb` and `postgres`. Without them tests fail in CI, and say so elsewhere."""
    on_path = shutil.which("initdb")
    debians = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if on_path or debians:
        return (debians[-1] if debians else Path(on_path)).parent
    words = (
        "initdb is neither on PATH nor in /usr/lib/postgresql. This test kills a PostgreSQL of its own, "
        "so it needs the server's programs (Debian: postgresql)."
    )
    assert os.environ.get("CI") != "true", words
    pytest.skip(words)


class Cluster:
    """One such server: `start`, `kill`, `kill_a_backend`."""

    def __init__(self, folder):
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()
        self.process = None
        self._run(
            *("initdb", "--pgdata", self.data, "--username", "postgres", "--auth", "trust"),
            *("--no-sync", "--encoding", "UTF8", "--locale", "C.UTF-8"),
        )

    def url(self, name):
        return f"postgres://postgres:@127.0.0.1:{self.port}/{name}"

    def create(self, name):
        with self._connected("postgres") as connection:
            connection.execute(f"CREATE DATABASE {name}")

    def start(self):
        """Start it, also after a kill, and wait until it lets people in."""
        options = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    binaries() / "postgres",
                    "-D",
                    self.data,
                    "-p",
                    str(self.port),
                    "-k",
                    "",
                    *options,
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                **_as_its_user(),
            )
        self.wait()

    def wait(self):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(psycopg.OperationalError), self._connected("postgres"):
                return
            time.sleep(ASK_AGAIN_SECONDS)
        raise AssertionError((self.folder / "log").read_text())

    def kill(self):
        """`kill -9` of the postmaster and every process of it."""
        self.process.send_signal(signal.SIGSTOP)  # it starts no other one meanwhile
        for pid in [self.process.pid, *children(self.process.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(PATIENCE)
        # It would stop the next start where no init takes away processes that have ended.
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def kill_a_backend(self, chance):
        """`kill -9` of one process that works for a client; until PostgreSQL has ended all others for it."""
        deadline = time.monotonic() + PATIENCE
        is_killed = False
        with contextlib.closing(self._connected("postgres")) as witness:
            while time.monotonic() < deadline:
                try:
                    found = witness.execute(
                        "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' "
                        "AND pid <> pg_backend_pid() ORDER BY pid"
                    ).fetchall()
                except psycopg.OperationalError:
                    return
                if found and not is_killed:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(chance.choice(found)[0], signal.SIGKILL)
                        is_killed = True
        raise AssertionError("PostgreSQL does not mind that one of its processes was killed.")

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)  # fast: does not wait for clients
            self.process.wait(PATIENCE)

    def _connected(self, name):
        return psycopg.connect(self.url(name), autocommit=True, connect_timeout=5)

    def _run(self, program, *arguments):
        subprocess.run(
            [binaries() / program, *map(str, arguments)],
            check=True,
            stdout=subprocess.DEVNULL,
            **_as_its_user(),
        )


@contextlib.contextmanager
def private_cluster():
    """A running one, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="evento-proof-"))
    if USER:
        shutil.chown(folder, USER)
    cluster = None
    try:
        cluster = Cluster(folder)
        cluster.start()
        yield cluster
    finally:
        if cluster is not None:
            cluster.stop()
        shutil.rmtree(folder)


def children(pid):
    """The processes that `pid` has started itself."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name may hold spaces and brackets: what follows the last one is state and parent.
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            if parent == pid:
                found.append(int(stat.parent.name))
    return found


def _as_its_user():
    # A working directory that an unprivileged user may enter.
    if USER is None:
        return {"cwd": "/"}
    return {"user": USER, "group": pwd.getpwnam(USER).pw_gid, "extra_groups": [], "cwd": "/"}
