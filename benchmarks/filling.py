"""Fills a migrated database with people and events: run by `benchmarks.world`, prints JSON."""

import argparse
import json
from datetime import timedelta

import django

django.setup()

from allauth.account.models import EmailAddress  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.models import User  # noqa: E402
from events.models import Event  # noqa: E402
from tests.servers import CSRF_SECRET, sign_in  # noqa: E402

ROWS_AT_ONCE = 5000
ROOM_FOR_ALL = 10_000_000
FIRST_DAY = 14  # from today
EVENTS_A_DAY = 10


def people(count: int) -> list[User]:
    """People with a verified address, who could sign in if they had a password."""
    rows = [
        User(username=f"guest{n}", email=f"guest{n}@example.org", password="!")
        for n in range(count)
    ]
    User.objects.bulk_create(rows, ROWS_AT_ONCE)
    addresses = [
        EmailAddress(user=row, email=row.email, verified=True, primary=True) for row in rows
    ]
    EmailAddress.objects.bulk_create(addresses, ROWS_AT_ONCE)
    return rows


def events(count: int) -> list[Event]:
    """So many published events, EVENTS_A_DAY on each day from FIRST_DAY on."""
    now = timezone.now()
    made = [
        Event(
            title=f"Concert {n}",
            starts_at=now + timedelta(days=FIRST_DAY + n // EVENTS_A_DAY, hours=n % EVENTS_A_DAY),
            time_zone="Europe/London",
            duration=timedelta(hours=2),
            capacity=ROOM_FOR_ALL,
            location="Central Library, room 4",
            status=Event.Status.PUBLISHED,
            published_at=now,
        )
        for n in range(count)
    ]
    for event in made:
        event.save()
    return made


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, required=True)
    parser.add_argument("--events", type=int, required=True)
    asked = parser.parse_args()
    made = events(asked.events)
    filled = {
        "slugs": [event.slug for event in made],
        "month": f"/calendar/{made[len(made) // 2].starts_at:%Y/%-m}/",
        "cookies": sign_in(people(asked.people)),
        "csrf_secret": CSRF_SECRET,
    }
    print(json.dumps(filled))


if __name__ == "__main__":
    main()
