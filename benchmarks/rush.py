"""The day the tickets open: distinct people who are signed in each book one place, in every way there is.

By the page's form and through the API (access token, session), one hot event and spread over 1,000; refused,
because the event is full; and, to measure them by, a form that does nothing behind the same middleware, and
the bare UPDATE and INSERT (benchmarks.limit). On PostgreSQL, and on SQLite.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from benchmarks import limit, limit_postgresql, limit_sqlite, load, race, world
from benchmarks.evento_server import EventoServer, serving
from benchmarks.race import Way
from benchmarks.tables import ratio_with_interval

YARDSTICK = "empty signed-in POST"
PAGE = "page"
Tables = list[tuple[str, list[list[str]]]]


def measure(place: world.World, server: EventoServer, asked: argparse.Namespace) -> Tables:
    """On PostgreSQL: a table for each number of connections, one of the limit, one of what is its share."""
    return _measure(place, server, asked, limit_postgresql.turns())


def measure_on_sqlite(asked: argparse.Namespace) -> Tables:
    """The same on a file, with one process, as `make run` serves it (deploy/embedded.py)."""
    built = world.built_in_a_file(people=asked.people, events=asked.events)
    with built as place, serving(place, workers=1) as server:
        return _measure(place, server, asked, limit_sqlite.turns(place))


def _measure(
    place: world.World,
    server: EventoServer,
    asked: argparse.Namespace,
    turns: Mapping[str, limit.Turn],
) -> Tables:
    raced = {count: ways(place) for count in asked.crowds}
    race.run(raced, server, rounds=asked.rounds)
    tables = [
        (f"Booking over {count} connections", race.table(racing)) for count, racing in raced.items()
    ]
    if len(raced) > 1:
        tables.append((f"Of the rate over {min(raced)} connections, 95 %", crowded(raced)))
    bare = limit.measure(place, turns, asked.rounds, asked.limit_seconds)
    name, base = next(iter(bare.items()))
    tables.append(("The limit: bare SQL", limit.table(bare)))
    return [*tables, (f"Share of the limit ({name}), 95 %", shares(raced, base))]


def crowded(raced: Mapping[int, Sequence[Way]]) -> list[list[str]]:
    """A line for each way, a column for each larger crowd: its rate, of that over the fewest connections."""
    fewest, *more = sorted(raced)
    head = ["way", *(f"{count} connections" for count in more)]
    lines = [
        [way.name, *(_of(raced[count][number].rates, way.rates) for count in more)]
        for number, way in enumerate(raced[fewest])
    ]
    return [head, *lines]


def shares(raced: Mapping[int, Sequence[Way]], base: Sequence[limit.Bare]) -> list[list[str]]:
    """A line for each way, a column for each number of connections: how much of the limit's rate it has."""
    rates = [it.rate for it in base]
    names = [way.name for way in next(iter(raced.values()))]
    columns = [[_share(way.rates, rates) for way in racing] for racing in raced.values()]
    head = ["way", *(f"{count} connections" for count in raced)]
    return [head, *map(list, zip(names, *columns, strict=True))]


def _of(rates: Sequence[float], base: Sequence[float]) -> str:
    ratio, low, high = ratio_with_interval(rates, base)
    return f"{ratio:.2f} ({low:.2f}-{high:.2f})"


def _share(rates: Sequence[float], base: Sequence[float]) -> str:
    """Rounds of the two were at other moments, which widens the interval."""
    share, low, high = (100 * part for part in ratio_with_interval(rates, base))
    return f"{share:.1f} % ({low:.1f}-{high:.1f})"


def ways(place: world.World) -> list[Way]:
    hot, many = place.slugs[0], place.slugs[1:] or place.slugs
    tokens = [{"Authorization": f"Bearer {token}"} for token in access_tokens(place)]
    sessions = [{"Cookie": cookie, "X-CSRFToken": place.csrf_secret} for cookie in place.cookies]
    booking = partial(
        Way, base=PAGE, prepare=place.reset, lost=lambda asked: asked - place.tickets()
    )
    return [
        Way(YARDSTICK, "204", forms(place, ["/yardsticks/signed-in-post/"]), prepare=place.reset),
        booking(PAGE, "302 /tickets/", forms(place, [page_of(hot)]), base=YARDSTICK),
        booking("page again", "302 /tickets/", forms(place, [page_of(hot)])),
        booking("page, 1,000 events", "302 /tickets/", forms(place, [*map(page_of, many)])),
        booking("API, access token", "201", partial(programs, api_of(hot), tokens)),
        booking("API, session", "201", partial(programs, api_of(hot), sessions)),
        Way(
            "page, refused: FULL",
            "302 /events/",
            forms(place, [page_of(hot)]),
            base=PAGE,
            prepare=partial(place.fill, hot),
            lost=lambda _asked: place.rows("tickets_ticket"),
        ),
    ]


def page_of(slug: str) -> str:
    return f"/events/{slug}/ticket/"


def api_of(slug: str) -> str:
    return f"/api/v1/events/{slug}/ticket"


def forms(place: world.World, paths: Sequence[str]) -> Callable[[str], list[bytes]]:
    """Everybody's form, to one of `paths` after the other."""
    fields = {"csrfmiddlewaretoken": place.csrf_secret}

    def made(host: str) -> list[bytes]:
        return [
            load.form_post(host, paths[number % len(paths)], cookie, fields)
            for number, cookie in enumerate(place.cookies)
        ]

    return made


def programs(path: str, headers: Sequence[dict[str, str]], host: str) -> list[bytes]:
    """Everybody's POST of an empty object."""
    return [_program(path, each, host) for each in headers]


def _program(path: str, headers: dict[str, str], host: str) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\n{lines}"
    return f"{head}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}".encode()


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
