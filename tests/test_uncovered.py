"""The list of what no test runs names what exists, with reasons; and the check of it can fail."""

import ast
from functools import cache

import pytest

from tests.uncovered import ROOT, by_app, gaps, listed, stale, unlisted

pytestmark = pytest.mark.sqlite  # asks nothing of a database

FILES = {
    "events/a.py": {
        "summary": {
            "covered_lines": 8,
            "num_statements": 9,
            "covered_branches": 1,
            "num_branches": 1,
        },
        "functions": {"run": {"missing_lines": [4]}, "": {"missing_lines": []}},
    },
    "events/b.py": {
        "summary": {
            "covered_lines": 9,
            "num_statements": 9,
            "covered_branches": 1,
            "num_branches": 1,
        },
        "functions": {"ride": {"missing_lines": []}},
    },
}


@cache
def functions_in(file):
    """Names as coverage has them: `function`, `Class.method`, `function.inner`."""

    def within(node, prefix):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = f"{prefix}{child.name}"
                yield name
                yield from within(child, f"{name}.")
            else:
                yield from within(child, prefix)

    return {*within(ast.parse((ROOT / file).read_text(encoding="utf-8")), ""), "(file)"}


def test_each_listed_function_exists_and_has_a_reason():
    known = listed()

    assert [name for name, reason in known.items() if len(reason) < 10] == []
    assert [
        name
        for name in known
        if name.partition("::")[2] not in functions_in(name.partition("::")[0])
    ] == []


def test_each_app_has_its_share():
    assert by_app(FILES) == ["events: 95.0 %"]


def test_what_is_new_and_what_is_run_by_now_are_said():
    found = gaps(FILES)

    assert found == {"events/a.py::run": 1}
    assert unlisted(found, {"events/a.py::run": "needs a comet"}) == []
    assert unlisted(found, {}) == ["no test runs 1 lines of events/a.py::run: tests/uncovered.toml"]
    assert stale(found, {"events/a.py::run": "needs a comet"}) == []
    assert stale({}, {"events/a.py::run": "needs a comet"}) == [
        "every line of events/a.py::run is run by now: take it out of tests/uncovered.toml"
    ]
