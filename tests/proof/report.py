"""`python -m tests.proof.report`: what the last `make proof` tried, into docs/proof.md."""

import json
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from tests.proof import figures, lighthouse
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


def counted(words_and_counts):
    return ", ".join(f"{words} {count:,}" for words, count in sorted(words_and_counts.items()))


def races(engine):
    """Each race, what went wrong without its guard, and how often it was held."""
    if (numbers := recorded("races", engine)) is None:
        return "Not in this run."
    rows = [
        f"| {name} | {', '.join([*race['lost to'], *map('`{}` dropped'.format, race['dropped'])])} | "
        f"{race['rounds']} |"
        for name, race in sorted(numbers.items())
    ]
    return "\n".join(["| race | lost when | held, times |", "| --- | --- | --- |", *rows])


def mixed(engine):
    if (numbers := recorded("mixed", engine)) is None:
        return "- Mixed operations: not in this run."
    outcomes = numbers["outcomes"]
    total = f"{sum(outcomes.values()):,} by four processes on six events, no deadlock"
    return f"- Mixed operations (seed {numbers['seed']}): {total}: {counted(outcomes)}."


def kills(engine):
    if (numbers := recorded("kills", engine)) is None:
        return f"- {engine}, `kill -9` under load: not in this run."
    return (
        f"- {engine}, `kill -9` under load (seed {numbers['seed']}): {numbers['rounds']} rounds "
        f"({counted(numbers['victims'])}); answers: {counted(numbers['answers'])}; "
        f"{numbers['mails']:,} mails, {numbers['repeated']} of them twice."
    )


def smtp(engine):
    if (numbers := recorded("smtp", engine)) is None:
        return f"- {engine}, mail servers: not in this run."
    return f"- {engine}, mail servers, by what they did at each step of a mail: {counted(numbers)}."


def storage(engine):
    if (numbers := recorded("storage", engine)) is None:
        return f"- {engine}, storage: not in this run."
    said = [f"{fault} ({counted(answers)})" for fault, answers in sorted(numbers.items())]
    return f"- {engine}, storage, and what 40 people were answered: {', '.join(said)}."


def clock(engine):
    if (numbers := recorded("clock", engine)) is None:
        return f"- {engine}, clock: not in this run."
    return (
        f"- {engine}, clock (seed {numbers['seed']}): {numbers['steps']:,} operations at times up to "
        f"12 hours apart, {numbers['mails']:,} mails, each once."
    )


def of_its_own(name):
    """What a target of its own left: `make proof` has not made it, and does not take it away."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def browsers():
    looks = sum(
        json.loads(path.read_text(encoding="utf-8"))["looks"]
        for path in figures.FOLDER.glob("axe-*.json")
    )
    yield f"- axe-core: {looks:,} looks." if looks else "- axe-core: not in this run."
    if not (pages := of_its_own("lighthouse")):
        yield "- Lighthouse (`make proof-lighthouse`): not in this run."
        return
    yield "\nLighthouse (`make proof-lighthouse`), its phone, out of 100:\n"
    yield "| page | performance | accessibility | best practices | SEO | largest paint | requests | KB |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for page, numbers in pages.items():
        scores = [numbers["scores"][name] for name in lighthouse.WANTED]
        paint = numbers["largest_paint"].replace("\u00a0", " ")
        cells = [page, *scores, paint, numbers["requests"], numbers["kilobytes"]]
        yield f"| {' | '.join(map(str, cells))} |"
    yield ""
    yield from (
        f"- {page}, `{audit}`: {why}." for (page, audit), why in lighthouse.EXPLAINED.items()
    )


def mutants():
    if not (modules := of_its_own("mutants")):
        yield "- `make proof-mutants`: not in this run."
        return
    yield "`make proof-mutants`: each small change to these files, and whether a test notices it.\n"
    yield "| file | changes | noticed | the same for everybody (`tests/proof/mutants.toml`) |"
    yield "| --- | --- | --- | --- |"
    for module, numbers in modules.items():
        yield f"| {module} | {numbers['mutants']} | {numbers['noticed']} | {numbers['same']} |"


def sections():
    yield HEAD.format(day=f"{datetime.now(UTC):%Y-%m-%d}")
    yield "## Secrecy: twin worlds\n"
    yield "\n".join(secrecy(engine) for engine in ENGINES)
    yield "\n## A model that argues with the code\n"
    yield "\n".join(machine(engine) for engine in ENGINES)
    yield "\n## Races\n"
    yield "Between real processes, on PostgreSQL; each was lost first with its guard taken out.\n"
    yield races("PostgreSQL")
    yield ""
    yield mixed("PostgreSQL")
    yield "\n## Faults\n"
    yield "\n".join(tell(engine) for tell in (kills, smtp, clock) for engine in ENGINES)
    yield storage("SQLite")
    yield "\n## Browsers\n"
    yield "\n".join(browsers())
    yield "\n## Mutants\n"
    yield "\n".join(mutants())
    yield "\n## All tests of the run\n"
    yield "| database | file | tests | failed | seconds |\n| --- | --- | --- | --- | --- |"
    yield "\n".join(line for engine in ENGINES for line in tried(engine))
    yield "\n" + FOUND.read_text(encoding="utf-8").strip()


def main():
    DOCUMENT.write_text("\n".join(sections()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
