"""How many bookings a second the API allows, beside the page: `python -m benchmarks.api`.

Distinct people book one hot event over 8 connections, on one server as it is deployed: by the page's form,
by the API with an access token, and by the API with the site's session. The ways take short turns, in each
round in another order. The page takes part twice, so that its second line shows how far from 1 chance
alone leads.
"""

import argparse
import asyncio
import json
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from benchmarks import load, world
from benchmarks.evento_server import EventoServer, serving
from benchmarks.serving import CONNECTIONS, REQUESTS_EACH, ratio_with_interval
from benchmarks.tables import markdown

COLUMNS = ["way", "bookings/s", "ratio", "95 %", "p50 ms", "p95 ms", "CPU ms each", "not booked"]


@dataclass
class Way:
    """One way to book: its requests, made anew for each turn, and what became of them."""

    name: str
    booked: str  # the status that says so
    requests: Callable[[str], Sequence[bytes]]
    loads: list[load.Load] = field(default_factory=list)  # one for each round
    cpu_seconds: float = 0.0  # of the server and the database
    missing: int = 0

    @property
    def rates(self) -> list[float]:
        return [it.rate for it in self.loads]

    def cells(self, base: Sequence[float]) -> list[str]:
        """Its line of the table, compared with the rates of another."""
        ratio, low, high = ratio_with_interval(self.rates, base)
        whole = sum(self.loads, load.Load())
        wrong = {k: n for k, n in whole.answers.items() if not k.startswith(self.booked)}
        wrong |= {"no ticket": self.missing} if self.missing else {}
        return [
            self.name,
            f"{median(self.rates):.0f}",
            f"{ratio:.3f}",
            f"{low:.3f}-{high:.3f}",
            *(f"{1000 * whole.percentile(share):.1f}" for share in (50, 95)),
            f"{1000 * self.cpu_seconds / whole.answers.total():.2f}",
            ", ".join(f"{count} x {label}" for label, count in wrong.items()) or "none",
        ]


def ways(place: world.World) -> list[Way]:
    slug, secret = place.slugs[0], place.csrf_secret
    form, path = f"/events/{slug}/ticket/", f"/api/v1/events/{slug}/ticket"
    tokens = [{"Authorization": f"Bearer {token}"} for token in access_tokens(place)]
    sessions = [{"Cookie": cookie, "X-CSRFToken": secret} for cookie in place.cookies]

    def by_page(host: str) -> list[bytes]:
        fields = {"csrfmiddlewaretoken": secret}
        return [load.form_post(host, form, cookie, fields) for cookie in place.cookies]

    return [
        Way("page", "302", by_page),
        Way("page again", "302", by_page),
        Way("API, access token", "201", lambda host: [post(host, path, it) for it in tokens]),
        Way("API, session", "201", lambda host: [post(host, path, it) for it in sessions]),
    ]


def access_tokens(place: world.World) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.tokens"],
        cwd=world.ROOT,
        env=place.environment,
        input=json.dumps(place.cookies),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def post(host: str, path: str, headers: dict[str, str]) -> bytes:
    """The bytes of a program's POST of an empty object."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\n{lines}"
    return f"{head}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}".encode()


def take_turn(way: Way, server: EventoServer, place: world.World, *, counts: bool) -> None:
    """Everybody books in one way."""
    place.reset()
    requests = way.requests(f"127.0.0.1:{server.port}")
    before = server.usage()
    seen = asyncio.run(
        load.drive(server.port, requests, connections=CONNECTIONS, requests_each=REQUESTS_EACH)
    )
    if counts:
        way.loads.append(seen)
        way.cpu_seconds += (server.usage() - before).cpu
        way.missing += len(requests) - place.tickets()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--bookings", type=int, default=300, help="in each turn")
    parser.add_argument("--database", default="bench_api", help="made and dropped")
    return parser.parse_args()


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_args: sys.exit(1))  # so that the server is stopped
    asked = arguments()
    with world.built(asked.database, people=asked.bookings) as place, serving(place) as server:
        racing = ways(place)
        for way in racing:
            take_turn(way, server, place, counts=False)  # to warm up
        rng = random.Random(2)
        for number in range(asked.rounds):
            for way in rng.sample(racing, len(racing)):
                take_turn(way, server, place, counts=True)
            print(f"{number + 1}: {', '.join(f'{it.name} {it.rates[-1]:.0f}' for it in racing)}")
    print(f"\n{markdown([COLUMNS, *(way.cells(racing[0].rates) for way in racing)])}")


if __name__ == "__main__":
    main()
