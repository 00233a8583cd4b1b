"""Growth: the same requests with a thousand, a hundred thousand and five million tickets in the database.

All databases and their servers are up at once and asked in turn. `create_demo` fills them: one large event
has a hundredth of the tickets, the others share the rest. On top come the same readers with the same tickets.
"""

import argparse
import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

import psycopg

from benchmarks import load, rush, world
from benchmarks.evento_server import EventoServer, serving
from benchmarks.turns import TimedWay, timed_race

READERS = 100  # each books once in a turn
PAGES = 20  # asked for in a turn
CONCERTS = 10  # events that each reader has a ticket for
PEOPLE_OF = 10  # tickets of each person of the demo, about
LARGE = 100  # the large event has one ticket in so many
ROWS_OF_A_PAGE = 50  # of the admin's list of tickets
MORE_THAN_A_PAGE = 60
FAR_PAGE = 1000
FAR = f"admin: tickets, page {FAR_PAGE:,}"
ROOM_FOR_ALL = 10_000_000

FILL = """
CREATE TABLE bench_cast (content text);
UPDATE accounts_user SET is_staff = true WHERE username = 'guest0';
UPDATE events_event SET capacity = {room}, near_capacity_at = NULL, full_at = NULL
WHERE title NOT LIKE 'Concert %' AND id = '{large}';
INSERT INTO tickets_ticket (id, event_id, holder_id, code, status, note, booked_at, updated_at)
SELECT gen_random_uuid(), event.id, guest.id, lpad((random() * 1e18)::bigint::text, 20, '0'),
    'valid', '', now() - interval '90 days', now()
FROM events_event event, accounts_user guest
WHERE event.title LIKE 'Concert %' AND guest.username LIKE 'guest%';
UPDATE events_event SET places_taken = {readers} WHERE title LIKE 'Concert %';
"""


@dataclass(frozen=True)
class Grown:
    """A world of some size: the large event in it, and what to search for."""

    tickets: int
    place: world.World
    large: str  # the large event's id
    slug: str
    code: str
    email: str
    name: str
    far: str  # the cursor of the thousandth page; empty where there are not so many

    def forget_bookings(self) -> None:
        """The readers have no ticket for the large event, and no notice of one."""
        with psycopg.connect(self.place.url, autocommit=True) as connection:
            readers = "(SELECT id FROM accounts_user WHERE username LIKE 'guest%%')"
            gone = connection.execute(
                f"DELETE FROM tickets_ticket WHERE event_id = %s AND holder_id IN {readers}",
                [self.large],
            ).rowcount
            connection.execute(
                "UPDATE events_event SET places_taken = places_taken - %s WHERE id = %s",
                [gone, self.large],
            )
            for table in ("notification", "outgoingemail"):
                connection.execute(
                    f"DELETE FROM notifications_{table} WHERE recipient_id IN {readers}", []
                )

    def missing(self, asked: int) -> int:
        with psycopg.connect(self.place.url) as connection:
            held = connection.execute(
                "SELECT COUNT(*) FROM tickets_ticket WHERE event_id = %s AND holder_id IN"
                " (SELECT id FROM accounts_user WHERE username LIKE 'guest%%')",
                [self.large],
            ).fetchone()[0]
        return asked - held


def measure(asked: argparse.Namespace) -> Iterator[tuple[str, list[list[str]]]]:
    """One table: each request at each size, compared with the least."""
    sizes = sorted(asked.tickets)
    with ExitStack() as stack:
        ways = []
        for tickets in sizes:
            print(f"Building {tickets:,} tickets ...", flush=True)
            grown = stack.enter_context(grown_to(asked, tickets))
            server = stack.enter_context(serving(grown.place, workers=asked.workers))
            ways += _ways(grown, server, least=sizes[0])
        yield "Growth", timed_race(ways, ways[0].server, rounds=asked.rounds)


def _ways(grown: Grown, server: EventoServer, *, least: int) -> list[TimedWay]:
    place = grown.place
    ways = [
        TimedWay(
            _named("booking", grown.tickets),
            "302 /tickets/",
            rush.forms(place, [rush.page_of(grown.slug)]),
            base=_named("booking", least),
            prepare=grown.forget_bookings,
            lost=grown.missing,
            server=server,
        )
    ]
    for name, (cookies, path) in pages(grown).items():
        way = _page(name, cookies, path, grown.tickets, least, server)
        if name == FAR:
            way.base = _named("admin: tickets", least)
        ways.append(way)
    return ways


def pages(grown: Grown) -> dict[str, tuple[list[str], str]]:
    """What is asked for: by whom (cookies), and the address."""
    everybody, staff = grown.place.cookies, grown.place.cookies[:1]
    tickets = "/admin/tickets/ticket/"
    of_event = f"{tickets}?event={grown.large}"
    found = {
        "list": (everybody, "/"),
        "my tickets": (everybody, "/tickets/"),
        "admin: tickets": (staff, tickets),
        "admin: tickets of the large event": (staff, of_event),
        "admin: events": (staff, "/admin/events/event/"),
        "admin: people": (staff, "/admin/accounts/user/"),
        "admin: search by code": (staff, f"{tickets}?q={grown.code}"),
        "admin: search by e-mail": (staff, f"{tickets}?q={grown.email}"),
        "admin: search by name in the large event": (staff, f"{of_event}&q={quote(grown.name)}"),
    }
    if grown.far:
        found[FAR] = (staff, f"{tickets}?after={grown.far}")
    return found


def _page(  # noqa: PLR0913, PLR0917
    name: str, cookies: list[str], path: str, tickets: int, least: int, server: EventoServer
) -> TimedWay:
    requests = partial(_gets, (cookies * PAGES)[:PAGES], path)
    base = _named(name, least)
    return TimedWay(_named(name, tickets), "200", requests, base=base, server=server)


def _gets(cookies: list[str], path: str, host: str) -> list[bytes]:
    return [load.get(host, path, cookie) for cookie in cookies]


def _named(what: str, tickets: int) -> str:
    return f"{what}, {tickets:,}"


@contextmanager
def grown_to(asked: argparse.Namespace, tickets: int) -> Iterator[Grown]:
    """A world with so many tickets."""
    name = f"{asked.database}_growth_{tickets}"
    database = world.kept if asked.keep else world.emptied
    with database(name, server=asked.server) as url:
        with psycopg.connect(url) as connection:
            is_filled = connection.execute("SELECT to_regclass('bench_cast')").fetchone()[0]
        if not is_filled:
            _fill(url, tickets)
        yield _found(url, tickets)


def _fill(url: str, tickets: int) -> None:
    """The large event first: the other events' people are others."""
    large = max(MORE_THAN_A_PAGE, tickets // LARGE)
    demo = partial(world.python, url, "manage.py", "create_demo")
    demo("--seed=2", "--events=1", f"--people={large + 10}", f"--tickets={large}")
    with psycopg.connect(url) as connection:
        event = connection.execute("SELECT id FROM events_event").fetchone()[0]
    people = max(100, tickets // PEOPLE_OF)
    demo("--seed=1", f"--people={people}", f"--tickets={tickets - large}")
    _add_readers(url, event)


def _add_readers(url: str, large: Any) -> None:
    filled = world.python(
        url, "-m", "benchmarks.filling", f"--people={READERS}", f"--events={CONCERTS}"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(FILL.format(room=ROOM_FOR_ALL, large=large, readers=READERS))
        cast = json.loads(filled) | {"large": str(large)}
        connection.execute("INSERT INTO bench_cast VALUES (%s)", [json.dumps(cast)])
        connection.execute("VACUUM ANALYZE")


def _found(url: str, tickets: int) -> Grown:
    with psycopg.connect(url) as connection:

        def one(query: str, *values: Any) -> Any:
            return connection.execute(query, values).fetchone()

        cast = json.loads(one("SELECT content FROM bench_cast")[0])
        large = cast.pop("large")
        (slug,) = one("SELECT slug FROM events_event WHERE id = %s", large)
        # Of somebody with this one ticket: a search by e-mail lists all that its person has.
        code, holder = one(
            "SELECT code, holder_id FROM tickets_ticket ticket WHERE event_id = %s AND NOT EXISTS"
            " (SELECT 1 FROM tickets_ticket WHERE holder_id = ticket.holder_id AND id <> ticket.id)"
            " LIMIT 1",
            large,
        )
        email, name = one("SELECT email, display_name FROM accounts_user WHERE id = %s", holder)
        last = one(
            "SELECT booked_at, id FROM tickets_ticket ORDER BY booked_at DESC, id DESC"
            " OFFSET %s LIMIT 1",
            (FAR_PAGE - 1) * ROWS_OF_A_PAGE - 1,
        )
    far = _cursor(last) if last else ""
    return Grown(tickets, world.World(url, **cast), large, slug, code, email, name, far)


def _cursor(key: tuple[Any, ...]) -> str:
    """As evento.http.pagination makes it."""
    moment, row_id = key
    words = json.dumps([moment.isoformat(), str(row_id)])
    return base64.urlsafe_b64encode(words.encode()).decode().rstrip("=")
