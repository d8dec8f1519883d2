"""Markdown becomes HTML that does nothing: no script, no foreign HTML, no picture that tells who looks."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser

import pytest
from django.utils.safestring import SafeString
from hypothesis import given, settings
from hypothesis import strategies as st

from bifrost.sdk.links import is_safe_link
from workflows_app.markdown import LONGEST, TAGS, render


class Reader(HTMLParser):
    """What a browser finds in HTML: its tags with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def harmless(html: str) -> bool:
    return all(
        tag in TAGS
        and attributes.keys() <= {"href", "title", "rel", "start"}
        and ("href" not in attributes or is_safe_link(attributes["href"]))
        for tag, attributes in Reader(html).tags
    )


def test_paragraphs_emphasis_lists_code_and_tables_are_shown() -> None:
    html = render("One **two** *three* `four`\n\n- a\n  - b\n    1. c\n\n> said\n\n| A | B |\n|---|---|\n| 1 | 2 |")
    assert isinstance(html, SafeString)
    assert "<strong>two</strong>" in html and "<em>three</em>" in html and "<code>four</code>" in html
    assert re.sub(r"\s", "", html).count("<ul><li>a<ul><li>b<ol><li>c") == 1
    assert "<blockquote>" in html and "<th>A</th>" in html and "<td>2</td>" in html


def test_headings_stand_below_those_of_the_page() -> None:
    assert [tag for tag, _ in Reader(render("# a\n## b\n### c\n#### d\n##### e\n###### f")).tags] == [
        "h3",
        "h4",
        "h5",
        "h6",
        "h6",
        "h6",
    ]


@pytest.mark.parametrize("address", ["https://a.example/x?y=1&z=2", "mailto:a@b.example", "/o/acme", "#x"])
def test_a_link_tells_nobody_where_it_stood_and_recommends_nothing(address: str) -> None:
    [_, (tag, attributes)] = Reader(render(f"[here]({address})")).tags
    assert (tag, attributes) == ("a", {"href": address, "rel": "noopener noreferrer nofollow"})


@pytest.mark.parametrize(
    "text",
    [
        "[x](javascript:alert(1))",
        "[x](JaVaScript:alert(1))",
        "[x](java&#115;cript:alert(1))",
        "[x](java&Tab;script:alert(1))",
        "[x](&#x6A;avascript:alert(1))",
        "[x](<javascript:alert(1)>)",
        "<javascript:alert(1)>",
        "[x]: javascript:alert(1)\n\n[x]",
        "[x](vbscript:x)",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](//evil.example)",
        "[x](https:\\\\evil.example)",
        "![x](javascript:alert(1))",
        "[x](file:///etc/passwd)",
    ],
)
def test_a_link_that_leads_elsewhere_is_none(text: str) -> None:
    assert [tag for tag, _ in Reader(render(text)).tags if tag == "a"] == []


def test_a_backslash_is_no_slash() -> None:
    [_, (_, attributes)] = Reader(render("[x](\\\\evil.example)")).tags
    assert attributes["href"] == "%5Cevil.example"


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<ScRiPt src=//evil.example></sCrIpT>",
        "<img src=x onerror=alert(1)>",
        "<svg onload=alert(1)>",
        "<a href='javascript:alert(1)' onclick='x()'>x</a>",
        "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
        "<style>@import '//evil.example'</style>",
        "<form action=//evil.example><input></form>",
        "<!-- --><script>alert(1)</script>",
        "<math><mtext></table><style><img src onerror=alert(1)>",
        "**<b onmouseover=alert(1)>x</b>**",
        "`<script>alert(1)</script>`",
        "```html\n<script>alert(1)</script>\n```",
        '```"><script>alert(1)</script>\nx\n```',
        '[x](https://a.example "\\" onmouseover=alert(1) x=\\"")',
        "[<img src=x onerror=alert(1)>](https://a.example)",
        '![<script>](https://a.example "\'><script>")',
        "|<script>|\n|-|\n|<img src=x onerror=alert(1)>|",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "{{ secret }} {% debug %}",
    ],
)
def test_html_in_the_text_is_shown_and_never_run(text: str) -> None:
    html = render(text)
    assert harmless(html), html
    assert "<script" not in html.lower()


def test_raw_html_is_readable_as_it_was_written() -> None:
    assert Reader(render("Press <b>now</b>")).text.strip() == "Press <b>now</b>"


def test_an_image_is_a_link_and_loads_nothing() -> None:
    html = render("![The *chart*](https://a.example/c.png) ![](https://a.example/d.png)")
    assert "<img" not in html
    assert "The chart</a>" in html and ">https://a.example/d.png</a>" in html
    assert [attributes["href"] for tag, attributes in Reader(html).tags if tag == "a"] == [
        "https://a.example/c.png",
        "https://a.example/d.png",
    ]


def test_what_is_too_long_is_cut_and_says_so() -> None:
    html = render("x" * (LONGEST + 3))
    assert "... (3 more characters)" in html and len(html) < LONGEST + 100


@pytest.mark.parametrize(
    "text",
    [
        "[" * LONGEST,
        "*a_" * (LONGEST // 3),
        "> " * (LONGEST // 2),
        "- " * (LONGEST // 2),
        "`" * LONGEST,
        "![" * (LONGEST // 2),
        "[a](" * (LONGEST // 4),
        "<" * LONGEST,
        "|" * LONGEST,
        "a\n" * (LONGEST // 2),
        "\\" * LONGEST,
        "&" * LONGEST,
        "~~" * (LONGEST // 2),
        "|a" * 1000 + "\n" + "|-" * 1000 + "\n" + ("|" * 1000 + "\n") * 40,
    ],
    ids=range(14),
)
def test_huge_and_nasty_input_is_rendered_in_bounded_time(text: str) -> None:
    began = time.process_time()
    assert harmless(render(text))
    assert time.process_time() - began < 20


@given(st.text(alphabet=st.sampled_from("[]()<>!`*_#\"'&;:/\\ \n\tjavscriptdhm=-|~0")))
@settings(max_examples=300, deadline=None)
def test_whatever_is_written_is_harmless(text: str) -> None:
    assert harmless(render(text))
