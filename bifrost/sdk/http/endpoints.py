"""Endpoints without what is particular to one request, so that calls of one kind can be counted together."""

from __future__ import annotations

import re
from urllib.parse import unquote

LONGEST = 300
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# users('ann@acme.example') and the like, as OData writes keys.
_KEY = re.compile(r"\((?:'[^']*'|\d+)\)")
_LONG = re.compile(r"(?=.*\d)[A-Za-z0-9_\-!.=]{16,}")
# "v1.0", "v2022_1" and "v4_6_release" are versions, not ids.
_VERSION = re.compile(r"v\d[\w.]*", re.IGNORECASE)


def endpoint_of(path: str) -> str:
    """The path of a URL, with `{id}` in the place of numbers, UUIDs, addresses and long keys; without its query."""
    parts = [_part(unquote(part)) for part in path.partition("?")[0].split("/")]
    return "/".join(parts)[:LONGEST]


def _part(part: str) -> str:
    if _VERSION.fullmatch(part):
        return part
    without_key = _KEY.sub("({id})", part)
    if without_key != part:
        return without_key
    is_id = part.isdigit() or "@" in part or _UUID.fullmatch(part) or _LONG.fullmatch(part)
    return "{id}" if is_id else part


def same_endpoint(tracked: str, told: str) -> bool:
    """Whether an author means by `told` what was tracked: the whole path, or its end."""
    template = endpoint_of(re.sub(r"^https?://[^/]+", "", told))
    return bool(template.strip("/")) and (tracked == template or tracked.endswith("/" + template.lstrip("/")))
