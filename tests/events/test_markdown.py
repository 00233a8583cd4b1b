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


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<b onclick=alert(1)>x</b>",
        "<style>body{display:none}</style>",
        "<iframe src='/x'></iframe>",
        "<svg/onload=alert(1)>",
        "<form action='/x'><input></form>",
        "<!-- --!><script>alert(1)</script>",
    ],
)
def test_render_raw_html_is_shown_as_text(hostile):
    html = render(hostile)

    assert "<" not in html.replace("<p>", "").replace("</p>", "")


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java&#115;cript:alert(1)",
        "&#x6A;avascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/passwd",
    ],
)
@pytest.mark.parametrize("form", ["[x]({})", "![x]({})", "<{}>", "[x][1]\n\n[1]: {}"])
def test_render_dangerous_addresses_lead_nowhere(address, form):
    assert "href" not in render(form.format(address))


def test_render_links_give_no_weight_and_no_opener():
    html = render("[here](https://example.org)")

    assert html.strip() == ('<p><a href="https://example.org" rel="nofollow noopener">here</a></p>')


def test_render_bare_address_becomes_a_link():
    html = render("See https://example.org/a_b_c?x=1. Fine.")

    assert '<a href="https://example.org/a_b_c?x=1"' in html
    assert "</a>. Fine." in html


def test_render_bare_domain_stays_text():
    assert "<a" not in render("We use example.org and a.b@example.org")


def test_render_picture_becomes_a_link_to_it():
    html = render("![a cat](https://example.org/cat.png)")

    assert "<img" not in html
    assert '<a href="https://example.org/cat.png" rel="nofollow noopener">a cat</a>' in html


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
    ["[" * 4_000, "![" * 2_000, "[a](" * 1_000, "> " * 2_000, "*" * 4_000, "*a **b" * 600],
    ids=["brackets", "pictures", "links", "quotes", "stars", "emphasis"],
)
def test_work_on_hostile_text_grows_no_faster_than_the_text(hostile):
    render(hostile)  # what is made at first use is there by now

    assert steps(hostile) < 2.1 * steps(hostile[: len(hostile) // 2]) + 1000


def test_summary_is_one_plain_line():
    assert summary("# Hi\n\n**bold** & <b> [x](https://y.example)\nend") == "Hi bold & <b> x end"


def test_summary_of_long_text_is_cut():
    assert len(summary("word " * 500, 60)) == 60
