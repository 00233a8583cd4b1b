"""What `/metrics` says, in Prometheus's text format (docs/decisions/0023-what-is-measured.md).

No line may change because somebody booked: how popular events are is for their organisers alone. So
requests and mails are not counted; seconds with trouble are.

Processes of one server count in files that they share, in the folder that is chosen here.
"""

import multiprocessing
import os
import re
import shutil
import tempfile
from pathlib import Path

from django.conf import settings


def _server_pid() -> int:
    """The process that all web processes of this server come from; itself, if there is only one."""
    parent = multiprocessing.parent_process()
    return os.getpid() if parent is None or parent.pid is None else parent.pid


FOLDERS = "evento-metrics-"
FOLDER = Path(tempfile.gettempdir()) / f"{FOLDERS}{_server_pid()}"
PID_OF_FILE = re.compile(r"_(\d+)\.db$")
IN_FILES = settings.METRICS_IN_FILES
if IN_FILES:
    # prometheus_client looks here when it is imported: by modules of this package, so after this line.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(FOLDER)


def prepare_folder() -> None:
    """Make this server's folder, and remove those of servers that are gone."""
    for other in FOLDER.parent.glob(f"{FOLDERS}*"):
        pid = other.name.removeprefix(FOLDERS)
        if pid.isdecimal() and not is_alive(int(pid)):
            shutil.rmtree(other, ignore_errors=True)
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    if FOLDER.is_symlink() or FOLDER.stat().st_uid != os.getuid():
        raise PermissionError(f"{FOLDER} is somebody else's. Remove it, or set TMPDIR.")


def counting_pids() -> set[int]:
    """The processes that have counted here, whether or not they still run."""
    return {int(match[1]) for file in FOLDER.iterdir() if (match := PID_OF_FILE.search(file.name))}


def is_alive(pid: int) -> bool:
    """Whether a process of this user has that number."""
    try:
        os.kill(pid, 0)
    except (OSError, OverflowError):
        return False
    return True
