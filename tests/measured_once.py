"""A plugin of pytest for the run on SQLite when one on PostgreSQL follows: coverage where it adds something.

With it a test takes half as long again. What runs on both is measured on PostgreSQL; on SQLite, what runs
nowhere else, and the tests of what knows on which database it is.
"""

import pytest
from coverage import Coverage

KNOWS_ITS_DATABASE = (
    "tests/evento/",
    "tests/notifications/test_expanding.py",
    "tests/notifications/live/",
)


def _adds_something(item):
    here = item.get_closest_marker("sqlite") is not None
    return here or item.nodeid.startswith(KNOWS_ITS_DATABASE)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    measuring = None if _adds_something(item) else Coverage.current()
    if measuring is None:
        return (yield)
    measuring.stop()
    try:
        return (yield)
    finally:
        measuring.start()
