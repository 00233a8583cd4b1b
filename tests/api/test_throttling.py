from contextlib import contextmanager

import pytest
from django.core.cache import cache
from django.db import connection

from evento.http.throttling import SharedCounter


class Clock:
    now = 6_000.0

    def __call__(self):
        return self.now


def admitted(counter, calls, *, limit=100, caller="me"):
    return sum(counter.admit(caller, limit) for _ in range(calls))


def test_admits_as_many_as_the_limit_and_no_more(db):
    assert admitted(SharedCounter(Clock()), 150) == 100


def test_begins_anew_with_the_next_period(db):
    clock = Clock()
    counter = SharedCounter(clock)
    admitted(counter, 150)

    clock.now += 60

    assert admitted(counter, 150) == 100


def test_says_how_long_the_period_lasts():
    clock = Clock()
    clock.now += 45

    assert SharedCounter(clock).seconds_left() == 15


def test_two_processes_admit_together_at_most_one_step_more_than_the_limit(db):
    one, other = SharedCounter(Clock()), SharedCounter(Clock())

    total = sum(admitted(process, 1) for _ in range(150) for process in (one, other))

    assert 100 - 5 <= total <= 100 + 5


def test_a_few_calls_ask_the_cache_nothing(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert admitted(SharedCounter(Clock()), 4) == 4


def test_cache_that_forgets_in_between_is_no_error(db, monkeypatch):
    def forget(*args, **kwargs):
        return cache.delete(args[0])

    monkeypatch.setattr(cache, "add", forget)

    assert admitted(SharedCounter(Clock()), 150) == 100


@contextmanager
def only_readable():
    """The database takes nothing from this connection."""
    name, on, off = "PRAGMA query_only", "ON", "OFF"
    if connection.vendor == "postgresql":
        name, on, off = "SET default_transaction_read_only", "on", "off"
    with connection.cursor() as cursor:
        cursor.execute(f"{name} = {on}")
        try:
            yield
        finally:
            cursor.execute(f"{name} = {off}")


@pytest.mark.django_db(transaction=True)
def test_database_that_can_only_be_read_keeps_nobody_from_reading():
    with only_readable():
        assert admitted(SharedCounter(Clock()), 150) == 100
