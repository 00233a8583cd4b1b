import re
import sys

import pytest

from events.markdown import render, summary


def test_render_markdown_becomes_html():
    html = render("Some **bold** and *slanted* words\n\n- one\n- two")

    assert "<strong>bold</strong>" in html
    assert "<em>slanted</em>" in html
    assert "<li>one</li>" in html


def test_render_empty_gives_nothing():
    assert render("") == ""


def test_render_line_breaks_stay():
    assert "first<br>" in render("first\nsecond")


@pytest.mark.parametrize("mark", ["#", "##", "######"])
def test_render_headings_stand_below_the_pages_own(mark):
    assert render(f"{mark} Title") == "<h3>Title</h3>\n"


def test_render_headings_leave_no_gap():
    html = render("## One\n\n#### Two\n\n###### Three\n\nUnder\n===\n\n### Four")

    assert re.findall(r"<(h\d)>(\w+)</\1>", html) == [
        ("h3", "One"),
        ("h4", "Two"),
        ("h5", "Three"),
        ("h3", "Under"),
        ("h4", "Four"),
    ]


def steps(text):
    """How many function calls it takes to render `text`: what a clock would say on a machine of its own."""
    count = 0

    def counting(_frame, _event, _argument):
        nonlocal count
        count += 1

    sys.setprofile(counting)
    try:
        render(text)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(
    "hostile",
    ["[" * 20_000, "![" * 10_000, "[a](" * 5_000, "> " * 10_000, "*" * 20_000, "*a **b" * 3_000],
    ids=["brackets", "pictures", "links", "quotes", "stars", "emphasis"],
)
def test_work_on_hostile_text_grows_no_faster_than_the_text(hostile):
    assert steps(hostile) < 2.1 * steps(hostile[: len(hostile) // 2]) + 1000


def test_summary_is_one_plain_line():
    assert summary("# Hi\n\n**bold** & <b> [x](https://y.example)\nend") == "Hi bold & <b> x end"


def test_summary_of_long_text_is_cut():
    assert len(summary("word " * 500, 60)) == 60
