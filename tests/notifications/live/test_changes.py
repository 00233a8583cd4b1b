import uuid
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from notifications.live.changes import (
    ChangesLost,
    changes_after,
    first_change_since,
    forget_old_changes,
    last_change,
    record_public_change,
)
from notifications.models import PublicChange

pytestmark = pytest.mark.django_db

LONG_AGO = timedelta(hours=2)


def record(age=timedelta(0)):
    record_public_change(uuid.uuid4())
    newest = PublicChange.objects.latest("pk")
    PublicChange.objects.filter(pk=newest.pk).update(changed_at=timezone.now() - age)
    return newest.pk


def test_ids_follow_the_order_of_changes_and_have_no_gaps():
    first = record()

    assert [record(), record(), last_change()] == [first + 1, first + 2, first + 2]


def test_rolled_back_change_leaves_neither_row_nor_gap():
    first = record()

    with transaction.atomic():
        record()
        transaction.set_rollback(True)

    assert last_change() == first
    assert record() == first + 1


def test_changes_after_one_come_oldest_first_and_not_more_than_asked_for():
    first, second, third, _fourth = [record() for _n in range(4)]

    assert [change.pk for change in changes_after(first, limit=2)] == [second, third]


def test_before_the_first_change_there_is_none():
    assert last_change() == 0
    assert first_change_since(timezone.now() - LONG_AGO) is None


def test_oldest_change_of_a_time():
    record(age=LONG_AGO)
    lately = record()
    record()

    assert first_change_since(timezone.now() - timedelta(minutes=1)) == lately


def test_old_changes_are_forgotten_and_later_ones_kept():
    record(age=LONG_AGO)
    older, new = record(age=LONG_AGO), record()

    assert forget_old_changes() == 2
    assert not PublicChange.objects.filter(pk__lte=older).exists()
    assert [change.pk for change in changes_after(older, limit=10)] == [new]


def test_change_of_a_writer_whose_clock_is_slow_is_not_forgotten_before_older_ones():
    first = record()
    slow = record(age=LONG_AGO)
    record()

    assert forget_old_changes() == 0
    assert [change.pk for change in changes_after(first, limit=1)] == [slow]


def test_who_reads_after_a_forgotten_change_is_told_that_some_are_lost():
    first, _forgotten = record(age=LONG_AGO), record(age=LONG_AGO)
    record()
    forget_old_changes()

    with pytest.raises(ChangesLost):
        changes_after(first, limit=10)


def test_who_reads_after_a_change_that_never_was_is_told_that_some_are_lost():
    newest = record()

    assert changes_after(newest, limit=10) == []
    with pytest.raises(ChangesLost):
        changes_after(newest + 1, limit=10)


def test_newest_change_is_kept_however_old_so_that_ids_go_on():
    record(age=LONG_AGO)
    newest = record(age=LONG_AGO)

    forget_old_changes()

    assert last_change() == newest
    assert record() == newest + 1
