"""Which addresses a link may lead to: pages, mailboxes and the same site, and nothing that only looks so."""

from __future__ import annotations

import pytest

from bifrost.sdk.links import LONGEST, is_safe_link


@pytest.mark.parametrize(
    "address",
    [
        "https://psa.example/tickets/7?a=1&b=2#top",
        "http://localhost:7072/o/acme/",
        "HTTPS://PSA.EXAMPLE",
        "https://[::1]/",
        "https://bücher.example/ä",
        "mailto:ann@acme.example",
        "/o/acme/requests/1",
        "requests/1?at=10:00",
        "?page=2",
        "#part",
    ],
)
def test_a_link_may_lead_to_a_page_a_mailbox_or_the_same_site(address: str) -> None:
    assert is_safe_link(address)


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\tscript:alert(1)",
        "java\nscript:alert(1)",
        "\x01javascript:alert(1)",
        " javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:msgbox(1)",
        "file:///etc/passwd",
        "ftp://host/x",
        "blob:https://a/b",
        "//evil.example/x",
        "\\\\evil.example\\x",
        "/\\evil.example",
        "https:\\\\evil.example",
        "https://",
        "http:///path",
        "https://[::1",
        "https://a.example/\u202egpj.exe",
        "https://a.example/a b",
        "unknown:thing",
        "",
        "/" + "x" * LONGEST,
        None,
        7,
        b"https://a.example",
    ],
)
def test_anything_else_is_no_link(address: object) -> None:
    assert not is_safe_link(address)
