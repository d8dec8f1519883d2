"""Markdown as people write it, as HTML that is safe on our pages. Nothing else may turn text into HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from bifrost.sdk.links import SCHEMES, is_safe_link

LONGEST = 50_000
# Pages have their own headings above these.
HEADINGS = {"h1": "h3", "h2": "h4", "h3": "h5", "h4": "h6", "h5": "h6", "h6": "h6"}
TAGS = frozenset(
    "a blockquote br code del em h3 h4 h5 h6 hr li ol p pre s strong table tbody td th thead tr ul".split()
)
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}


def render(text: str) -> SafeString:
    """The text as HTML: paragraphs, lists, tables, code, and links to http, https, mailto or the same site.

    HTML in the text is shown as text, and an image as a link to it: showing it would tell its server who looks. What is
    longer than 50,000 characters is cut, and says so.
    """
    more = len(text) - LONGEST
    if more > 0:
        text = f"{text[:LONGEST]}\n\n... ({more:,} more characters)"
    html = nh3.clean(
        _MARKDOWN.render(text),
        tags=set(TAGS),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        attribute_filter=_kept,
        url_schemes=set(SCHEMES),
        link_rel="noopener noreferrer nofollow",
    )
    return mark_safe(html)


def _kept(_tag: str, name: str, value: str) -> str | None:
    return value if name != "href" or is_safe_link(value) else None


def _image(
    _renderer: Any, tokens: Sequence[Token], place: int, options: OptionsDict, environment: Mapping[str, Any]
) -> str:
    token = tokens[place]
    label = _renderer.renderInlineAsText(token.children or [], options, environment) or token.attrs["src"]
    link = Token("link_open", "a", 1, attrs={"href": token.attrs["src"]})
    escaped = nh3.clean_text(str(label))
    return f"{_renderer.renderToken([link], 0, options, environment)}{escaped}</a>"


def _demoted(state: Any) -> None:
    for token in state.tokens:
        token.tag = HEADINGS.get(token.tag, token.tag) if token.type.startswith("heading") else token.tag


def _made() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    made.validateLink = is_safe_link  # type: ignore[method-assign,assignment]
    made.core.ruler.push("demoted", _demoted)
    made.add_render_rule("image", _image)
    return made


_MARKDOWN = _made()
