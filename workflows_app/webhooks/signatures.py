"""Whether a call proves that its sender knows the secret: by the secret itself, or by a signature of the raw body.

    X-Webhook-Secret: <secret>
    X-Webhook-Signature: sha256=<hex of HMAC-SHA256>      X-Hub-Signature-256 means the same
    X-Webhook-Timestamp: <Unix seconds>                   then "<timestamp>.<body>" is signed

The same work is done whatever is given, and comparisons take the same time wherever texts differ.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence

SECRET_HEADER = "X-Webhook-Secret"
SIGNATURE_HEADERS = ("X-Webhook-Signature", "X-Hub-Signature-256")
TIMESTAMP_HEADER = "X-Webhook-Timestamp"
TIMESTAMP_SECONDS = 300
MOST_SECRETS = 2

_TIMESTAMP = re.compile(r"[0-9]{1,12}")
# What was signed with a timestamp must not pass without one, as a body that begins with it.
_STAMPED = re.compile(rb"[0-9]{1,12}\.")
_NOBODYS_SECRET = secrets.token_urlsafe(32)


def proves(known: Sequence[str], headers: Mapping[str, str], body: bytes, now: float) -> bool:
    """Whether the headers prove knowledge of one of the secrets; False where none is known. `now`: Unix seconds."""
    timestamp = headers.get(TIMESTAMP_HEADER)
    in_time = timestamp is None or _is_recent(timestamp, now)
    signed = body if timestamp is None else timestamp.encode() + b"." + body
    signable = timestamp is not None or _STAMPED.match(body) is None
    proven = False
    for secret, real in _padded(known):
        expected = "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        matches = _same(headers.get(SECRET_HEADER, ""), secret)
        for name in SIGNATURE_HEADERS:
            matches |= _same(headers.get(name, "").lower(), expected) & signable
        proven |= matches & real
    return proven & in_time


def _padded(known: Sequence[str]) -> list[tuple[str, bool]]:
    """Always as many, each with whether it counts."""
    missing = MOST_SECRETS - len(known)
    return [(secret, True) for secret in known[:MOST_SECRETS]] + [(_NOBODYS_SECRET, False)] * missing


def _same(given: str, expected: str) -> bool:
    """Digests are compared, so that not even a length shows."""
    return hmac.compare_digest(_digest(given), _digest(expected))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _is_recent(timestamp: str, now: float) -> bool:
    return _TIMESTAMP.fullmatch(timestamp) is not None and abs(int(timestamp) - now) <= TIMESTAMP_SECONDS
