"""Telling many: the request that cancels an event, beside how many hold a ticket; mails a second, and memory.

Mails go to a local server (aiosmtpd) in this process. What its rate is compared with is the same mails sent
to it by bare smtplib, one connection for each process.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from benchmarks import load, mailing, processes, world
from benchmarks.evento_server import serving
from benchmarks.tables import middle
from benchmarks.turns import TimedWay, compared, timed_race

EVENTS_EACH = 4  # of each size: so many cancellations in a turn
SENDERS = (1, 2, 4)
WARM_UP = 100  # mails
MAIL_SECONDS = 600  # without one more mail
LOOKS = 20  # at the worker's memory while it tells everybody

HOLDERS = """
INSERT INTO accounts_user (id, password, is_superuser, is_staff, is_active, date_joined,
    username, email, display_name, role, time_zone)
SELECT gen_random_uuid(), '!', false, false, true, now(),
    'holder' || n, 'holder' || n || '@example.org', 'Holder ' || n, 'attendee', 'UTC'
FROM generate_series(1, %s) AS n
"""
TICKETS = """
INSERT INTO tickets_ticket (id, event_id, holder_id, code, status, note, booked_at, updated_at)
SELECT gen_random_uuid(), event.id, holder.id, lpad((random() * 1e18)::bigint::text, 20, '0'),
    'valid', '', now(), now()
FROM events_event event, (SELECT id FROM accounts_user WHERE username LIKE 'holder%%' LIMIT %s) holder
WHERE event.slug = %s
"""
UNCANCEL = """
UPDATE events_event SET status = 'published', cancelled_at = NULL WHERE status = 'cancelled';
DELETE FROM notifications_announcement
"""
REQUEUE = """
UPDATE notifications_outgoingemail SET state = 'queued', attempts = 0, next_attempt_at = now()
WHERE id IN (SELECT id FROM notifications_outgoingemail ORDER BY created_at, id LIMIT %s)
"""  # of those that were written one after the other, as what is due at once was


def measure(asked: argparse.Namespace) -> Iterator[tuple[str, list[list[str]]]]:
    """Three tables: the request, the rates, and everybody told once."""
    small, large = sorted({min(500, asked.holders // 2), asked.holders})
    with world.built(
        f"{asked.database}_telling", people=1, events=2 * EVENTS_EACH, server=asked.server
    ) as place:
        sizes = dict.fromkeys(place.slugs[:EVENTS_EACH], small)
        sizes |= dict.fromkeys(place.slugs[EVENTS_EACH:], large)
        _fill(place, sizes)
        with serving(place, workers=asked.workers) as server:
            ways = [
                _cancelling(place, small, place.slugs[:EVENTS_EACH]),
                _cancelling(place, large, place.slugs[EVENTS_EACH:], base=small),
            ]
            rows = timed_race(ways, server, rounds=asked.rounds)
            yield "The request that cancels an event", rows
        with mailing.mail_server() as (inbox, port), tempfile.TemporaryDirectory() as folder:
            _cancel_by_sql(place, place.slugs[-1])
            yield f"All {large} holders told by one worker", _everybody(place, inbox, port, large)
            rows = _rates(place, inbox, port, asked, Path(folder))
            yield f"Mails a second, {asked.mails} in each turn", rows


def _fill(place: world.World, sizes: dict[str, int]) -> None:
    with psycopg.connect(place.url, autocommit=True) as connection:
        connection.execute("UPDATE accounts_user SET is_staff = true, is_superuser = true")
        connection.execute(HOLDERS, [max(sizes.values())])
        for slug, count in sizes.items():
            connection.execute(TICKETS, [count, slug])
            connection.execute(
                "UPDATE events_event SET places_taken = %s WHERE slug = %s", [count, slug]
            )
        connection.execute("VACUUM ANALYZE")


def _named(holders: int) -> str:
    return f"{holders:,} holders"


def _cancelling(
    place: world.World, holders: int, slugs: list[str], base: int | None = None
) -> TimedWay:
    with psycopg.connect(place.url) as connection:
        found = connection.execute("SELECT id FROM events_event WHERE slug = ANY(%s)", [slugs])
        ids = [row[0] for row in found.fetchall()]
    fields = {"csrfmiddlewaretoken": place.csrf_secret, "reason": "The hall is flooded."}

    def requests(host: str) -> list[bytes]:
        paths = [f"/admin/events/event/{event_id}/cancel/" for event_id in ids]
        return [load.form_post(host, path, place.cookies[0], fields) for path in paths]

    def prepare() -> None:
        with psycopg.connect(place.url, autocommit=True) as connection:
            connection.execute(UNCANCEL)

    return TimedWay(
        _named(holders),
        "302 /admin/",
        requests,
        base=_named(base) if base else "",
        prepare=prepare,
        lost=lambda asked: asked - place.rows("notifications_announcement"),
    )


def _cancel_by_sql(place: world.World, slug: str) -> None:
    """One event cancelled and announced, nothing else: what the request leaves for the worker."""
    with psycopg.connect(place.url, autocommit=True) as connection:
        connection.execute(UNCANCEL)
        connection.execute(
            "UPDATE events_event SET status = 'cancelled', cancelled_at = now() WHERE slug = %s",
            [slug],
        )
        connection.execute(
            "INSERT INTO notifications_announcement (id, kind, about, context, caused_at,"
            " expanded_up_to, next_attempt_at, last_error)"
            " SELECT gen_random_uuid(), 'tickets.event_cancelled', id,"
            " jsonb_build_object('event', id, 'title', title, 'reason', ''), now(), '', now(), ''"
            " FROM events_event WHERE slug = %s",
            [slug],
        )


def _everybody(
    place: world.World, inbox: mailing.Inbox, port: int, holders: int
) -> list[list[str]]:
    """From the announcement to the last mail; the worker's memory on the way."""
    inbox.clear()
    began = time.perf_counter()
    memory, looks = [], [holders * n // LOOKS for n in range(1, LOOKS + 1)]
    with mailing.workers(place, port, 1) as (pid,):
        for count in looks:
            inbox.wait_for(count, seconds=MAIL_SECONDS)
            memory.append(processes.memory_of(pid).pss_megabytes)
        cpu = processes.cpu_seconds_of(pid)
    wrong = holders - len(inbox.people) or inbox.count - holders
    head = ["people told", "seconds", "mails/s", "CPU ms each", "PSS MB at 5 %, 50 %, 100 %, most"]
    marks = [memory[0], memory[LOOKS // 2 - 1], memory[-1], max(memory)]
    return [
        [*head, "wrong"],
        [
            f"{len(inbox.people):,}",
            f"{inbox.last - began:.0f}",
            f"{inbox.rate():.0f}",
            f"{1000 * cpu / holders:.2f}",
            ", ".join(f"{value:.0f}" for value in marks),
            str(wrong or "none"),
        ],
    ]


@dataclass
class _Sending:
    """One way of sending a turn's mails, and what became of it in each round."""

    name: str
    base: str
    turn: Callable[[], tuple[float, float]]  # mails a second, CPU seconds of those who send
    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def _rates(
    place: world.World, inbox: mailing.Inbox, port: int, asked: argparse.Namespace, folder: Path
) -> list[list[str]]:
    count = min(asked.mails, len(inbox.mails))
    mails = inbox.mails[:count]

    def evento(senders: int) -> tuple[float, float]:
        with mailing.workers(place, port, senders) as pids:
            before = sum(map(processes.cpu_seconds_of, pids))
            with _all_new(inbox, count), psycopg.connect(place.url) as connection:
                connection.execute(REQUEUE, [count])
            return inbox.rate(), sum(map(processes.cpu_seconds_of, pids)) - before

    def bare(senders: int) -> tuple[float, float]:
        with mailing.bare_senders(mails, port, senders, folder) as begin:
            with _all_new(inbox, count):
                begin()
            return inbox.rate(), 0.0

    ways = []
    for senders in SENDERS:
        name = f"bare smtplib x {senders}"
        ways.append(_Sending(name, name, lambda senders=senders: bare(senders)))
        ways.append(_Sending(f"worker x {senders}", name, lambda senders=senders: evento(senders)))
    for number in range(asked.rounds):
        for way in ways if number % 2 else reversed(ways):
            rate, cpu = way.turn()
            way.rates.append(rate)
            way.cpu.append(1000 * cpu / count)
        print(f"{number + 1}: {', '.join(f'{it.name} {it.rates[-1]:.0f}' for it in ways)}")
    named = {way.name: way for way in ways}
    head = ["who sends", "mails/s", "of", "ratio", "95 %", "CPU ms each", "wrong"]
    return [
        head,
        *(
            [
                *(way.name, middle(way.rates), way.base),
                *compared(way.rates, named[way.base].rates),
                *(middle(way.cpu, 2) if any(way.cpu) else "", "none"),
            ]
            for way in ways
        ),
    ]


@contextmanager
def _all_new(inbox: mailing.Inbox, count: int) -> Iterator[None]:
    """What is begun inside brings `count` mails to as many people. Raises RuntimeError if it does not."""
    inbox.clear()
    yield
    inbox.wait_for(count, seconds=MAIL_SECONDS)
    if len(inbox.people) != count:
        raise RuntimeError(f"{count} mails came to {len(inbox.people)} people.")
