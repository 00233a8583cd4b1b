"""The limit of PostgreSQL: psycopg in as many processes as the server has, and pgbench over 8 connections."""

import re
import shutil
import subprocess
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import psycopg

from benchmarks.engines import PostgreSQL
from benchmarks.limit import Bare, Job, Turn, book_for_a_while, statements, together

PROCESSES = 2
PGBENCH_CLIENTS = 8


def turns() -> dict[str, Turn]:
    """The ways to drive it, the one that others are a share of first."""
    return {
        f"psycopg, {PROCESSES} processes": _by_psycopg,
        f"pgbench, {PGBENCH_CLIENTS} clients": _by_pgbench,
    }


def _by_psycopg(job: Job) -> Bare:
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        list(pool.map(abs, range(PROCESSES)))  # the processes are there before the clock starts
        return together(list(pool.map(partial(_client, job), range(PROCESSES))))


def _client(job: Job, number: int) -> Bare:
    insert, update = statements(PostgreSQL(job.url), "%s", "%s")
    with psycopg.connect(job.url, prepare_threshold=1) as connection:

        def book(holder: int) -> None:
            connection.execute(insert, [job.event, holder])
            connection.execute(update, [job.event]).fetchone()
            connection.commit()

        return book_for_a_while(book, job, number)


def _by_pgbench(job: Job) -> Bare:
    """Raises RuntimeError where there is no pgbench."""
    debians = Path("/usr/lib/postgresql").glob("*/bin/pgbench")
    found = shutil.which("pgbench") or next(debians, None)
    if found is None:
        raise RuntimeError("pgbench is missing: it comes with PostgreSQL's server.")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "booking.sql"
        file.write_text(_script(job))
        asked = f"-n -M prepared -c {PGBENCH_CLIENTS} -j 2 -T {max(1, round(job.seconds))}".split()
        done = subprocess.run(
            [found, *asked, "-f", str(file), job.url], capture_output=True, text=True, check=True
        )
    return Bare(float(re.search(r"tps = ([0-9.]+)", done.stdout)[1]))


def _script(job: Job) -> str:
    made = statements(PostgreSQL(job.url), f"'{job.event}'", ":n")
    one_line_each = (" ".join(statement.split()) + ";" for statement in made)
    return "\n".join((f"\\set n random(1, {job.people})", "BEGIN;", *one_line_each, "COMMIT;"))
