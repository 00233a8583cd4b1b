"""The site over SQLite, with statements that each connection runs first: test_storage_faults.py.

They are read anew for each new connection and each request, from the file that PROOF_STATEMENTS names.
"""

import os
from pathlib import Path

from django.core.signals import request_started
from django.db import connection as threads_own
from django.db.backends.signals import connection_created

from evento.asgi import application

__all__ = ["application"]


def run_statements(connection=threads_own, **_anything):
    if connection.connection is not None:
        connection.connection.executescript(Path(os.environ["PROOF_STATEMENTS"]).read_text())


connection_created.connect(run_statements)
request_started.connect(run_statements)
