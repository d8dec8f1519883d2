"""Moving to another vault: everything under the mount as it is now, the master key included.

Needs an administrator of each vault, since the platform itself may not read what it keeps there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from bifrost.sdk.errors import ConfigurationError
from integrations.errors import VaultRejected
from integrations.secrets import MASTER_KEY_PATH
from integrations.vault_door import Door
from integrations.vault_sign_in import Method

SECONDS = 10.0


@dataclass
class Copied:
    """How many were copied, and how many were there already with the same content."""

    copied: int = 0
    same: int = 0
    #: Paths at which the other vault holds something else; they were left as they are.
    different: list[str] = field(default_factory=list)


def copy_to(address: str, token: str) -> Copied:
    """Copies the latest version of all that settings.VAULT_ADDR holds to the other vault, whose engine has to be there.

    What the other one holds already is never changed. Raises VaultUnavailable, and ConfigurationError where both are
    the same vault, or the other one is in use already.
    """
    if address.rstrip("/") == settings.VAULT_ADDR.rstrip("/"):
        raise ConfigurationError("Both addresses are those of the same vault.", config_key="VAULT_ADDR")
    source, target = _Vault(settings.VAULT_ADDR, settings.VAULT_TOKEN), _Vault(address, token)
    if target.read(MASTER_KEY_PATH) not in (None, source.read(MASTER_KEY_PATH)):
        raise ConfigurationError(
            "The other vault has a master key of its own, with which nothing that is stored encrypted could be read. "
            "Copy into an empty engine, and run manage.py prepare_vault afterwards."
        )
    done = Copied()
    for path in source.paths(""):
        data = source.read(path)
        if data is None:
            continue  # deleted, but for its metadata
        if target.create(path, data):
            done.copied += 1
        elif target.read(path) == data:
            done.same += 1
        else:
            done.different.append(path)
    return done


class _Vault:
    def __init__(self, address: str, token: str) -> None:
        self._door = Door(address)
        self._token = token

    def paths(self, folder: str) -> Iterator[str]:
        """Those of all secrets below the folder, which ends with a slash or is empty."""
        answer = self._call("list", f"metadata/{folder}")
        for key in [] if answer is None else answer["data"]["keys"]:
            if key.endswith("/"):
                yield from self.paths(f"{folder}{key}")
            else:
                yield f"{folder}{key}"

    def read(self, path: str) -> dict[str, Any] | None:
        answer = self._call("get", f"data/{path}")
        return None if answer is None else answer["data"]["data"]

    def create(self, path: str, data: dict[str, Any]) -> bool:
        """Whether there was nothing at this path."""
        try:
            self._call("post", f"data/{path}", {"data": data, "options": {"cas": 0}})
        except VaultRejected:
            return False
        return True

    def _call(self, method: Method, path: str, body: dict[str, Any] | None = None) -> dict[str, Any] | None:
        full = f"{settings.VAULT_MOUNT}/{path}"
        return self._door.call(method, full, self._token, time.monotonic() + SECONDS, body)
