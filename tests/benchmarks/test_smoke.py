"""`make bench` measures what works: its short form asks everything once and finds nothing wrong."""

import subprocess
import sys

import pytest
from django.db import connection

from tests.servers import ROOT, database_for_servers

pytestmark = pytest.mark.server
MEASUREMENTS = ("rush", "reading", "signing-in", "telling", "growth", "footprint")
WAYS = 7  # of booking and being refused
CROWDS = 2
NOBODY = "postgres://nobody@127.0.0.1:1"
ENDINGS = ("| none |", "| wrong |", "--- |")


def collected():
    """When static files were last collected into this folder, which every server started from it looks at."""
    listing = ROOT / "var" / "static" / "staticfiles.json"
    return listing.stat().st_mtime_ns if listing.exists() else None


def short_form_on_postgresql(measurement, tmp_path):
    """The lines of its tables."""
    server = database_for_servers(tmp_path).rpartition("/")[0]
    name = f"bench_{measurement}_{connection.settings_dict['NAME']}"
    return short_form(measurement, "--server", server, "--database", name)


def short_form(measurement, *options):
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", measurement, "--smoke", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if line.count("|") > 4]


@pytest.mark.postgresql
@pytest.mark.parametrize("measurement", MEASUREMENTS)
@pytest.mark.django_db(transaction=True)
def test_short_form_of_every_benchmark_finds_nothing_wrong(tmp_path, measurement):
    before = collected()

    lines = short_form_on_postgresql(measurement, tmp_path)

    assert collected() == before
    assert len(lines) > 4
    assert [line for line in lines if not line.endswith(ENDINGS)] == []


@pytest.mark.sqlite
def test_short_form_of_the_rush_on_sqlite_finds_nothing_wrong_and_needs_no_postgresql():
    lines = short_form("rush-sqlite", "--server", NOBODY)

    assert len(lines) == CROWDS * (2 + WAYS)
    assert [line for line in lines if not line.endswith(ENDINGS)] == []
    assert sum("| 20 x 302 /tickets/ | none |" in line for line in lines) == CROWDS * 3


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_plans_show_each_statement_of_a_page(tmp_path):
    lines = short_form_on_postgresql("plans", tmp_path)

    [booking] = [line for line in lines if line.startswith("| booking | Update events_event")]
    assert "Insert tickets_ticket, Insert notifications_notification" in booking
    assert "events_event" in booking.split("|")[3]  # its index, or all of so small a table
    assert any("`" in line for line in lines)
