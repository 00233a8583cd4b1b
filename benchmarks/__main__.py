"""All that Evento claims of its speed: `python -m benchmarks`, with names of measurements for fewer than all.

  rush         booking and being refused, by the page and the API, over 8, 32 and 256 connections; the limit
  rush-sqlite  the same on SQLite, served by one process
  reading      lists, calendar, event, my tickets
  signing-in   people who sign in, from addresses of their own and from one
  telling      cancelling an event with 500 and 50,000 holders; mails a second beside bare smtplib
  growth       booking, lists, my tickets and the admin's lists with a thousand to five million tickets
  plans        how PostgreSQL answers what the main pages ask: indexes, and tables that are read whole
  footprint    memory of all processes, time from start to the first page, sizes, queries and bytes of pages

Each prints Markdown tables; `--smoke` does everything once and little of it, to see that it works. Load
generator, server and database share the machine. benchmarks.serving and benchmarks.streams are on their own.
"""

import argparse
import platform
import signal
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import psycopg

from benchmarks import footprint, growth, plans, reading, rush, signing_in, telling, world
from benchmarks.evento_server import serving
from benchmarks.tables import markdown

ON_SQLITE = "rush-sqlite"  # the only one that does without PostgreSQL
SERVED = {"rush": rush.measure, "reading": reading.measure}  # by one server on one world
ALONE = {
    ON_SQLITE: rush.measure_on_sqlite,
    "signing-in": signing_in.measure,
    "telling": telling.measure,
    "growth": growth.measure,
    "plans": plans.measure,
    "footprint": footprint.measure,
}
MEASUREMENTS = [*SERVED, *ALONE]
EVENTS = 1000


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("measurements", nargs="*", choices=[[], *MEASUREMENTS], metavar="name")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--people", type=int, default=500, help="who ask once in each turn")
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--crowds", type=int, nargs="+", default=[8, 32, 256], help="connections")
    parser.add_argument("--limit-seconds", type=float, default=4, help="of bare SQL in each turn")
    parser.add_argument("--workers", type=int, default=2, help="processes of the server")
    parser.add_argument("--holders", type=int, default=50_000, help="of an event that is cancelled")
    parser.add_argument("--mails", type=int, default=2000, help="in each turn")
    parser.add_argument(
        "--tickets",
        type=int,
        nargs="+",
        default=[1000, 100_000, 5_000_000],
        help="sizes to grow to",
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        help="take databases of growth that are there, and leave them",
    )
    parser.add_argument("--smoke", action="store_true", help="one round of 20 people")
    parser.add_argument("--database", default="bench", help="made and dropped")
    parser.add_argument("--server", default=world.SERVER_URL, help="where it is made")
    asked = parser.parse_args()
    if asked.smoke:
        asked.rounds, asked.people, asked.events = 1, 20, 20
        asked.crowds, asked.limit_seconds = [4, 8], 1
        asked.holders, asked.mails, asked.tickets = 60, 40, [300]
    return asked


def machine(databases: str) -> str:
    """What the figures are of."""
    names = [line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if "model name" in line]
    memory = next(line.split()[1] for line in _lines("/proc/meminfo") if "MemTotal" in line)
    return (
        f"{len(names)} x {names[0]}, {int(memory) // 2**20} GiB, Python {platform.python_version()}, "
        f"{databases}"
    )


def databases(names: Sequence[str], server: str) -> str:
    """The versions of those that these measurements ask."""
    found = [f"SQLite {sqlite3.sqlite_version}"] if ON_SQLITE in names else []
    if set(names) - {ON_SQLITE}:
        with psycopg.connect(f"{server}/postgres") as connection:
            found.append(f"PostgreSQL {connection.info.parameter_status('server_version')}")
    return ", ".join(found)


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_args: sys.exit(1))  # so that servers are stopped
    asked = arguments()
    names = asked.measurements or MEASUREMENTS
    print(machine(databases(names, asked.server)))
    with ExitStack() as stack:
        if any(name in SERVED for name in names):
            sizes = {"people": asked.people, "events": asked.events}
            place = stack.enter_context(world.built(asked.database, **sizes, server=asked.server))
            server = stack.enter_context(serving(place, workers=asked.workers))
        for name in names:
            tables = SERVED[name](place, server, asked) if name in SERVED else ALONE[name](asked)
            for title, rows in tables:
                print(f"\n**{title}**\n\n{markdown(rows)}\n", flush=True)


if __name__ == "__main__":
    main()
