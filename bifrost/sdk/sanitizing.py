"""What must not be shown: values under keys that look like secrets, secrets that a run read, and what is too
long.

Redaction happens when something is written, cutting when it is shown. All functions take JSON values and
leave their argument as it is; where nothing had to change they return that same object, so that `is` tells
whether something did.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from functools import lru_cache
from operator import is_not
from urllib.parse import quote, quote_plus

from bifrost.sdk.tolerant import JSON

REDACTED = "REDACTED"
MIN_SECRET_LENGTH = 6
MAX_SHOWN_TEXT = 1_000
MAX_SHOWN_ITEMS = 100

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SECRET_WORDS = frozenset({"secret", "password", "token", "credential", "key"})
_OPEN_KEYS = frozenset({"primary", "foreign", "public", "sort", "cache"})
_LONGEST_NAME = 100
_OPEN_IN_PATHS = "/:@!$&'()*+,;="  # RFC 3986, 3.3


def is_secret_key(name: str) -> bool:
    """Whether what is stored under this name is taken for a secret: its last word says so (`clientSecret`,
    `api_keys`).

    Digits are no words, and a primary, foreign, public, sort or cache key is none.
    """
    return _is_secret_key(name if len(name) <= _LONGEST_NAME else name[-_LONGEST_NAME:])


@lru_cache(maxsize=4096)
def _is_secret_key(name: str) -> bool:
    words = [word.lower() for word in _WORD.findall(name)]
    if not words:
        return False
    last = words[-1].removesuffix("s")
    return last in _SECRET_WORDS and not (last == "key" and len(words) > 1 and words[-2] in _OPEN_KEYS)


def redact_keys(value: JSON) -> JSON:
    """The value with everything under a key that looks like a secret's replaced, at every depth."""
    if isinstance(value, dict):
        changed: JSON = None
        for key, item in value.items():
            redacted = REDACTED if is_secret_key(key) else redact_keys(item)
            if redacted is not item:
                changed = dict(value) if changed is None else changed
                changed[key] = redacted
        return value if changed is None else changed
    if isinstance(value, list):
        items = [redact_keys(item) for item in value]
        return items if any(map(is_not, items, value)) else value
    return value


def cut(value: JSON) -> JSON:
    """The value as it is shown: texts of at most 1,000 characters, lists of at most 100 items, saying what is
    missing.
    """
    if isinstance(value, str) and len(value) > MAX_SHOWN_TEXT:
        return f"{value[:MAX_SHOWN_TEXT]}... ({len(value) - MAX_SHOWN_TEXT:,} more characters)"
    if isinstance(value, dict):
        return {key: cut(item) for key, item in value.items()}
    if isinstance(value, list):
        shown = [cut(item) for item in value[:MAX_SHOWN_ITEMS]]
        more = len(value) - len(shown)
        return [*shown, f"... ({more:,} more items)"] if more else shown
    return value


class Scrubber:
    """Finds the secrets that one run has read wherever they turn up in text, plain or encoded.

    Secrets of under 6 characters are not searched for: they would turn up by chance. Safe to use from several
    threads; a value that is scrubbed while a secret is being added may still miss that one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._needles: frozenset[str] = frozenset()

    def add(self, secret: str) -> None:
        with self._lock:
            self._needles |= _encodings(secret)

    def scrub(self, value: JSON) -> JSON:
        """The value with every added secret replaced, in texts and in keys."""
        return self._scrubbed(value) if self._needles else value

    def _scrubbed(self, value: JSON) -> JSON:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            return self._dict(value)
        if isinstance(value, list):
            items = [self._scrubbed(item) for item in value]
            return items if any(map(is_not, items, value)) else value
        return value

    def _dict(self, value: dict[str, JSON]) -> dict[str, JSON]:
        scrubbed: dict[str, JSON] = {}
        changed = False
        for key, item in value.items():
            shown, copy = self._text(key), self._scrubbed(item)
            changed = changed or shown is not key or copy is not item
            # Two keys may become the same one; neither value is to be lost.
            while shown in scrubbed:
                shown += "'"
            scrubbed[shown] = copy
        return scrubbed if changed else value

    def _text(self, text: str) -> str:
        places = self._places(text)
        if not places:
            return text
        shown, end = [], 0
        for start, stop in _merged(places):
            shown += [text[end:start], REDACTED]
            end = stop
        return "".join([*shown, text[end:]])

    def _places(self, text: str) -> list[tuple[int, int]]:
        """Every occurrence of every needle: they may overlap, and replacing one must not leave half of
        another.
        """
        places = []
        for needle in self._needles:
            start = text.find(needle)
            while start >= 0:
                places.append((start, start + len(needle)))
                start = text.find(needle, start + 1)
        return sorted(places)


def _merged(places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, stop in places:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged


def _encodings(secret: str) -> frozenset[str]:
    """The texts in which a secret gives itself away; what is too short to be searched for is left out."""
    if len(secret) < MIN_SECRET_LENGTH:
        return frozenset()
    found: set[str] = set()
    for text in {secret, secret.strip()}:
        if len(text) >= MIN_SECRET_LENGTH:
            found |= {text, repr(text)[1:-1], *_json_escaped(text), *_url_quoted(text), *_base64(text)}
    return frozenset(needle for needle in found if len(needle) >= MIN_SECRET_LENGTH)


def _json_escaped(text: str) -> set[str]:
    once = {json.dumps(text, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    # A log line that holds a JSON text that holds the secret is escaped twice, as JSON or as Python shows it.
    return once | {shown[1:-1] for escaped in once for shown in (json.dumps(escaped), repr(escaped))}


def _url_quoted(text: str) -> set[str]:
    encoded = text.encode("utf-8", "surrogatepass")
    quoted = {quote(encoded, safe=safe) for safe in ("", "/", _OPEN_IN_PATHS)} | {quote_plus(encoded)}
    return quoted | {re.sub(r"%[0-9A-F]{2}", lambda match: match.group().lower(), one) for one in quoted}


def _base64(text: str) -> set[str]:
    """The characters that the secret alone decides, for each of the three places where it may begin in its
    block.
    """
    secret = text.encode("utf-8", "surrogatepass")
    found = set()
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + secret).decode()
        certain = encoded[-(-before * 8 // 6) : (before + len(secret)) * 8 // 6]
        found |= {certain, certain.replace("+", "-").replace("/", "_")}
    return found
