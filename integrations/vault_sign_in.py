"""How the platform itself signs in to the vault."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Literal

from django.conf import settings

from integrations.errors import VaultRefused, VaultRejected, VaultUnavailable

Method = Literal["get", "post", "list", "delete"]
# method, path, token, deadline, body
Call = Callable[[Method, str, str, float, dict[str, Any] | None], dict[str, Any] | None]


class Platform:
    """The platform's sign-in: a token that it was given, or an AppRole whose tokens are replaced as they run out."""

    def __init__(self, call: Call, seconds: float) -> None:
        self._call = call
        self._seconds = seconds
        self._lock = threading.Lock()
        self._token = ""
        self._good_until = 0.0

    def call(self, method: Method, path: str, body: dict[str, Any] | None = None, deadline: float | None = None) -> Any:
        """As the door's own call, with the platform's token; one that was refused is replaced once, if it can be."""
        deadline = deadline or time.monotonic() + self._seconds
        token = self._signed_in(deadline)
        try:
            return self._call(method, path, token, deadline, body)
        except VaultRefused:
            if settings.VAULT_TOKEN:
                raise
            self._forget(token)
            return self._call(method, path, self._signed_in(deadline), deadline, body)

    def _signed_in(self, deadline: float) -> str:
        if settings.VAULT_TOKEN:
            return str(settings.VAULT_TOKEN)
        if not (settings.VAULT_ROLE_ID and settings.VAULT_SECRET_ID):
            raise VaultUnavailable(
                "The platform cannot sign in: set VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID."
            )
        if not self._lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise VaultUnavailable(f"The vault at {settings.VAULT_ADDR} did not answer in time.")
        try:
            if time.monotonic() >= self._good_until:
                self._sign_in(deadline)
            return self._token
        finally:
            self._lock.release()

    def _sign_in(self, deadline: float) -> None:
        body = {"role_id": settings.VAULT_ROLE_ID, "secret_id": settings.VAULT_SECRET_ID}
        try:
            answer = self._call("post", "auth/approle/login", "", deadline, body)
        except (VaultRejected, VaultRefused) as error:
            raise VaultUnavailable("The vault does not accept VAULT_ROLE_ID and VAULT_SECRET_ID.") from error
        if answer is None:
            raise VaultUnavailable("The vault does not know AppRole sign-ins.")
        self._token = answer["auth"]["client_token"]
        self._good_until = time.monotonic() + answer["auth"]["lease_duration"] * 0.9

    def _forget(self, token: str) -> None:
        with self._lock:
            if self._token == token:
                self._good_until = 0.0
