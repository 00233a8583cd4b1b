"""Coverage as evidence: how much of each app the tests ran, and which functions have lines they never ran.

`make test` prints the first and holds the second against tests/uncovered.toml, where each such function
stands with the reason. It names those that are not there, and those there that are run by now.
"""

import json
import subprocess
import sys
import tomllib
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LISTED = ROOT / "tests" / "uncovered.toml"


def measured(environment=None):
    """Coverage's report of the combined data, as it says it in JSON."""
    command = [sys.executable, "-m", "coverage", "json", "--quiet", "--fail-under=0", "-o", "-"]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, env=environment)
    return json.loads(done.stdout)["files"]


def by_app(files):
    """A line for each app: which part of its statements and branches was run."""
    ran, all_there = defaultdict(int), defaultdict(int)
    for name, file in files.items():
        app, summary = name.partition("/")[0], file["summary"]
        ran[app] += summary["covered_lines"] + summary["covered_branches"]
        all_there[app] += summary["num_statements"] + summary["num_branches"]
    return [f"{app}: {100 * ran[app] / all_there[app]:.1f} %" for app in sorted(all_there)]


def gaps(files):
    """The functions with lines that no test ran, with how many; a file's own lines count as `(file)`."""
    return {
        f"{name}::{function or '(file)'}": len(region["missing_lines"])
        for name, file in sorted(files.items())
        for function, region in file["functions"].items()
        if region["missing_lines"]
    }


def listed():
    """The reason of each function on the list."""
    groups = tomllib.loads(LISTED.read_text(encoding="utf-8"))["group"]
    return {name: group["reason"] for group in groups for name in group["functions"]}


def unlisted(found, known):
    return [
        f"no test runs {found[name]} lines of {name}: tests/uncovered.toml"
        for name in sorted({*found} - {*known})
    ]


def stale(found, known):
    return [
        f"every line of {name} is run by now: take it out of tests/uncovered.toml"
        for name in sorted({*known} - {*found})
    ]
