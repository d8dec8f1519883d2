"""What proves that a sender knows the secret."""

from __future__ import annotations

import pytest

from workflows_app.webhooks import signatures
from workflows_app.webhooks.signatures import proves

from .conftest import signature

BODY = b'{"ticket_id": "T-1"}'
NOW = 1_790_000_000.0
SIGNED = f"sha256={signature('right', BODY)}"


def stamped(at: int, secret: str = "right", body: bytes = BODY) -> dict[str, str]:
    text = f"{at}.".encode() + body
    return {"X-Webhook-Timestamp": str(at), "X-Webhook-Signature": f"sha256={signature(secret, text)}"}


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Webhook-Secret": "right"},
        {"X-Webhook-Signature": SIGNED},
        {"X-Hub-Signature-256": SIGNED},
        {"X-Webhook-Signature": SIGNED.upper().replace("SHA256", "sha256")},
        {"X-Webhook-Signature": "sha256=0", "X-Hub-Signature-256": SIGNED},
        stamped(int(NOW)),
        stamped(int(NOW) - 299),
        stamped(int(NOW) + 299),
    ],
)
def test_the_secret_or_a_signature_proves(headers: dict[str, str]) -> None:
    assert proves(["right"], headers, BODY, NOW)
    assert proves(["other", "right"], headers, BODY, NOW)
    assert not proves(["wrong"], headers, BODY, NOW)
    assert not proves([], headers, BODY, NOW)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Webhook-Secret": ""},
        {"X-Webhook-Secret": "righ"},
        {"X-Webhook-Secret": "right" * 1000},
        {"X-Webhook-Secret": "r\xefght"},
        {"X-Webhook-Signature": SIGNED.removeprefix("sha256=")},
        {"X-Webhook-Signature": "sha256="},
        {"X-Webhook-Signature": SIGNED.replace("sha256", "sha1")},
        # The times are off, or no times.
        stamped(int(NOW) - 301),
        stamped(int(NOW) + 301),
        {"X-Webhook-Secret": "right", "X-Webhook-Timestamp": str(int(NOW) - 301)},
        {**stamped(int(NOW)), "X-Webhook-Timestamp": str(int(NOW) + 1)},
        {"X-Webhook-Signature": SIGNED, "X-Webhook-Timestamp": ""},
        {"X-Webhook-Signature": SIGNED, "X-Webhook-Timestamp": "nan"},
        {"X-Webhook-Signature": SIGNED, "X-Webhook-Timestamp": "9" * 400},
        # A signature with a time covers that time.
        {"X-Webhook-Signature": SIGNED, "X-Webhook-Timestamp": str(int(NOW))},
    ],
)
def test_anything_else_does_not(headers: dict[str, str]) -> None:
    assert not proves(["right"], headers, BODY, NOW)


def test_a_signature_covers_every_byte() -> None:
    assert not proves(["right"], {"X-Webhook-Signature": SIGNED}, BODY + b" ", NOW)


def test_an_old_signature_with_a_time_does_not_pass_as_one_without() -> None:
    # Its sender signed "<time>.<body>"; here that is sent as the body, without the header.
    old = int(NOW) - 3_600
    text = f"{old}.".encode() + b"ticket_id=T-1"
    assert not proves(["right"], {"X-Webhook-Signature": f"sha256={signature('right', text)}"}, text, NOW)


def test_the_same_number_of_comparisons_is_made_whatever_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[int, int]] = []
    usual = signatures.hmac.compare_digest

    def compare(left: bytes, right: bytes) -> bool:
        compared.append((len(left), len(right)))
        return usual(left, right)

    monkeypatch.setattr(signatures.hmac, "compare_digest", compare)
    counts = set()
    for known in ([], ["right"], ["right", "other"]):
        for headers in ({}, {"X-Webhook-Secret": "right"}, {"X-Webhook-Secret": "x" * 500}, stamped(int(NOW))):
            compared.clear()
            proves(known, headers, BODY, NOW)
            counts.add(len(compared))
            # Digests: lengths never differ.
            assert set(compared) == {(32, 32)}
    assert len(counts) == 1
