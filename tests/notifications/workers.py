"""Real worker processes, and what tests do to their database beside them."""

import contextlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parent.parent.parent


@contextlib.contextmanager
def worker(database_url, port, **more):
    """The worker command in a process of its own; stopped with SIGTERM if it still runs."""
    environment = (
        os.environ
        | {
            "DATABASE_URL": database_url,
            "EMAIL_URL": f"smtp://127.0.0.1:{port}",
            "NOTIFICATIONS_SEND": "worker",
            "SECRET_KEY": settings.SECRET_KEY,
            "DEBUG": "false",
        }
        | more
    )
    process = subprocess.Popen(
        [sys.executable, "manage.py", "send_notifications"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE)


def let_leases_run_out(database_url):
    """As if the dead worker's lease had been over for a while."""
    statement = (
        "UPDATE notifications_outgoingemail SET leased_until = '2020-01-01 00:00:00+00:00' "
        "WHERE state = 'sending'"
    )
    if not database_url.startswith("sqlite"):
        with transaction.atomic(), connection.cursor() as cursor:
            # A claim that PostgreSQL still writes for a worker that was killed is to be seen.
            cursor.execute("LOCK TABLE notifications_outgoingemail IN EXCLUSIVE MODE")
            cursor.execute(statement)
        return
    file = sqlite3.connect(database_url.removeprefix("sqlite:///"), timeout=PATIENCE)
    with contextlib.closing(file), file:
        file.execute(statement)
