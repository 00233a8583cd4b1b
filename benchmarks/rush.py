"""The day the tickets open: distinct people who are signed in each book one place, in every way there is.

By the page's form and through the API (access token, session), one hot event and spread over 1,000; refused,
because the event is full; and, to measure them by, a form that does nothing behind the same middleware, and
the bare UPDATE and INSERT (benchmarks.limit).
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial

from benchmarks import limit, load, race, world
from benchmarks.evento_server import EventoServer
from benchmarks.race import Way

YARDSTICK = "empty signed-in POST"
PAGE = "page"


def measure(
    place: world.World, server: EventoServer, asked: argparse.Namespace
) -> list[tuple[str, list[list[str]]]]:
    """A table for each number of connections, and one of the limit."""
    tables = [
        (
            f"Booking over {count} connections",
            race.race(ways(place), server, rounds=asked.rounds, connections=count),
        )
        for count in asked.crowds
    ]
    bare = limit.measure(place, asked.rounds, asked.limit_seconds)
    return [*tables, ("The limit: bare SQL", bare)]


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
