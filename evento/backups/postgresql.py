"""PostgreSQL's own programs: pg_dump, and pg_restore read by psql in one transaction."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import IO

from django.db import connection
from psycopg.pq import Conninfo

from evento.backups.archive import BackupError

COPY_BYTES = 1024 * 1024
# What the database held goes in the transaction that brings the other. Extensions stay.
BEFORE = """
BEGIN;
SET lock_timeout = '30s';
DO $evento$
DECLARE item record;
BEGIN
    FOR item IN SELECT relkind, format('public.%I', relname) AS name FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'S')
        ORDER BY relkind = 'S'
    LOOP
        EXECUTE format('DROP %s IF EXISTS %s CASCADE',
            CASE item.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, item.name);
    END LOOP;
    FOR item IN SELECT format('public.%I(%s)', proname, pg_get_function_identity_arguments(p.oid)) AS name
        FROM pg_proc p WHERE pronamespace = 'public'::regnamespace
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
    LOOP EXECUTE 'DROP FUNCTION IF EXISTS ' || item.name || ' CASCADE'; END LOOP;
END $evento$;
"""


def version() -> str:
    """The server's version, as its programs write it."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        number = int(cursor.fetchone()[0])
    return f"{number // 10000}.{number % 10000}"


def dump(target: Path) -> None:
    """Write the database as it is at one moment to `target`. Writers go on meanwhile."""
    _refuse_older("pg_dump", version())
    _run(["pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={target}"])


def restore(source: Path, after: str) -> None:
    """Put the dump in the place of the database, with the statements `after`, all of it or nothing."""
    _run(["pg_restore", "--list", str(source)])
    _refuse_older("psql", version())
    connection.close()
    with tempfile.TemporaryFile() as errors:
        psql = _start(["psql", "-X", "--quiet", "--set=ON_ERROR_STOP=1"], errors, reads=True)
        unpack = _start(
            ["pg_restore", "--no-owner", "--no-privileges", "--file=-", str(source)], errors
        )
        whole = _feed(psql, unpack, after)
        if psql.wait() or not whole:
            raise BackupError(_words(errors, "The database could not be restored; it is as it was"))


def _feed(psql: subprocess.Popen[bytes], unpack: subprocess.Popen[bytes], after: str) -> bool:
    """Hand the statements to psql, and the COMMIT only when pg_restore came to its end."""
    assert psql.stdin is not None  # noqa: S101 - for the types
    assert unpack.stdout is not None  # noqa: S101
    with unpack.stdout as dumped:
        try:
            # Closing writes what is left, and meets a psql that has ended as well.
            with psql.stdin as statements:
                statements.write(BEFORE.encode())
                shutil.copyfileobj(dumped, statements, COPY_BYTES)
                whole = unpack.wait() == 0
                if whole:
                    # pg_restore leaves an empty search path behind.
                    statements.write(f"\nSET search_path = public;\n{after}\nCOMMIT;\n".encode())
        except BrokenPipeError:  # psql has said why, and ended
            unpack.terminate()
            whole = False
    unpack.wait()
    return whole


def _start(
    command: list[str], errors: IO[bytes], *, reads: bool = False
) -> subprocess.Popen[bytes]:
    """A program that is fed (`reads`), or one whose output is taken."""
    return subprocess.Popen(  # noqa: S603 - a list, no shell
        [_path_of(command[0]), *command[1:]],
        stdin=subprocess.PIPE if reads else subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if reads else subprocess.PIPE,
        stderr=errors,
        env=_environment(),
    )


def _run(command: list[str]) -> str:
    """What the program printed. Raises BackupError with its own words when it fails."""
    with tempfile.TemporaryFile() as errors:
        done = subprocess.run(  # noqa: S603 - a list, no shell
            [_path_of(command[0]), *command[1:]],
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            check=False,
        )
        if done.returncode:
            raise BackupError(_words(errors, f"{command[0]} failed"))
    return done.stdout.decode(errors="replace")


def _words(errors: IO[bytes], what: str) -> str:
    errors.seek(0)
    said = errors.read().decode(errors="replace").split("\n")
    lines = [line.strip() for line in said if line.strip()]
    return f"{what}: {' '.join(lines[:3]) or 'it was ended from outside, or the disk is full'}"


def _path_of(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise BackupError(
            f"{program} is not installed. On Debian and Ubuntu: apt-get install postgresql-client"
        )
    return found


def _refuse_older(program: str, server: str) -> None:
    """Raise BackupError when the client is older than the server: pg_dump would refuse it."""
    found = re.search(r"(\d+)(?:\.\d+)*", _run([program, "--version"]))
    major = int(server.split(".", maxsplit=1)[0])
    if found is None or int(found[1]) < major:
        older = found[0] if found else "unknown"
        raise BackupError(
            f"{program} is of version {older} and the server of {server}: the client must not be the "
            f"older one. Install postgresql-client-{major}, and see that PATH finds it first."
        )


def _environment() -> dict[str, str]:
    """The connection as libpq's variables: a password on the command line could be read by others."""
    known = {
        option.keyword.decode(): option.envvar.decode()
        for option in Conninfo.get_defaults()
        if option.envvar
    }
    parameters = connection.get_connection_params()
    given = {
        known[name]: str(value)
        for name, value in parameters.items()
        if name in known and value not in (None, "") and name != "client_encoding"
    }
    return os.environ | given
