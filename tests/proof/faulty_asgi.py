"""The site over SQLite, with statements that each new connection runs first: test_storage_faults.py.

They are read anew each time, from the file that PROOF_STATEMENTS names.
"""

import os
from pathlib import Path

from django.db.backends.signals import connection_created

from evento.asgi import application

__all__ = ["application"]


def run_statements(connection, **_anything):
    connection.connection.executescript(Path(os.environ["PROOF_STATEMENTS"]).read_text())


connection_created.connect(run_statements)
