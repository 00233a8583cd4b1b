"""`python -m tests.proof.report`: what the last `make proof` tried, into docs/proof.md."""

import json
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from tests.proof import figures
from tests.run_all import RESULTS, ROOT

DOCUMENT = ROOT / "docs" / "proof.md"
FOUND = ROOT / "tests" / "proof" / "found.md"
ENGINES = {"SQLite": "sqlite", "PostgreSQL": "postgresql"}
HEAD = """# Proof

What `make proof` tried last, and what it found. Made by `tests/proof/report.py`, of a run on {day}.
How the instruments work is said in [testing](testing.md) and at the head of each file in `tests/proof/`.
"""


def tried(engine):
    """One line for each file of tests: how many, how many failed, how long."""
    path = RESULTS / f"{engine}.xml"
    if not path.exists():
        return []
    cases = {}
    for case in ET.parse(path).iter("testcase"):
        failed = case.find("failure") is not None or case.find("error") is not None
        count, failures, seconds = cases.get(case.get("classname"), (0, 0, 0.0))
        seconds += float(case.get("time"))
        cases[case.get("classname")] = (count + 1, failures + failed, seconds)
    return [
        f"| {engine} | {name} | {count} | {failures} | {seconds:.0f} |"
        for name, (count, failures, seconds) in sorted(cases.items())
    ]


def recorded(instrument, engine):
    path = figures.FOLDER / f"{instrument}-{ENGINES[engine]}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def secrecy(engine):
    if (numbers := recorded("secrecy", engine)) is None:
        return f"- {engine}: not in this run."
    pairs, answers = numbers["pairs"], numbers["answers"]
    return f"- {engine}: {pairs} pairs of worlds, {answers:,} answers, frames and mails compared."


def machine(engine):
    if (numbers := recorded("machine", engine)) is None:
        return f"- {engine}: not in this run."
    outcomes = numbers["outcomes"]
    words = ", ".join(f"{name} {count}" for name, count in outcomes.items())
    calls = sum(outcomes.values())
    return f"- {engine}: {numbers['steps']:,} steps, {calls:,} calls of services: {words}."


def sections():
    yield HEAD.format(day=f"{datetime.now(UTC):%Y-%m-%d}")
    yield "## Secrecy: twin worlds\n"
    yield "\n".join(secrecy(engine) for engine in ENGINES)
    yield "\n## A model that argues with the code\n"
    yield "\n".join(machine(engine) for engine in ENGINES)
    yield "\n## All tests of the run\n"
    yield "| database | file | tests | failed | seconds |\n| --- | --- | --- | --- | --- |"
    yield "\n".join(line for engine in ENGINES for line in tried(engine))
    yield "\n" + FOUND.read_text(encoding="utf-8").strip()


def main():
    DOCUMENT.write_text("\n".join(sections()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
