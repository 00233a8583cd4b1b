"""`make test`: all tests on SQLite and on PostgreSQL, branch coverage over both together.

`python -m tests.run_all [--no-cov] [--on=PostgreSQL] [pytest arguments]`, or `--has-postgresql` to ask only.
PostgreSQL is used when it answers; with CI=true it must. TEST_DATABASE_URL names a server that allows making
databases. The closing lines of a run of all tests stay in test-results/closing.txt.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import psycopg

from tests import uncovered

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "test-results"
# What a developer's machine, a container and a CI service usually have.
USUAL_SERVERS = (
    "postgres://postgres@127.0.0.1:5432/postgres",
    "postgres://postgres:postgres@127.0.0.1:5432/postgres",
    "postgres://evento:evento@127.0.0.1:5432/postgres",
)
IN_CI = os.environ.get("CI") == "true"


def say(text):
    print(text, flush=True)  # noqa: T201


def usable(url):
    """Whether the server answers and lets us make databases."""
    try:
        with psycopg.connect(url, connect_timeout=3) as connection:
            query = "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
            return connection.execute(query).fetchone() == (True,)
    except psycopg.OperationalError:
        return False


def postgresql_url():
    """The URL for pytest on PostgreSQL, which makes `test_<name>`; None when none answers."""
    named = os.environ.get("TEST_DATABASE_URL") or os.environ.get("DATABASE_URL", "")
    candidates = [named] if named.startswith("postgres") else []
    for url in [*candidates, *USUAL_SERVERS]:
        if usable(url):
            # Two checkouts on one machine must not meet in one database.
            own = hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]
            return f"{url.rpartition('/')[0]}/evento_{own}"
    return None


def run_pytest(engine, database_url, arguments, *, coverage):
    """One run; shows its output as it comes. Return its exit status and its closing line.

    `coverage`: the options of pytest that have it measured, if any.
    """
    command = [sys.executable, "-m", "pytest", *arguments]
    if not any(argument.startswith(("-n", "--numprocesses")) for argument in arguments):
        # One more than the cores of a small machine: a browser and a server are often waited for.
        command += ["-n", "3", "--dist", "loadfile"]
    # pytest-playwright empties its output folder at each start.
    command += ["--output", str(RESULTS / "browser"), f"--junit-xml={RESULTS / f'{engine}.xml'}"]
    command += coverage
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "COVERAGE_FILE": str(ROOT / f".coverage.{engine}"),
    }
    say(f"\n== {engine}")
    closing = ""
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout:
            print(line, end="", flush=True)  # noqa: T201
            closing = line.strip() or closing
    return process.returncode, closing


def measuring(runs):
    """By database, the options that have coverage measured: where all is run twice, not all of it twice."""
    all_of_it = ["--cov", "--cov-report=", "--cov-fail-under=0"]
    once = ["-p", "tests.measured_once"] if len(runs) > 1 else []
    return {"SQLite": all_of_it + once, "PostgreSQL": all_of_it}


def report_coverage(*, both):
    """Combine the runs, keep HTML and XML, print the tables; whether it is enough, and each app's share.

    What runs on PostgreSQL alone is no gap when there is none, so gaps are looked for after both only. They
    are named and no failure: which lines of a race are run is chance.
    """
    tool = [sys.executable, "-m", "coverage"]
    subprocess.run([*tool, "combine", "--quiet"], cwd=ROOT, check=True)
    subprocess.run([*tool, "html", "--quiet", "--fail-under=0"], cwd=ROOT, check=True)
    subprocess.run([*tool, "xml", "--quiet", "--fail-under=0"], cwd=ROOT, check=True)
    enough = subprocess.run([*tool, "report"], cwd=ROOT, check=False).returncode == 0
    files = uncovered.measured()
    gaps, known = uncovered.gaps(files), uncovered.listed()
    unlisted = uncovered.unlisted(gaps, known) if both else []
    say("\n".join([*unlisted, *uncovered.stale(gaps, known)]))
    return enough, uncovered.by_app(files)


def engines():
    """Name and URL of each database to run on."""
    yield "SQLite", f"sqlite:///{RESULTS / 'tests.sqlite3'}"
    url = postgresql_url()
    if url:
        yield "PostgreSQL", url
    elif IN_CI:
        sys.exit("PostgreSQL does not answer, and in CI it must (TEST_DATABASE_URL names one).")
    else:
        say("\nPostgreSQL does not answer, so these tests run on SQLite alone.")


def main(arguments):
    if arguments == ["--has-postgresql"]:
        return 0 if postgresql_url() else 1
    coverage = "--no-cov" not in arguments
    only = {it.removeprefix("--on=") for it in arguments if it.startswith("--on=")}
    arguments = [it for it in arguments if it != "--no-cov" and not it.startswith("--on=")]
    # A choice of tests says nothing about coverage.
    coverage = coverage and not arguments
    RESULTS.mkdir(exist_ok=True)
    closing_lines = RESULTS / "closing.txt"
    if coverage:
        closing_lines.unlink(missing_ok=True)
    for old in [*ROOT.glob(".coverage"), *ROOT.glob(".coverage.*")]:
        old.unlink()
    failed, closings = False, []
    runs = [it for it in engines() if not only or it[0] in only]
    options = measuring(runs) if coverage else {}
    for engine, url in runs:
        status, closing = run_pytest(engine, url, arguments, coverage=options.get(engine, []))
        failed = failed or status != 0
        closings.append(f"{engine}: {closing}")
    if coverage:
        say("\n== Coverage of both together (htmlcov/index.html, coverage.xml)")
        enough, shares = report_coverage(both=len(closings) > 1)
        failed = failed or not enough
        closings.append(f"Coverage by app: {', '.join(shares)}")
    say("\n" + "\n".join(closings))
    if coverage:
        closing_lines.write_text("\n".join(closings) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
