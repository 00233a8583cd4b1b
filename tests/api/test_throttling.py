from django.core.cache import cache

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
