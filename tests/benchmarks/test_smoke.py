"""`make bench` measures what works: its short form asks everything once and finds nothing wrong."""

import subprocess
import sys

import pytest
from django.db import connection

from tests.servers import ROOT, database_for_servers

pytestmark = [pytest.mark.postgresql, pytest.mark.server]
ENDINGS = ("| none |", "| wrong |", "--- |")


@pytest.mark.django_db(transaction=True)
def test_short_form_of_every_benchmark_finds_nothing_wrong(tmp_path):
    server = database_for_servers(tmp_path).rpartition("/")[0]
    name = f"bench_{connection.settings_dict['NAME']}"

    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--smoke", "--server", server, "--database", name],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.count("|") > 4]
    assert len(lines) > 20
    assert [line for line in lines if not line.endswith(ENDINGS)] == []
