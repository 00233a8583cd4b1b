"""Lost transactions begin anew, and then the caller hears that the database is busy."""

import threading

import pytest
from django.db import OperationalError, connection, transaction

from evento.database import Busy, retry_conflicts
from events.models import Event
from tests.events.factories import EventFactory
from tests.patience import PATIENCE


class Deadlock(OperationalError):
    """As psycopg reports one."""

    def __init__(self):
        super().__init__("deadlock detected")
        self.__cause__ = type("Cause", (Exception,), {"sqlstate": "40P01"})()


def failing(times, error):
    """A service that fails `times` times with `error` and then answers how often it was called."""
    calls = []

    @retry_conflicts
    def service():
        calls.append(1)
        if len(calls) <= times:
            raise error
        return len(calls)

    return service, calls


@pytest.mark.django_db(transaction=True)
def test_deadlock_is_tried_three_times_in_all():
    if connection.vendor == "sqlite":
        expected, error = 1, OperationalError("database is locked")
    else:
        expected, error = 3, Deadlock()
    service, calls = failing(9, error)

    with pytest.raises(Busy):
        service()

    assert len(calls) == expected


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_second_try_that_succeeds_is_the_answer():
    service, _calls = failing(2, Deadlock())

    assert service() == 3


@pytest.mark.django_db
def test_inside_a_transaction_nothing_can_begin_anew():
    service, calls = failing(9, Deadlock())

    with pytest.raises(OperationalError):
        service()

    assert len(calls) == 1


@pytest.mark.django_db(transaction=True)
def test_other_errors_pass_through():
    service, calls = failing(9, OperationalError("no such table: x"))

    with pytest.raises(OperationalError, match="no such table"):
        service()

    assert len(calls) == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_real_deadlock_ends_with_both_changes_made():
    first, second = EventFactory(), EventFactory()
    both_hold_one = threading.Barrier(2, timeout=PATIENCE)
    waited = threading.local()

    @retry_conflicts
    def rename(one, other):
        with transaction.atomic():
            Event.objects.filter(pk=one.pk).update(contact="x")
            if not getattr(waited, "once", False):
                waited.once = True
                both_hold_one.wait()
            Event.objects.filter(pk=other.pk).update(location=f"{one.pk}")

    def run(*events):
        try:
            rename(*events)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=run, args=pair) for pair in ((first, second), (second, first))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=PATIENCE)

    for event in (first, second):
        event.refresh_from_db()
    assert (first.location, second.location) == (str(second.pk), str(first.pk))


@pytest.mark.sqlite
@pytest.mark.django_db
def test_the_file_stays_open_between_requests(tmp_path):
    of_thread = connection.copy()
    of_thread.settings_dict["NAME"] = str(tmp_path / "evento.sqlite3")
    of_thread.ensure_connection()
    opened = of_thread.connection

    of_thread.close_if_unusable_or_obsolete()  # as Django does around each request

    assert of_thread.connection is opened
    of_thread.close()
