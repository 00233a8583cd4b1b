"""Processes that race for the same rows, and what they race with.

Each racer is a real process with a connection of its own. It does one job at a time, with guards taken
out where a test says so (`GUARDS`), and waits at a gate between reading and writing (`HOLDS`): an
advisory lock, which the test keeps closed until every racer has come as far as it can. So the widest
window there is opens every time, without a clock, and with and without the guard it is the same one.
"""

import contextlib
import multiprocessing
import os
import time
from multiprocessing.connection import Connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evento.settings")

import django
from django.apps import apps

if not apps.ready:  # in the processes; the test run has set Django up
    django.setup()

# isort: split
import psycopg
from django.conf import settings
from django.db import connection
from psycopg import conninfo

from tests.patience import PATIENCE
from tests.proof import jobs

IDLE_SECONDS = 0.005
STOPPED = """
    SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted AND pid = ANY(%s)
"""


class Racer:
    """One process, seen from the test."""

    def __init__(self, database: dict, mail_port: int | None):
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, database, mail_port))
        self.process.start()
        theirs.close()
        self.backend = self.pipe.recv()

    def has_answered(self):
        return self.pipe.poll()

    def answer(self):
        assert self.pipe.poll(PATIENCE), "A racer does not come back."
        return self.pipe.recv()


class Racers:
    """Several of them on the test's own database. A context; `race` may be called again and again."""

    def __init__(self, count, *, mail_port=None):
        database = connection.settings_dict
        names = ("NAME", "HOST", "PORT", "USER", "PASSWORD")
        with contextlib.ExitStack() as stack:
            stack.callback(self.close)
            self.racers = []
            for _n in range(count):
                self.racers.append(Racer({name: database[name] for name in names}, mail_port))
            self.gate = psycopg.connect(
                conninfo.make_conninfo(
                    dbname=database["NAME"],
                    host=database["HOST"],
                    port=database["PORT"] or 5432,
                    user=database["USER"],
                    password=database["PASSWORD"],
                ),
                autocommit=True,
            )
            stack.pop_all()

    def __enter__(self):
        return self

    def __exit__(self, *_anything):
        self.close()

    def close(self):
        """End the processes, and with them their connections."""
        for racer in self.racers:
            racer.pipe.close()
        for racer in self.racers:
            racer.process.join(PATIENCE)
        if gate := self.__dict__.get("gate"):
            gate.close()

    def race(self, *work, without=(), hold=""):
        """Let one racer do each `(job, arguments)`; their outcomes in order.

        Each begins when those before it are done, wait at `hold` for the gate, or wait for each other. Then
        the gate opens for all.
        """
        entered = self.racers[: len(work)]
        assert len(entered) == len(work)
        self.gate.execute("SELECT pg_advisory_lock(%s)", [jobs.GATE])
        try:
            for n, (job, arguments) in enumerate(work, start=1):
                entered[n - 1].pipe.send((job, arguments, tuple(without), hold))
                self._until_nobody_goes_on(entered[:n])
        finally:
            self.gate.execute("SELECT pg_advisory_unlock(%s)", [jobs.GATE])
        return [racer.answer() for racer in entered]

    def all_at(self, job, each):
        """Let every racer do `job` with its own arguments, without holds; their outcomes."""
        for racer, arguments in zip(self.racers, each, strict=True):
            racer.pipe.send((job, arguments, (), ""))
        return [racer.pipe.recv() for racer in self.racers]

    def _until_nobody_goes_on(self, entered):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            running = [racer.backend for racer in entered if not racer.has_answered()]
            [stopped] = self.gate.execute(STOPPED, [running]).fetchone()
            if stopped == len(running):
                return
            time.sleep(IDLE_SECONDS)  # only so as not to ask without a pause
        raise AssertionError("The racers neither end nor wait.")


def _work(pipe: Connection, database: dict, mail_port: int | None):
    """A racer's life: take a job, do it, say what came of it; until the test hangs up."""
    connection.settings_dict |= database
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.TRANSPORT_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    if mail_port is not None:
        settings.TRANSPORT_BACKEND = "notifications.backends.SmtpBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", mail_port
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    jobs.count_deadlocks()
    connection.ensure_connection()
    pipe.send(connection.connection.info.backend_pid)
    while True:
        try:
            job, arguments, without, hold = pipe.recv()
        except EOFError:
            connection.close()
            return
        pipe.send(jobs.outcome_of(job, arguments, without, hold, at_gate=_wait_at_gate))


def _wait_at_gate():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock_shared(%s)", [jobs.GATE])
        cursor.execute("SELECT pg_advisory_unlock_shared(%s)", [jobs.GATE])
