"""Values that are kept encrypted beside their redacted form, each organization's under a key of its own.

A blob is a version byte, the master key's version, a nonce of 12 bytes and AES-256-GCM's ciphertext. The keys are
derived (HKDF-SHA256) from the master key in the vault, which this process reads once. The header and the organization
are authenticated, so another organization's blob does not open, nor one that was changed.
"""

from __future__ import annotations

import base64
import json
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bifrost.sdk.tolerant import JSON
from integrations import secrets
from integrations.errors import SealBroken, VaultUnavailable
from orgs.records import OrganizationRecord

__all__ = ["SealBroken", "VaultUnavailable", "forget_master_keys", "seal", "unseal"]

FORMAT = 1
HEADER_BYTES = 2
NONCE_BYTES = 12

_master_keys: dict[int, bytes] = {}


def seal(organization: OrganizationRecord, value: JSON) -> bytes:
    """The value, encrypted for this organization under the newest key. Raises VaultUnavailable without the key."""
    version = max(_keys())
    header = bytes([FORMAT, version])
    nonce = os.urandom(NONCE_BYTES)
    text = json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
    return header + nonce + _cipher(organization, version).encrypt(nonce, text, _bound(organization, header))


def unseal(organization: OrganizationRecord, blob: bytes) -> JSON:
    """What was sealed. Raises SealBroken for what does not open, VaultUnavailable without the key."""
    blob = bytes(blob)  # PostgreSQL's drivers hand out memoryviews
    header, nonce, ciphertext = (
        blob[:HEADER_BYTES],
        blob[HEADER_BYTES:][:NONCE_BYTES],
        blob[HEADER_BYTES + NONCE_BYTES :],
    )
    if len(nonce) < NONCE_BYTES or header[0] != FORMAT:
        raise SealBroken("This is not a sealed value.")
    try:
        text = _cipher(organization, header[1]).decrypt(nonce, ciphertext, _bound(organization, header))
    except InvalidTag:
        raise SealBroken(f"A sealed value does not open for the organization {organization.org_id}.") from None
    return json.loads(text)


def forget_master_keys() -> None:
    """The next call reads them from the vault again."""
    global _master_keys  # noqa: PLW0603
    _master_keys = {}
    _derived.cache_clear()


def _bound(organization: OrganizationRecord, header: bytes) -> bytes:
    return header + organization.id.bytes


def _cipher(organization: OrganizationRecord, version: int) -> AESGCM:
    keys = _keys()
    if version not in keys:
        # Another process may have sealed it under a key that was added since this one started.
        keys = _read_keys()
    if version not in keys:
        raise SealBroken(f"A sealed value needs version {version} of the master key, which the vault does not have.")
    return _derived(keys[version], organization.id.bytes)


@lru_cache(maxsize=1024)
def _derived(master: bytes, organization: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), length=32, salt=None, info=b"bifrost sealing " + organization).derive(master))


def _keys() -> dict[int, bytes]:
    return _master_keys or _read_keys()


def _read_keys() -> dict[int, bytes]:
    global _master_keys  # noqa: PLW0603 - read once per process
    keys = {version: base64.b64decode(key) for version, key in secrets.master_keys().items()}
    _master_keys = keys
    return keys
