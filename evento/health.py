"""In what state the site is, for those who run it (docs/decisions/0023-what-is-measured.md)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from notifications.delivery import Delivery, delivery
from notifications.heartbeat import newest_heartbeats

# Longer than any pause of a worker: by then it is dead, or the mail server is.
MAIL_LATE = timedelta(minutes=15)
MAIL_TO_MANY_LATE = timedelta(hours=3)


@dataclass(frozen=True)
class Health:
    """What was found. What an earlier trouble keeps from being asked is None."""

    database: bool
    migrated: bool | None = None
    heartbeat_age: timedelta | None = None  # None for no worker ever, too
    workers: int = 0  # that gave a sign of life a short time ago
    delivery: Delivery | None = None

    @property
    def worker(self) -> bool | None:
        """Whether mails are being sent: by a worker, or without one by whoever causes them."""
        if not self.migrated:
            return None
        return settings.NOTIFICATIONS_SEND == "on_commit" or self.workers > 0

    @property
    def mail(self) -> bool | None:
        """Whether what is due goes out in time."""
        if self.delivery is None:
            return None
        late_to_many = self.delivery.overdue_to_many >= MAIL_TO_MANY_LATE
        return self.delivery.overdue < MAIL_LATE and not late_to_many


def look(now: datetime) -> Health:
    """Look at database, migrations, worker and mail. Raises nothing when the database is away."""
    try:
        return _look(now)
    except (DatabaseError, InterfaceError):
        # A restart of the database leaves a dead connection, which says nothing about the new one.
        connection.close()
    try:
        return _look(now)
    except (DatabaseError, InterfaceError):
        connection.close()
        return Health(database=False)


def _look(now: datetime) -> Health:
    applied = MigrationRecorder(connection).applied_migrations()
    if not _migrations_of_this_code() <= set(applied):
        return Health(database=True, migrated=False)
    newest, workers = newest_heartbeats(now)
    # A clock of another machine may be a little ahead.
    age = None if newest is None else max(now - newest, timedelta())
    return Health(
        database=True,
        migrated=True,
        heartbeat_age=age,
        workers=workers,
        delivery=delivery(now),
    )


@cache
def _migrations_of_this_code() -> frozenset[tuple[str, str]]:
    """All that must be applied. A database may have more: those of the version that comes next."""
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).graph.nodes)
