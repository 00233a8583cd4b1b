"""Asks for pages in this process and has each of their statements explained: run by `benchmarks.plans`.

On standard input a list of [name, method, address, Cookie header]; prints rows of a table, as JSON.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from http.cookies import SimpleCookie
from typing import Any

import django

django.setup()

from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

EXPLAINED = ("SELECT", "WITH", "UPDATE", "INSERT")
MANY = 4  # pages that are named one by one
WELCOME = {"GET": 200, "POST": 302}
HOST = "127.0.0.1"


def statements_of(method: str, path: str, cookie: str) -> list[str]:
    """What a page asks the database. Raises ValueError for a page that is not there."""
    client = Client(headers={"host": HOST})
    client.cookies = SimpleCookie(cookie)
    with CaptureQueriesContext(connection) as captured:
        response = client.generic(method, path)
    if response.status_code != WELCOME[method]:
        raise ValueError(f"{method} {path}: {response.status_code}")
    asked = (it["sql"].lstrip() for it in captured)
    return [it for it in asked if it.startswith(EXPLAINED)]


def rows_of(name: str, statements: list[str]) -> Iterator[list[str]]:
    for statement in statements:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}")  # as it was just run
            (found,) = cursor.fetchone()
        plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
        nodes = list(nodes_of(plan))
        scans = [scan for node in nodes if (scan := scan_of(node))]
        if scans:
            most = max(
                (node["Plan Rows"] for node in nodes if "Sort" in node["Node Type"]), default=0
            )
            yield [
                name,
                kind_of(statement, nodes),
                "; ".join(dict.fromkeys(scans)),
                f"{most or ''}",
            ]


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes_of(inner)


def scan_of(node: dict[str, Any]) -> str:
    """The index that a node reads, or the table that it reads whole."""
    if "Index Name" in node:
        return f"`{node['Index Name']}`"
    if node["Node Type"].endswith("Seq Scan"):
        return f"all of {node['Relation Name']}"
    return ""


def kind_of(statement: str, nodes: list[dict[str, Any]]) -> str:
    """What a statement does, and to which tables."""
    written = [
        f"{node['Operation']} {node['Relation Name']}"
        for node in nodes
        if node["Node Type"] == "ModifyTable"
    ]
    read = dict.fromkeys(node["Relation Name"] for node in nodes if "Relation Name" in node)
    verb = statement.split(maxsplit=1)[0].capitalize()
    return ", ".join(written or [f"{verb} {', '.join(read)}"])


def merged(rows: Iterable[list[str]]) -> list[list[str]]:
    """What several pages ask alike stands once."""
    pages: dict[tuple[str, ...], dict[str, None]] = {}
    for name, *what in rows:
        pages.setdefault(tuple(what), {})[name] = None
    return [
        [f"{len(names)} pages" if len(names) > MANY else ", ".join(names), *what]
        for what, names in pages.items()
    ]


def main() -> None:
    rows: list[list[str]] = []
    for name, method, path, cookie in json.load(sys.stdin):
        rows += rows_of(name, statements_of(method, path, cookie))
    print(json.dumps(merged(rows)))


if __name__ == "__main__":
    main()
