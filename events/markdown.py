"""Descriptions: Markdown made into HTML that is safe to show (SPEC 2).

Raw HTML is shown as the text it is; what Markdown makes is cleaned once more by an allow-list. Pictures
become links: a foreign picture would tell its server who reads the page, and the policy blocks it.
"""

import html
from collections.abc import Sequence
from typing import Any

import nh3
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

# The page has its h1, and "About this event" is an h2.
HEADING_ABOVE, LOWEST_HEADING = 2, 6
TAGS = {
    "a", "blockquote", "br", "code", "em", "h3", "h4", "h5", "h6",
    "hr", "li", "ol", "p", "pre", "strong", "ul",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
SCHEMES = {"http", "https", "mailto"}


class _Renderer(RendererHTML):
    """Pictures become links to them."""

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        source = str(tokens[idx].attrGet("src") or "")
        words = self.renderInlineAsText(tokens[idx].children, options, env) or source
        return f'<a href="{html.escape(source)}">{html.escape(words)}</a>'


_MARKDOWN = MarkdownIt(
    "commonmark", {"html": False, "linkify": True, "breaks": True}, renderer_cls=_Renderer
).enable("linkify")
assert _MARKDOWN.linkify is not None  # noqa: S101 - the library of the option above
_MARKDOWN.linkify.set({"fuzzy_link": False, "fuzzy_email": False})


def _clean(text: str, **allowed: Any) -> str:
    return nh3.clean(text, url_schemes=SCHEMES, link_rel="nofollow noopener", **allowed)


def _fit_headings(tokens: Sequence[Token]) -> None:
    """Let the headings follow the page's own without a gap, whatever level their writer began with."""
    opening = [n for n, token in enumerate(tokens) if token.type == "heading_open"]
    top = min((int(tokens[n].tag[1]) for n in opening), default=0)
    above = HEADING_ABOVE
    for n in opening:
        level = int(tokens[n].tag[1]) - top + HEADING_ABOVE + 1
        above = min(level, above + 1, LOWEST_HEADING)
        # The text of a heading is one token, then it closes.
        tokens[n].tag = tokens[n + 2].tag = f"h{above}"


def render(text: str) -> SafeString:
    """`text`, in Markdown, as safe HTML."""
    env: dict[str, Any] = {}
    tokens = _MARKDOWN.parse(text, env)
    _fit_headings(tokens)
    html_text = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, env)
    return mark_safe(_clean(html_text, tags=TAGS, attributes=ATTRIBUTES))


def summary(text: str, length: int = 200) -> str:
    """The first words of `text`, in Markdown, as one plain line (not HTML)."""
    plain = nh3.clean(render(text[: length * 4]), tags=set())
    words = " ".join(html.unescape(plain).split())
    return Truncator(words).chars(length)
