"""How PostgreSQL answers what the main pages ask: each statement of theirs by EXPLAIN, nothing is run twice.

One table, of the middle size of `--tickets`: which indexes are used, and which tables are read whole.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator

from benchmarks import growth, rush, world


def measure(asked: argparse.Namespace) -> Iterator[tuple[str, list[list[str]]]]:
    """Each statement of a page that meets a table of ours."""
    sizes = sorted(asked.tickets)
    with growth.grown_to(asked, sizes[len(sizes) // 2]) as grown:
        asks = [["booking", "POST", rush.page_of(grown.slug), grown.place.cookies[0]]]
        for name, (cookies, path) in growth.pages(grown).items():
            asks.append([name, "GET", path, cookies[0]])
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.planning"],
            cwd=world.ROOT,
            env=grown.place.environment,
            input=json.dumps(asks),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        head = ["page", "statement", "scans", "most rows sorted"]
        yield f"Plans with {grown.tickets:,} tickets", [head, *json.loads(done.stdout)]
