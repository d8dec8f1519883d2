"""HTTP to the vault. The only module that knows hvac."""

from __future__ import annotations

import time
from typing import Any, NoReturn

import hvac
from django.conf import settings
from hvac import exceptions as vault_errors

from integrations.errors import VaultRefused, VaultRejected, VaultUnavailable
from integrations.vault_sign_in import Method

UNPREPARED = "The vault has to be prepared with manage.py prepare_vault."


class Door:
    """Each call has a token and a deadline, and each failure is one of `integrations.errors`."""

    def __init__(self, address: str | None = None) -> None:
        self._address = address or settings.VAULT_ADDR
        # hvac takes a token from the environment and the home directory unless it is given one.
        self._adapter = hvac.Client(url=self._address, token="").adapter
        # Secrets go to the vault itself, never through a proxy that the environment names.
        self._adapter.session.trust_env = False

    def call(
        self, method: Method, path: str, token: str, deadline: float, body: dict[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """The vault's answer; an empty one where it has no content, None where there is nothing at this path."""
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise VaultUnavailable(f"The vault at {self._address} did not answer in time.")
        try:
            answer = self._adapter.request(
                method,
                f"/v1/{path}",
                headers={"X-Vault-Token": token} if token else {},
                timeout=(remaining / 3, remaining * 2 / 3),  # to connect, to answer
                **({"json": body} if body is not None else {}),
            )
        except vault_errors.InvalidPath as error:
            _check_that_it_is_the_vaults(error, self._address)
            return None
        except vault_errors.VaultError as error:
            _explain(error, path, self._address)
        except OSError as error:  # all of requests' errors are
            slow = deadline - time.monotonic() < remaining * 0.7  # a refused connection fails at once
            what = "did not answer in time" if slow else "cannot be reached"
            raise VaultUnavailable(f"The vault at {self._address} {what}.") from error
        return _document(answer, self._address)


def _check_that_it_is_the_vaults(error: vault_errors.InvalidPath, address: str) -> None:
    if not isinstance(error.json, dict):
        raise VaultUnavailable(f"What answers at {address} is not a vault.") from error
    if any("no handler for route" in reason for reason in error.errors or ()):
        raise VaultUnavailable(f"The vault has no engine at {settings.VAULT_MOUNT}/. {UNPREPARED}") from error


def _explain(error: vault_errors.VaultError, path: str, address: str) -> NoReturn:
    reasons = tuple(error.errors or ())
    if isinstance(error, vault_errors.Forbidden):
        raise VaultRefused(f"The vault refused access to {path}.") from error
    if isinstance(error, (vault_errors.VaultDown, vault_errors.VaultNotInitialized)):
        state = "sealed" if any("sealed" in reason for reason in reasons) else "not ready"
        raise VaultUnavailable(f"The vault at {address} is {state}.") from error
    if isinstance(error, (vault_errors.InvalidRequest, vault_errors.UnsupportedOperation)):
        raise VaultRejected(f"The vault rejected a request to {path}: {'; '.join(reasons)}", reasons) from error
    raise VaultUnavailable(f"The vault at {address} failed: {'; '.join(reasons) or 'no reason given'}") from error


def _document(answer: object, address: str) -> dict[str, Any]:
    if isinstance(answer, dict):
        return answer
    if getattr(answer, "status_code", None) == 204:
        return {}
    raise VaultUnavailable(f"What answers at {address} is not a vault.")
