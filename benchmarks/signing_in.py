"""People who sign in at once, beside the check of a password and nothing else.

Each from an address of their own, also where as many old counts are kept as come together with time; and
twenty behind one, as at a university: what an address may do is counted under a lock.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from ipaddress import ip_address

import psycopg

from benchmarks import load, race, world
from benchmarks.evento_server import serving
from benchmarks.race import Way

CONNECTIONS = 8
BEHIND_ONE = 20  # fewer than may sign in from one address in a minute
FIRST_ADDRESS = ip_address("10.0.0.1")
PASSWORD = "correct horse battery staple"
HASHING = (
    "import django; django.setup(); from django.contrib.auth.hashers import make_password;"
    f"print(make_password({PASSWORD!r}))"
)
OLD_COUNTS = (
    90_000  # Django lets 100,000 come together before it takes away those that have expired
)
YARDSTICK = "password alone"
WRITTEN_TABLES = ("evento_cache", "django_session", "usersessions_usersession")


def measure(asked: argparse.Namespace) -> Iterator[tuple[str, list[list[str]]]]:
    """One table."""
    built = world.built(f"{asked.database}_signing_in", people=asked.people, server=asked.server)
    with built as place, serving(place, workers=asked.workers, TRUSTED_PROXY_COUNT="1") as server:
        people = range(asked.people)
        give_password(place, people)
        rows = race.race(ways(place, people), server, rounds=asked.rounds, connections=CONNECTIONS)
        yield f"Signing in over {CONNECTIONS} connections", rows


def ways(place: world.World, people: Sequence[int]) -> list[Way]:
    def asking(path: str, behind_one: int) -> Callable[[str], list[bytes]]:
        return lambda host: [
            form(place, host, path, n, address=str(FIRST_ADDRESS + n // behind_one)) for n in people
        ]

    def keep_old_counts() -> None:
        place.database.empty(WRITTEN_TABLES)
        place.database.ask(
            "INSERT INTO evento_cache SELECT 'old' || number, 'gAWILg==', now() - interval '1 day' "
            "FROM generate_series(1, %s) number",
            [OLD_COUNTS],
        )

    prepare = partial(place.database.empty, WRITTEN_TABLES)
    yardstick = asking("/yardsticks/password/", 1)
    signing_in = partial(Way, wanted="302 //", base=YARDSTICK, prepare=prepare)
    return [
        Way(YARDSTICK, "204", yardstick),
        Way("password alone again", "204", yardstick, base=YARDSTICK),
        signing_in("sign-in", requests=asking("/accounts/login/", 1)),
        signing_in(
            f"sign-in, {OLD_COUNTS:,} old counts",
            requests=asking("/accounts/login/", 1),
            prepare=keep_old_counts,
        ),
        signing_in(f"{BEHIND_ONE} behind one", requests=asking("/accounts/login/", BEHIND_ONE)),
    ]


def form(place: world.World, host: str, path: str, number: int, *, address: str = "") -> bytes:
    """The sign-in form of that person."""
    return load.form_post(
        host,
        path,
        f"csrftoken={place.csrf_secret}",
        {
            "csrfmiddlewaretoken": place.csrf_secret,
            "login": f"guest{number}@example.org",
            "password": PASSWORD,
        },
        address=address,
    )


def give_password(place: world.World, people: Sequence[int]) -> None:
    """Let these sign in with PASSWORD. It ends the sessions that they have."""
    hashed = world.python(place.url, "-c", HASHING).strip()
    names = [f"guest{n}" for n in people]
    with psycopg.connect(place.url) as connection:
        connection.execute(
            "UPDATE accounts_user SET password = %s WHERE username = ANY(%s)", [hashed, names]
        )
