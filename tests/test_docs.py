"""The documents tell no lies that a machine can find: links, named tests, the data model."""

import ast
import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest
from django.apps import apps

ROOT = Path(__file__).resolve().parent.parent
OWN_APPS = ["accounts", "notifications", "events", "tickets"]
DOCUMENTS = sorted(
    [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
        *(ROOT / "docs").rglob("*.md"),
    ]
)

FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^()\s]+)\)")
HTML_SOURCE = re.compile(r"""<(?:img|source)[^>]+(?:src|srcset)=["']([^"'\s]+)["']""")
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
NAMED_FILE = re.compile(
    r"`((?:accounts|notifications|events|tickets|evento|tests|deploy|templates)/[\w/.-]+\.\w+)`"
)
ENTITY = re.compile(r"^ {4}(\w+) \{\n(.*?)^ {4}\}", re.MULTILINE | re.DOTALL)
RELATION = re.compile(r'^ {4}(\w+) (\S+--\S+) (\w+) : "(.*)"$', re.MULTILINE)


@cache
def text_of(path):
    return path.read_text(encoding="utf-8")


@cache
def anchors_of(path):
    """The fragments that a Markdown viewer makes of a file's headings."""
    headings = HEADING.findall(FENCE.sub("", text_of(path)))
    bare = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in bare}


@cache
def functions_of(path):
    tree = ast.parse(text_of(path))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def name_of(path):
    return str(path.relative_to(ROOT))


def broken(link, document):
    """Whether a relative link leads nowhere."""
    if re.match(r"[a-z]+:", link):
        return False
    address, _, fragment = unquote(link).partition("#")
    target = (document.parent / address).resolve() if address else document
    if not target.exists():
        return True
    return bool(fragment) and target.suffix == ".md" and fragment not in anchors_of(target)


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_relative_links_resolve(document):
    prose = FENCE.sub("", text_of(document))
    links = LINK.findall(prose) + HTML_SOURCE.findall(prose)

    assert [link for link in links if broken(link, document)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_named_tests_and_files_exist(document):
    text = text_of(document)

    missing = [
        f"{file}::{test}"
        for file, test in NAMED_TEST.findall(text)
        if not (ROOT / file).exists() or test not in functions_of(ROOT / file)
    ]
    missing += [file for file in NAMED_FILE.findall(text) if not (ROOT / file).exists()]

    assert missing == []


def test_every_user_story_names_a_test():
    rows = re.findall(
        r"^\| (\w+\d+) \|(.*)\|$", text_of(ROOT / "docs/user-stories.md"), re.MULTILINE
    )

    assert len(rows) > 30
    assert [number for number, row in rows if not NAMED_TEST.search(row)] == []


def test_every_decision_is_in_the_index():
    index = text_of(ROOT / "docs/README.md")
    decisions = sorted((ROOT / "docs/decisions").glob("*.md"))

    assert [path.name for path in decisions if f"(decisions/{path.name})" not in index] == []
    assert [path.name[:4] for path in decisions] == [
        f"{number:04}" for number in range(1, len(decisions) + 1)
    ]


def drawn_entities():
    diagram = text_of(ROOT / "docs/architecture.md")
    return {
        name: re.findall(r"^ +\w+ (\w+)", body, re.MULTILINE)
        for name, body in ENTITY.findall(diagram)
    }


def own_models():
    return {
        model.__name__: model for app in OWN_APPS for model in apps.get_app_config(app).get_models()
    }


def test_diagram_of_the_data_model_has_every_model_and_no_other():
    assert set(drawn_entities()) == set(own_models())


def test_diagram_of_the_data_model_names_every_field_of_our_own():
    models = own_models()

    for name, drawn in drawn_entities().items():
        fields = [field for field in models[name]._meta.concrete_fields if not field.is_relation]
        inherited = {"password", "is_superuser"} if name == "User" else set()
        assert set(drawn) == {field.name for field in fields} - inherited, name


def test_diagram_of_the_data_model_draws_every_foreign_key():
    drawn = {
        (one, many, field)
        for one, _line, many, fields in RELATION.findall(text_of(ROOT / "docs/architecture.md"))
        for field in fields.split(", ")
    }
    stored = {
        (field.related_model.__name__, name, field.name)
        for name, model in own_models().items()
        for field in model._meta.concrete_fields
        if field.is_relation
    }

    assert drawn == stored
