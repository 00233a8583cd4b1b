"""`make proof-mutants`: break availability, booking and permissions in every small way; do tests notice?

cosmic-ray changes one operator, number, condition or decorator at a time, in a copy of the tree, and runs
the tests that are about that file. A change that no test notices must stand in tests/proof/mutants.toml with
the reason why it changes nothing; one that stands there and is noticed must go. `mutmut` would be faster, but
leaves out functions with a decorator: all of `availability.py`, and `book_ticket`.

`make proof-mutants ARGS=events/availability.py` does one file alone.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.run_all import RESULTS, ROOT, postgresql_url, say

COSMIC_RAY = Path(os.environ.get("COSMIC_RAY") or ROOT / ".venv-tools" / "bin").resolve()
SCORES = RESULTS / "mutants.json"
KNOWN = ROOT / "tests" / "proof" / "mutants.toml"
AT_ONCE = 2
SECONDS = 300  # a change that makes the tests wait for ever is noticed too
PYTEST = (sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly")
# Of the many ways to replace an operator, those that are near: the rest fails at once and proves nothing.
TOO_EASY = r"core/ReplaceBinaryOperator_(?!Add_Sub|Sub_Add|Mul_Add|Mul_FloorDiv|Mod_Add).*"


@dataclass(frozen=True)
class Target:
    module: str
    tests: tuple[str, ...]
    on_postgresql: bool = False  # much slower

    @property
    def database(self) -> str:
        """One for each target: two at once must not meet. SQLite's is in memory."""
        if not self.on_postgresql:
            return "sqlite:///mutants.sqlite3"
        return f"{postgresql_url()}_{Path(self.module).stem}"


TARGETS = (
    Target("events/availability.py", ("tests/events/test_availability.py",)),
    Target(
        "events/services/places.py",
        (
            *("tests/events/test_availability.py", "tests/tickets/services/test_booking.py"),
            "tests/tickets/services/test_quiet_booking.py",
            *("tests/tickets/test_audit_places.py", "tests/events/test_public_changes.py"),
            "tests/tickets/test_races.py",
        ),
        on_postgresql=True,
    ),
    Target(
        "tickets/services/booking.py",
        ("tests/tickets/services/test_booking.py", "tests/tickets/test_views.py"),
        on_postgresql=True,
    ),
    Target(
        "tickets/services/cancelling.py",
        ("tests/tickets/services/test_booking.py", "tests/tickets/test_views.py"),
    ),
    Target("events/permissions.py", ("tests/events/test_permissions.py", "tests/test_access.py")),
    Target(
        "tickets/permissions.py",
        ("tests/tickets/test_permissions.py", "tests/tickets/test_views.py"),
    ),
)


@dataclass(frozen=True)
class Mutant:
    module: str
    change: str  # the lines taken and put, as in a diff
    outcome: str  # killed, survived, incompetent


def tried(target: Target) -> list[Mutant]:
    """All mutants of one module, tried on a copy of the tree."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        names = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT)
        for name in names.decode().split("\n"):
            if name and (ROOT / name).is_file():
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, tree / name)
        command = " ".join([*PYTEST, *target.tests])
        (tree / "mutants.config").write_text(
            f'[cosmic-ray]\nmodule-path = "{target.module}"\ntimeout = {SECONDS}.0\n'
            f"excluded-modules = []\ntest-command = '{command}'\n"
            f'[cosmic-ray.distributor]\nname = "local"\n'
            f"[cosmic-ray.filters.operators-filter]\nexclude-operators = ['{TOO_EASY}']\n",
            encoding="utf-8",
        )
        run = partial(run_in, tree, target.database)
        run("cosmic-ray", "init", "mutants.config", "mutants.sqlite")
        run("cr-filter-operators", "mutants.sqlite", "mutants.config")
        run("cosmic-ray", "baseline", "mutants.config")
        run("cosmic-ray", "exec", "mutants.config", "mutants.sqlite")
        lines = run("cosmic-ray", "dump", "mutants.sqlite").splitlines()
    return [mutant for line in lines if (mutant := read(target.module, *json.loads(line)))]


def run_in(tree: Path, database: str, program: str, *arguments: str) -> str:
    command = [COSMIC_RAY / program, *arguments]
    environment = os.environ | {"DATABASE_URL": database}
    done = subprocess.run(
        command, cwd=tree, env=environment, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{program} {' '.join(arguments)}:\n{done.stdout}{done.stderr}")
    return done.stdout


def read(module: str, item: dict, result: dict | None) -> Mutant | None:
    """A line of the dump; None for what was filtered out."""
    if result is None or result["worker_outcome"] == "skipped":
        return None
    lines = (result["diff"] or "").splitlines()
    lines = [line for line in lines if line[:3] not in {"---", "+++"} and line[1:].strip()]
    changed = [line for line in lines if line[0] in "+-"]
    change = "\n".join(f"{line[0]} {line[1:].strip()}" for line in changed)
    return Mutant(module, change, result["test_outcome"] or result["worker_outcome"])


def main(modules: list[str]) -> int:
    targets = [target for target in TARGETS if not modules or target.module in modules]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        mutants = [mutant for found in pool.map(tried, targets) for mutant in found]
    known = tomllib.loads(KNOWN.read_text(encoding="utf-8"))["same"]
    explained = {(it["module"], it["change"].strip()) for it in known}
    left = {(mutant.module, mutant.change) for mutant in mutants if mutant.outcome == "survived"}
    stale = {it for it in explained - left if it[0] in {target.module for target in targets}}
    scores = json.loads(SCORES.read_text(encoding="utf-8")) if modules and SCORES.exists() else {}
    for target in targets:
        outcomes = [mutant for mutant in mutants if mutant.module == target.module]
        survived = [mutant for mutant in outcomes if mutant.outcome == "survived"]
        scores[target.module] = {
            "mutants": len(outcomes),
            "noticed": len(outcomes) - len(survived),
            "same": sum((it.module, it.change) in explained for it in survived),
        }
        say(f"{target.module}: {scores[target.module]}")
    for module, change in sorted(left - explained):
        say(f"\nNo test notices, in {module}:\n{change}")
    for module, change in sorted(stale):
        say(
            f"\nIs noticed by now, or is no more, in {module}; take it from mutants.toml:\n{change}"
        )
    RESULTS.mkdir(exist_ok=True)
    SCORES.write_text(json.dumps(scores), encoding="utf-8")
    return 1 if left - explained or stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
