"""The cache in a table: one statement for each write, and what is added at once is added once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import cache, caches
from django.db import DatabaseError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from evento.cache import DatabaseCache

pytestmark = pytest.mark.django_db


@pytest.fixture
def small():
    """One that has room for three entries, in the same table."""
    cache.clear()
    return DatabaseCache("evento_cache", {"OPTIONS": {"MAX_ENTRIES": 3}})


def statements_of(act):
    with CaptureQueriesContext(connection) as captured:
        act()
    return [query["sql"] for query in captured]


def test_set_replaces_what_was_there():
    cache.set("key", 1)
    cache.set("key", ["two"])

    assert cache.get("key") == ["two"]


def test_add_leaves_what_was_there():
    assert cache.add("key", 1)
    assert not cache.add("key", 2)

    assert cache.get("key") == 1


def test_add_replaces_what_has_expired():
    cache.set("key", 1, timeout=-5)

    assert cache.add("key", 2)
    assert cache.get("key") == 2


def test_what_never_expires_is_kept_by_set_and_add():
    cache.set("kept", 1, timeout=None)

    assert not cache.add("kept", 2)
    assert cache.get("kept") == 1


def test_touch_makes_it_last():
    cache.set("key", 1, timeout=60)

    assert cache.touch("key", -5)
    assert cache.get("key") is None
    assert not cache.touch("key")


@pytest.mark.parametrize("act", ["set", "add"])
def test_write_is_one_statement(act, small):
    assert len(statements_of(lambda: getattr(small, act)("key", 1))) == 1


def test_entries_that_expired_make_room(small, monkeypatch):
    for number in range(5):
        small.set(f"old-{number}", 1, timeout=-5)
    monkeypatch.setattr("evento.cache.WRITES_PER_ROOM", 1)

    small.set("new", 1)

    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key FROM evento_cache")
        assert cursor.fetchall() == [(":1:new",)]


def test_write_that_the_database_refuses_is_an_error():
    missing = DatabaseCache("no_such_table", {})

    with pytest.raises(DatabaseError):
        missing.set("key", 1)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_those_who_add_at_once_what_has_expired_one_does():
    start = threading.Barrier(8)

    def add(value):
        try:
            caches["default"].get("warm")
            start.wait()
            return cache.add("key", value)
        finally:
            connections.close_all()

    for _round in range(20):
        cache.set("key", "old", timeout=-5)
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(add, range(8))).count(True) == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_who_adds_in_vain_within_a_transaction_keeps_nobody_from_deleting():
    cache.add("lock", True)

    def delete():
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = 100")
            return cache.delete("lock")
        finally:
            connections.close_all()

    with transaction.atomic(), ThreadPoolExecutor(1) as pool:
        assert not cache.add("lock", True)
        assert pool.submit(delete).result()
