"""Which addresses a link may lead to."""

from __future__ import annotations

from urllib.parse import urlsplit

SCHEMES = frozenset({"http", "https", "mailto"})
LONGEST = 2_000


def is_safe_link(address: object) -> bool:
    """Whether it leads to a page (http, https), a mailbox, or another place on the same site.

    What a browser would read otherwise than it looks is none: control characters and spaces, backslashes, and
    `//host`, which leaves the site without saying so.
    """
    if not isinstance(address, str) or not 0 < len(address) <= LONGEST:
        return False
    if any(not each.isprintable() or each.isspace() for each in address) or "\\" in address:
        return False
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    if parts.scheme in ("http", "https"):
        return bool(parts.hostname)
    if parts.scheme:
        return parts.scheme in SCHEMES
    return not address.startswith("//") and ":" not in address.partition("/")[0]
