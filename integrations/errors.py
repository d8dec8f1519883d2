"""What the vault can do to its callers.

IntegrationError (SDK)
└── VaultUnavailable     away, sealed, slow or not prepared: the message says which
    ├── VaultRefused     the token may not do this (403)
    └── VaultRejected    the vault understood and said no (another 4xx); `reasons` are its own words
SealBroken               a blob that was not sealed for this organization, or was changed since
"""

from __future__ import annotations

from bifrost.sdk.errors import IntegrationError


class VaultUnavailable(IntegrationError):
    """The vault cannot serve this now. In records and answers it is the documented IntegrationError."""

    def __init__(self, message: str) -> None:
        super().__init__(message, integration="vault")
        self.error_type = "IntegrationError"


class VaultRefused(VaultUnavailable):
    pass


class VaultRejected(VaultUnavailable):
    def __init__(self, message: str, reasons: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.reasons = reasons


class SealBroken(Exception):
    """The blob does not open for this organization: it is another's, was tampered with, or is no sealed value."""
