"""How many bookings a second each way of serving pages allows: `python -m benchmarks.serving`.

Distinct people book one hot event by the page's own POST, over 8 connections. All candidates stand
ready at once and take short turns, in each round in another order: what else the machine does meanwhile
then falls on all of them alike. The baseline takes part twice, so that its second line shows how far
from 1 chance alone leads. The memory of each is read before, when it runs alone.
"""

import argparse
import asyncio
import random
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

from benchmarks import load, processes, world
from benchmarks.candidates import AGAIN, BASELINE, CANDIDATES, Candidate, Server, running
from benchmarks.tables import ratio_with_interval

CONNECTIONS = 8
REQUESTS_EACH = 10
BOOKED = "302 /tickets/"
COLUMNS = (
    "server",
    "bookings/s",
    "ratio",
    "95 %",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "CPU ms each",
    "PSS MB",
    "generator CPU",
    "not booked",
)


@dataclass
class Result:
    """What one candidate did in all rounds."""

    pss_megabytes: float = 0.0
    loads: list[load.Load] = field(default_factory=list)  # one for each round
    server_cpu_seconds: float = 0.0  # of its own processes, not of the database
    missing: int = 0  # people without a ticket, who were told that they have one or nothing

    @property
    def rates(self) -> list[float]:
        return [it.rate for it in self.loads]

    @property
    def whole(self) -> load.Load:
        """All rounds as if they had been one."""
        return sum(self.loads, load.Load())


def memory(candidate: Candidate, place: world.World, posts: int) -> float:
    """MB that its processes use, alone on the machine, after `posts` bookings."""
    place.reset()
    with running(candidate, place.environment) as server:
        book(server, booking_posts(place, server)[:posts], REQUESTS_EACH)
        return processes.usage_of_session(server.session).pss_megabytes


def take_turn(
    server: Server, place: world.World, asked: argparse.Namespace, result: Result
) -> None:
    """One candidate's turn in one round: everybody books."""
    place.reset()
    posts = booking_posts(place, server)
    before = processes.usage_of_session(server.session)
    result.loads.append(book(server, posts, asked.requests_each))
    after = processes.usage_of_session(server.session)
    result.server_cpu_seconds += after.cpu_seconds - before.cpu_seconds
    result.missing += len(posts) - place.tickets()


def booking_posts(place: world.World, server: Server) -> list[bytes]:
    host = f"127.0.0.1:{server.port}"
    path = f"/events/{place.slugs[0]}/ticket/"
    fields = {"csrfmiddlewaretoken": place.csrf_secret}
    return [load.form_post(host, path, cookie, fields) for cookie in place.cookies]


def book(server: Server, posts: Sequence[bytes], requests_each: int) -> load.Load:
    return asyncio.run(
        load.drive(server.port, posts, connections=CONNECTIONS, requests_each=requests_each)
    )


def table(results: dict[str, Result]) -> str:
    """A Markdown table, one line for each candidate."""
    base = results[BASELINE.name].rates
    lines = [f"| {' | '.join(COLUMNS)} |", "| --- " * len(COLUMNS) + "|"]
    lines += [f"| {' | '.join(cells(name, it, base))} |" for name, it in results.items()]
    return "\n".join(lines)


def cells(name: str, result: Result, base: Sequence[float]) -> list[str]:
    ratio, low, high = ratio_with_interval(result.rates, base)
    whole = result.whole
    wrong = Counter(whole.answers)
    wrong.pop(BOOKED, None)
    wrong["no ticket"] += result.missing
    return [
        name,
        f"{median(result.rates):.0f}",
        f"{ratio:.3f}",
        f"{low:.3f}-{high:.3f}",
        *(f"{1000 * whole.percentile(share):.1f}" for share in (50, 95, 99)),
        f"{1000 * result.server_cpu_seconds / whole.answers.total():.2f}",
        f"{result.pss_megabytes:.0f}",
        f"{100 * whole.cpu_share:.0f} %",
        ", ".join(f"{count} x {label}" for label, count in wrong.items() if count) or "none",
    ]


def chosen(names: Sequence[str]) -> list[Candidate]:
    """The baseline twice, and the candidates whose names contain one of `names`; all without any."""
    if not names:
        return list(CANDIDATES)
    found = [it for it in CANDIDATES if any(name in it.name for name in names)]
    return [BASELINE, AGAIN, *(it for it in found if it not in (BASELINE, AGAIN))]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("candidates", nargs="*", help="parts of names; all without any")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--bookings", type=int, default=300, help="in each turn")
    parser.add_argument(
        "--requests-each",
        type=int,
        default=REQUESTS_EACH,
        help="over one connection; 1: no keep-alive",
    )
    parser.add_argument("--database", default="bench_serving", help="made and dropped")
    return parser.parse_args()


def race(candidates: Sequence[Candidate], asked: argparse.Namespace) -> dict[str, Result]:
    results = {it.name: Result() for it in candidates}
    with world.built(asked.database, people=asked.bookings) as place, ExitStack() as stack:
        for it in candidates:
            results[it.name].pss_megabytes = memory(it, place, asked.bookings)
        servers = {
            it.name: stack.enter_context(running(it, place.environment)) for it in candidates
        }
        for name, server in servers.items():
            take_turn(server, place, asked, Result())  # to warm up
            print(f"{name} is warm", flush=True)
        rng = random.Random(2)
        for number in range(asked.rounds):
            for name in rng.sample(list(servers), len(servers)):
                take_turn(servers[name], place, asked, results[name])
            last = ", ".join(f"{name} {it.rates[-1]:.0f}" for name, it in results.items())
            print(f"{number + 1}: {last}", flush=True)
    return results


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_args: sys.exit(1))  # so that servers are stopped
    asked = arguments()
    print(f"\n{table(race(chosen(asked.candidates), asked))}")


if __name__ == "__main__":
    main()
