"""Imports go one way between apps and inside each app (DESIGN "Rooms and floors")."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ["accounts", "notifications", "events", "tickets", "evento"]
# evento's ground floor: it imports no app, so every app may import it.
GROUND = {
    *("evento.refusals", "evento.database", "evento.statements", "evento.http"),
    *("evento.prepared", "evento.changelists", "evento.links", "evento.sessions"),
}
FLOORS = [
    {"signals"},
    {"querysets", "models"},
    {"permissions"},
    {"services"},
    {"receivers", "forms", "notices"},
    {"views", "admin", "api", "schemas", "management", "urls", "apps"},
]


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def modules(app):
    files = (ROOT / app).rglob("*.py")
    return [path for path in sorted(files) if "migrations" not in path.parts]


def is_ground(name):
    return any(name == ground or name.startswith(f"{ground}.") for ground in GROUND)


def floor_of(part):
    return next((n for n, names in enumerate(FLOORS) if part in names), None)


@pytest.mark.parametrize("app", APPS)
def test_app_imports_only_apps_below_it(app):
    above = set(APPS[APPS.index(app) + 1 :])

    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(app)
        for name in imports_of(path)
        if name.split(".")[0] in above and name != "evento" and not is_ground(name)
    ]

    assert wrong == []


@pytest.mark.parametrize("ground", sorted(GROUND))
def test_ground_imports_no_app(ground):
    stem = ROOT / ground.replace(".", "/")
    files = [stem.with_suffix(".py")] if stem.with_suffix(".py").exists() else stem.rglob("*.py")

    wrong = [
        f"{path.name} imports {name}"
        for path in files
        for name in imports_of(path)
        if name.split(".")[0] in APPS and not is_ground(name)
    ]

    assert wrong == []


@pytest.mark.parametrize("app", APPS[:-1])
def test_modules_of_an_app_import_only_lower_floors(app):
    wrong = []
    for path in modules(app):
        own = floor_of(path.relative_to(ROOT / app).parts[0].removesuffix(".py"))
        for name in imports_of(path):
            parts = name.split(".")
            if own is None or parts[0] != app or len(parts) < 2:
                continue
            other = floor_of(parts[1])
            if other is not None and other > own:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")

    assert wrong == []
