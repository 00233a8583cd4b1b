"""What readers cost: visitors' pages beside an empty view, pages of who is signed in beside a plain list.

The plain list is what Django gives without any of ours: 20 cards from one query, behind the same middleware.
"""

import argparse
from collections.abc import Callable
from functools import partial

from benchmarks import load, race, world
from benchmarks.evento_server import EventoServer
from benchmarks.race import Way

CONNECTIONS = 8
TICKETS_EACH = 20  # as many as one page shows
VISITS_EACH = 10  # a visitor's page is made once a second, so a turn must last about as long
EMPTY, PLAIN = "empty view", "plain list, signed in"


def measure(
    place: world.World, server: EventoServer, asked: argparse.Namespace
) -> list[tuple[str, list[list[str]]]]:
    """A table of visitors, and one of people who are signed in."""
    return [
        (title, race.race(ways, server, rounds=asked.rounds, connections=CONNECTIONS))
        for title, ways in (
            ("Visitors", visitors(place, asked.people)),
            ("Signed in", people(place)),
        )
    ]


def visitors(place: world.World, count: int) -> list[Way]:
    event = f"/events/{place.slugs[0]}"
    pages = {
        "list": "/",
        "calendar": place.month,
        "event": f"{event}/",
        "calendar file": f"{event}.ics",
    }

    def asking(path: str) -> Callable[[str], list[bytes]]:
        return lambda host: [load.get(host, path)] * count * VISITS_EACH

    yardstick = asking("/yardsticks/empty/")
    return [
        Way(EMPTY, "200", yardstick),
        Way("empty view again", "200", yardstick, base=EMPTY),
        *(Way(name, "200", asking(path), base=EMPTY) for name, path in pages.items()),
    ]


def people(place: world.World) -> list[Way]:
    def asking(path: str) -> Callable[[str], list[bytes]]:
        return lambda host: [load.get(host, path, cookie) for cookie in place.cookies]

    yardstick = asking("/yardsticks/list/")
    return [
        Way(PLAIN, "200", yardstick, prepare=place.reset),
        Way("plain list again", "200", yardstick, base=PLAIN, prepare=place.reset),
        Way("list", "200", asking("/"), base=PLAIN, prepare=place.reset),
        Way("my tickets, none", "200", asking("/tickets/"), base=PLAIN, prepare=place.reset),
        Way(
            "my tickets, 20",
            "200",
            asking("/tickets/"),
            base=PLAIN,
            prepare=partial(place.give_tickets, TICKETS_EACH),
        ),
        Way("event", "200", asking(f"/events/{place.slugs[0]}/"), base=PLAIN, prepare=place.reset),
    ]
