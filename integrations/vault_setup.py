"""Preparing a vault for the platform. Each part may be repeated, and is left out where it is there already."""

from __future__ import annotations

import base64
import os
import time
from pathlib import Path
from typing import Any

from django.conf import settings

from bifrost.sdk.errors import ConfigurationError
from integrations.errors import VaultRefused, VaultRejected
from integrations.secrets import MASTER_KEY_PATH, TOKEN_ROLE, platform

PLATFORM_POLICY = "bifrost-platform"
MASTER_KEY_BYTES = 32
ENGINE_SECONDS = 10.0
_POLICY_FILE = Path(__file__).parent / "policies" / "platform.hcl"
_TOKEN_ROLE: dict[str, Any] = {
    "allowed_policies_glob": ["org-*"],
    "token_type": "batch",
    "orphan": True,  # the vault makes batch tokens of a role only so
    "renewable": False,
    "token_no_default_policy": True,
}


def prepare_vault() -> list[str]:
    """Makes sure of the engine, the role of organizations' tokens and the master key; says what it did.

    With an administrator's token it makes what is missing and installs the platform's policy. The platform's own token
    suffices for a vault that is prepared. Raises ConfigurationError naming what is missing and may not be made,
    VaultUnavailable when the vault is away.
    """
    done = [
        _ensure_engine() and f"made the engine {settings.VAULT_MOUNT}/",
        _ensure_role() and f"made the token role {TOKEN_ROLE}",
        _install_policy() and f"installed the policy {PLATFORM_POLICY}",
        _ensure_master_key() and "made the master key",
    ]
    return [sentence for sentence in done if sentence]


def platform_sign_in() -> tuple[str, str]:
    """A role id and a new secret id with which the platform signs in under its own policy. Needs an administrator."""
    vault = platform()
    if "approle/" not in vault.call("get", "sys/auth")["data"]:
        vault.call("post", "sys/auth/approle", {"type": "approle"})
    role = {"token_policies": [PLATFORM_POLICY], "token_ttl": "1h", "token_max_ttl": "1h", "token_type": "service"}
    path = f"auth/approle/role/{PLATFORM_POLICY}"
    vault.call("post", path, role)
    role_id = vault.call("get", f"{path}/role-id")["data"]["role_id"]
    return role_id, vault.call("post", f"{path}/secret-id", {})["data"]["secret_id"]


def platform_policy() -> str:
    """The text of the platform's policy for this mount."""
    return (
        _POLICY_FILE.read_text()
        .replace('/bifrost"', f'/{settings.VAULT_MOUNT}"')
        .replace('path "bifrost/', f'path "{settings.VAULT_MOUNT}/')
    )


def _ensure_engine() -> bool:
    path = f"sys/mounts/{settings.VAULT_MOUNT}"
    try:
        mount = platform().call("get", path)["data"]
    except VaultRejected:  # there is none
        _administer(path, {"type": "kv", "options": {"version": "2"}}, f"the KV engine {settings.VAULT_MOUNT}/")
        _await_engine()
        return True
    if mount["type"] != "kv" or (mount["options"] or {}).get("version") != "2":
        raise ConfigurationError(
            f"The vault's {settings.VAULT_MOUNT}/ is no KV engine of version 2: set VAULT_MOUNT to another name.",
            config_key="VAULT_MOUNT",
        )
    return False


def _await_engine() -> None:
    """A fresh engine refuses everything while it makes itself one of version 2."""
    deadline = time.monotonic() + ENGINE_SECONDS
    while True:
        try:
            platform().call("get", f"{settings.VAULT_MOUNT}/config")
        except VaultRejected:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _ensure_role() -> bool:
    path = f"auth/token/roles/{TOKEN_ROLE}"
    found = platform().call("get", path)
    if found is not None and all(found["data"].get(name) == value for name, value in _TOKEN_ROLE.items()):
        return False
    _administer(path, _TOKEN_ROLE, f"the token role {TOKEN_ROLE}")
    return True


def _administer(path: str, body: dict[str, Any], what: str) -> None:
    try:
        platform().call("post", path, body)
    except VaultRefused as error:
        raise ConfigurationError(
            f"The vault lacks {what}, and this token may not make it: run manage.py prepare_vault with an "
            "administrator's VAULT_TOKEN."
        ) from error


def _install_policy() -> bool:
    """False where the token may not: the platform's own must not widen its own policy."""
    path = f"sys/policies/acl/{PLATFORM_POLICY}"
    try:
        known = platform().call("get", path)
        if known is not None and known["data"]["policy"] == platform_policy():
            return False
        platform().call("post", path, {"policy": platform_policy()})
    except VaultRefused:
        return False
    return True


def _ensure_master_key() -> bool:
    path = f"{settings.VAULT_MOUNT}/data/{MASTER_KEY_PATH}"
    if platform().call("get", path) is not None:
        return False
    key = base64.b64encode(os.urandom(MASTER_KEY_BYTES)).decode()
    try:
        platform().call("post", path, {"options": {"cas": 0}, "data": {"1": key}})
    except (VaultRejected, VaultRefused):
        # Another process was faster; the token may create the key and not replace it.
        if platform().call("get", path) is None:
            raise
        return False
    return True
