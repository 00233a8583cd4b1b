"""Signs of life of the mail workers: a row for each, renewed while it works (SPEC 9 `/readyz`)."""

import contextlib
import time
import uuid
from datetime import datetime, timedelta

from django.db import DatabaseError, transaction
from django.utils import timezone

from notifications.models import WorkerHeartbeat

BEAT_SECONDS = 10.0
# Longer than the longest that one mail may keep a worker: its lease (notifications/sender.py).
FRESH_FOR = timedelta(minutes=3)
# Rows of workers that ended long ago. The newest of all is kept however old: it says since when.
KEPT_FOR = timedelta(hours=1)


class Heartbeat:
    """The heartbeat of this process. Call `beat` as often as you like: it seldom writes."""

    def __init__(self) -> None:
        self._id = uuid.uuid4()
        self._due_at = 0.0

    def beat(self) -> None:
        """Say that this worker works, unless it did so within the last 10 seconds.

        A database that does not take it is no error: no mail waits for a heartbeat.
        """
        if time.monotonic() < self._due_at:
            return
        self._due_at = time.monotonic() + BEAT_SECONDS
        with contextlib.suppress(DatabaseError), transaction.atomic():
            self._write(timezone.now())

    def _write(self, now: datetime) -> None:
        if not WorkerHeartbeat.objects.filter(pk=self._id).update(beaten_at=now):
            WorkerHeartbeat.objects.create(pk=self._id, started_at=now, beaten_at=now)


def newest_heartbeats(now: datetime) -> tuple[datetime | None, int]:
    """When a worker last gave a sign of life, None for never; and how many did so a short time ago."""
    rows = WorkerHeartbeat.objects.order_by("-beaten_at").values_list("beaten_at", flat=True)
    beats = list(rows)
    # Nor is one far ahead alive: the clock was set back since. Who lives beats again in a moment.
    return next(iter(beats), None), sum(abs(now - beat) <= FRESH_FOR for beat in beats)


def forget_old_heartbeats(now: datetime | None = None) -> int:
    """Delete rows of workers that ended long ago; returns how many. The newest row stays."""
    newest = WorkerHeartbeat.objects.order_by("-beaten_at").first()
    if newest is None:
        return 0
    kept_from = (now or timezone.now()) - KEPT_FOR
    old = WorkerHeartbeat.objects.filter(beaten_at__lt=kept_from).exclude(pk=newest.pk)
    return old.delete()[0]
