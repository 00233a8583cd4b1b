"""docs/signals.md is the contract with whoever listens, so it names every signal and its arguments."""

import importlib
import re
from pathlib import Path

import pytest
from django.dispatch import Signal

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted(
    f"{path.parent.name}.signals"
    for path in ROOT.glob("*/signals.py")
    if path.parent.name != "tests"
)
SIGNALS = [
    (module, name)
    for module in MODULES
    for name, value in vars(importlib.import_module(module)).items()
    if isinstance(value, Signal)
]


def comment_above(module, name):
    """The comment block that stands over a signal in its module."""
    source = (ROOT / module.replace(".", "/")).with_suffix(".py").read_text(encoding="utf-8")
    found = re.search(rf"((?:^#.*\n)+)^{name} = Signal\(\)", source, re.MULTILINE)
    return found.group(1) if found else ""


@pytest.mark.parametrize(("module", "name"), SIGNALS)
def test_signal_is_documented(module, name):
    document = (ROOT / "docs/signals.md").read_text(encoding="utf-8")

    assert f"`{name}`" in document or f"`{module}.{name}`" in document


@pytest.mark.parametrize(("module", "name"), SIGNALS)
def test_signal_states_its_arguments_where_it_is_defined(module, name):
    assert "Arguments:" in comment_above(module, name)


def test_document_names_no_signal_that_is_gone():
    document = (ROOT / "docs/signals.md").read_text(encoding="utf-8")
    named = {
        found.rsplit(".", 1)[-1] for found in re.findall(r"`((?:\w+\.signals\.)\w+)`", document)
    }

    assert named <= {name for _module, name in SIGNALS}
