"""What open pages cost: `python -m benchmarks.streams`, with names of measurements for fewer than all.

  open      streams on one process: how fast they open, memory, CPU while nothing happens, pages beside
  bookings  how many bookings a second two processes take, with and without open streams
  delay     from a public change's commit to its frame, two processes
  restart   the server is killed and started again: when is everybody back

Each prints a Markdown table. Readers, server and database share the machine.
"""

import argparse
import signal
import sys
from collections.abc import Callable

from benchmarks import stream_bookings, stream_delay, stream_opening, stream_restart, world
from benchmarks.crowd import raise_file_limit
from benchmarks.tables import markdown

MEASUREMENTS: dict[str, Callable[[world.World, argparse.Namespace], list[list[str]]]] = {
    "open": stream_opening.measure,
    "bookings": stream_bookings.measure,
    "delay": stream_delay.measure,
    "restart": stream_restart.measure,
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("measurements", nargs="*", choices=[[], *MEASUREMENTS], metavar="name")
    parser.add_argument("--streams", type=int, default=5000)
    parser.add_argument("--few-streams", type=int, default=500, help="that follow every change")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bookings", type=int, default=500, help="in each turn")
    parser.add_argument("--idle-seconds", type=int, default=20)
    parser.add_argument("--rate", type=int, default=50, help="public changes a second")
    parser.add_argument("--seconds", type=int, default=30, help="of public changes")
    parser.add_argument(
        "--patience",
        type=int,
        default=0,
        help="seconds to wait, before each turn, for others to leave the machine alone",
    )
    parser.add_argument("--database", default="bench_streams", help="made and dropped")
    return parser.parse_args()


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_args: sys.exit(1))  # so that servers are stopped
    raise_file_limit()
    asked = arguments()
    people = max(asked.streams, asked.bookings)
    for name in asked.measurements or MEASUREMENTS:
        with world.built(asked.database, people=people) as place:
            print(f"{name} ...", flush=True)
            print(f"\n{markdown(MEASUREMENTS[name](place, asked))}\n", flush=True)


if __name__ == "__main__":
    main()
