"""All that Evento claims of its speed: `python -m benchmarks`, with names of measurements for fewer than all.

  rush      booking and being refused, by the page and the API, over 8, 32 and 256 connections; the limit
  reading   lists, calendar, event, my tickets

Each prints Markdown tables; `--smoke` does everything once and little of it, to see that it works. Load
generator, server and database share the machine. benchmarks.serving and benchmarks.streams are on their own.
"""

import argparse
import platform
import signal
import sys
from pathlib import Path

import psycopg

from benchmarks import reading, rush, world
from benchmarks.evento_server import serving
from benchmarks.tables import markdown

MEASUREMENTS = {"rush": rush.measure, "reading": reading.measure}
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
    parser.add_argument("--smoke", action="store_true", help="one round of 20 people")
    parser.add_argument("--database", default="bench", help="made and dropped")
    parser.add_argument("--server", default=world.SERVER_URL, help="where it is made")
    asked = parser.parse_args()
    if asked.smoke:
        asked.rounds, asked.people, asked.events = 1, 20, 20
        asked.crowds, asked.limit_seconds = [8], 1
    return asked


def machine(server: str) -> str:
    """What the figures are of."""
    names = [line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if "model name" in line]
    memory = next(line.split()[1] for line in _lines("/proc/meminfo") if "MemTotal" in line)
    with psycopg.connect(f"{server}/postgres") as connection:
        database = connection.info.parameter_status("server_version")
    return (
        f"{len(names)} x {names[0]}, {int(memory) // 2**20} GiB, Python {platform.python_version()}, "
        f"PostgreSQL {database}"
    )


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_args: sys.exit(1))  # so that servers are stopped
    asked = arguments()
    print(machine(asked.server))
    with (
        world.built(
            asked.database, people=asked.people, events=asked.events, server=asked.server
        ) as place,
        serving(place, workers=asked.workers) as server,
    ):
        for name in asked.measurements or MEASUREMENTS:
            for title, rows in MEASUREMENTS[name](place, server, asked):
                print(f"\n**{title}**\n\n{markdown(rows)}\n", flush=True)


if __name__ == "__main__":
    main()
