"""`make bench` measures what works: its short form asks everything once and finds nothing wrong."""

import subprocess
import sys

import pytest
from django.db import connection

from tests.servers import ROOT, database_for_servers

pytestmark = [pytest.mark.postgresql, pytest.mark.server]
MEASUREMENTS = ("rush", "reading", "telling", "growth", "footprint")
ENDINGS = ("| none |", "| wrong |", "--- |")


@pytest.mark.parametrize("measurement", MEASUREMENTS)
@pytest.mark.django_db(transaction=True)
def test_short_form_of_every_benchmark_finds_nothing_wrong(tmp_path, measurement):
    server = database_for_servers(tmp_path).rpartition("/")[0]
    name = f"bench_{measurement}_{connection.settings_dict['NAME']}"

    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks", measurement, "--smoke"),
            *("--server", server, "--database", name),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.count("|") > 4]
    assert len(lines) > 4
    assert [line for line in lines if not line.endswith(ENDINGS)] == []
