"""What every page's frame and every static file must keep to: one static policy, no loose ends."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
# E-mail programs read inline styles only.
PAGES = [path for path in TEMPLATES if not {"mail", "email"} & set(path.parts)]


def names(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("code", ["400", "403_csrf", "500", "503"])
def test_error_page_without_any_context_renders_whole(code: str) -> None:
    page = render_to_string(f"{code}.html")

    assert "<h1>" in page
    assert f"Error {code[:3]}" in page
    assert 'href="/"' in page


@pytest.mark.parametrize("path", PAGES, ids=names)
def test_page_template_has_nothing_inline_that_the_policy_blocks(path: Path) -> None:
    source = path.read_text()

    assert not re.search(r"<style|\sstyle=|\son[a-z]+=\"|javascript:", source)
    for tag in re.findall(r"<script[^>]*>", source):
        assert "src=" in tag or 'type="application/' in tag


@pytest.mark.parametrize("path", PAGES, ids=names)
def test_page_template_names_only_icons_that_exist(path: Path) -> None:
    drawn = set(re.findall(r'<symbol id="([^"]+)"', (ROOT / "static/img/icons.svg").read_text()))
    used = set(re.findall(r'"_icon\.html" with name="([^"]+)"', path.read_text()))

    assert used <= drawn


@pytest.mark.parametrize("path", PAGES, ids=names)
def test_page_template_names_only_static_files_that_exist(path: Path) -> None:
    for name in re.findall(r"{% static ['\"]([^'\"]+)['\"] %}", path.read_text()):
        assert finders.find(name), name


def test_dark_colours_have_a_light_twin_each() -> None:
    def tokens(name: str) -> set[str]:
        return set(
            re.findall(
                r"^  (--[a-z0-9-]+):", (ROOT / "static/css" / name).read_text(), re.MULTILINE
            )
        )

    assert tokens("dark.css") <= tokens("tokens.css")


def test_every_colour_that_styles_use_is_a_token() -> None:
    sheets = {path.name: path.read_text() for path in (ROOT / "static/css").glob("*.css")}
    known = set(re.findall(r"(--[a-z0-9-]+)\s*:", "".join(sheets.values())))

    for name, sheet in sheets.items():
        unknown = set(re.findall(r"var\((--[a-z0-9-]+)\)", sheet)) - known
        assert not unknown, name
