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
TOP_HEADING = 3
TAGS = {
    "a", "blockquote", "br", "code", "em", "h3", "h4", "h5", "h6",
    "hr", "li", "ol", "p", "pre", "strong", "ul",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
SCHEMES = {"http", "https", "mailto"}


class _Renderer(RendererHTML):
    """Headings start below the page's own; pictures become links to them."""

    def _heading(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        level = int(tokens[idx].tag[1]) + TOP_HEADING - 1
        tokens[idx].tag = f"h{min(level, 6)}"
        return self.renderToken(tokens, idx, options, env)

    heading_open = heading_close = _heading

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


def render(text: str) -> SafeString:
    """`text`, in Markdown, as safe HTML."""
    return mark_safe(_clean(_MARKDOWN.render(text), tags=TAGS, attributes=ATTRIBUTES))


def summary(text: str, length: int = 200) -> str:
    """The first words of `text`, in Markdown, as one plain line (not HTML)."""
    plain = nh3.clean(render(text[: length * 4]), tags=set())
    words = " ".join(html.unescape(plain).split())
    return Truncator(words).chars(length)
