"""How often one person, or one address of visitors, may call.

Generous: it keeps a program that has run wild from the others, and is no protection against guessing
(sign-in and the organiser code have their own limits). Each process counts for itself and tells the
shared cache in steps, so that a call costs no write: the count over all processes may run over by one
step for each further process.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError
from django.http import HttpRequest
from ninja.throttling import BaseThrottle

from evento.http.addresses import client_address
from evento.http.problem import STATUSES
from evento.refusals import Refusal

PERIOD = 60  # seconds
STEPS = 20  # in how many steps of the limit a process tells the others
TOO_MANY = STATUSES[429][1]
READS = {"GET", "HEAD", "OPTIONS"}


@dataclass
class _Count:
    """Calls of one caller in this period: all that are known, and those that others do not know yet."""

    known: int = 0
    untold: int = 0


class SharedCounter:
    """Calls by caller in the period under way."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self._period = 0
        self._counts: dict[str, _Count] = {}

    def admit(self, caller: str, limit: int) -> bool:
        """Count one call; whether it is within `limit` calls a period."""
        period = int(self._clock() // PERIOD)
        with self._lock:
            if period != self._period:
                self._period, self._counts = period, {}
            count = self._counts.setdefault(caller, _Count())
            if count.known >= limit:
                return False
            count.known += 1
            count.untold += 1
            if count.untold < limit // STEPS:
                return True
            told, count.untold = count.untold, 0
        total = _tell(f"api:{period}:{caller}", told)
        with self._lock:
            count.known = max(count.known, total)
        return total <= limit

    def seconds_left(self) -> float:
        """Until the next period begins."""
        return PERIOD - self._clock() % PERIOD


def _tell(key: str, amount: int) -> int:
    """Add to the count of all processes; what it is then. 0 where the database takes nothing just now."""
    try:
        cache.add(key, 0, timeout=2 * PERIOD)
        try:
            return cast("int", cache.incr(key, amount))
        except ValueError:  # pushed out of the cache in between
            cache.set(key, amount, timeout=2 * PERIOD)
            return amount
    except DatabaseError:  # no reason to refuse a call that only reads
        return 0


COUNTER = SharedCounter()


class RateLimit(BaseThrottle):
    """API_READS_PER_MINUTE and API_WRITES_PER_MINUTE for each person; for visitors by address."""

    def allow_request(self, request: HttpRequest) -> bool:
        reads = request.method in READS
        limit = settings.API_READS_PER_MINUTE if reads else settings.API_WRITES_PER_MINUTE
        return COUNTER.admit(f"{'read' if reads else 'write'}:{_caller(request)}", limit)

    def wait(self) -> float:
        return COUNTER.seconds_left()


def refuse_flood(request: HttpRequest) -> None:
    """Count a call that nobody has signed in for yet, by its address.

    Raises Refusal `too_many_requests` (429) beyond API_READS_PER_MINUTE.
    """
    if not COUNTER.admit(f"auth:{client_address(request)}", settings.API_READS_PER_MINUTE):
        wait = timedelta(seconds=COUNTER.seconds_left())
        raise Refusal("too_many_requests", TOO_MANY, status=429, retry_after=wait)


def _caller(request: HttpRequest) -> str:
    if request.user.is_authenticated:
        return f"person:{request.user.pk}"
    return f"address:{client_address(request)}"
