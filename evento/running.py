"""Commands beside `make run`: the same database and address, with no further setting (SPEC 11)."""

import os
from pathlib import Path

import environ

try:
    import fcntl
except ImportError:  # not POSIX: `make run` does not run there either
    fcntl = None  # type: ignore[assignment]

# Written by deploy/embedded.py, which holds a lock on it for as long as it lives: a crash cannot
# leave it valid.
RUNNING_FILE = Path(__file__).resolve().parent.parent / "var" / "running.env"


def join_running(path: Path = RUNNING_FILE) -> None:
    """Take DATABASE_URL and SITE_URL from the Evento running in this folder, where not set already."""
    if fcntl is None or not path.exists():
        return
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            environ.Env.read_env(file)
            os.environ.setdefault("NOTIFICATIONS_SEND", "worker")
