"""The data directory: who may use it, and the files that the launcher keeps in it."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .environment import ROOT
from .waiting import StartFailed

SERVICE_VARIABLES = ("DATABASE_URL", "VAULT_ADDR", "VAULT_TOKEN")


def configured() -> Path:
    """BIFROST_DATA_DIR, or `.bifrost` in the repository."""
    return Path(os.environ.get("BIFROST_DATA_DIR") or ROOT / ".bifrost").expanduser().resolve()


@contextmanager
def held(directory: Path, holder: str) -> Iterator[None]:
    """Makes the directory and keeps every other launcher out of it. Raises StartFailed naming who holds it.

    The kernel ends the lock with this process, however that ends, so none is ever stale.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StartFailed(f"{error}. Give this user the directory, or set BIFROST_DATA_DIR to another.") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = os.read(lock, 200).decode(errors="replace").strip()
            raise StartFailed(
                f"{other or 'Another process'} runs already with the data directory {directory}."
                " Stop it first, or set BIFROST_DATA_DIR to another directory."
            ) from None
        os.ftruncate(lock, 0)
        os.write(lock, f"{holder} (process {os.getpid()})".encode())
        yield
    finally:
        os.close(lock)


def write_private(path: Path, content: bytes) -> None:
    """Replaces the file's content at once, readable by its owner only."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    os.replace(new, path)


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    write_private(path, f"{json.dumps(document, indent=2)}\n".encode())


def given(name: str) -> bool:
    """Whether the caller's environment has the variable, itself or as a file."""
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))


def remember(directory: Path, services: Mapping[str, str]) -> dict[str, str]:
    """Writes the services' variables to `environment`, which every `manage.py` reads; returns all that it then holds.

    The secret key is made once. Lines that somebody else added stay.
    """
    file = directory / "environment"
    others = {name: value for name, value in read_environment(file).items() if name not in SERVICE_VARIABLES}
    values = {**others, **services}
    if not given("SECRET_KEY"):
        values.setdefault("SECRET_KEY", secrets.token_urlsafe(48))
    lines = ["# Written by bin/up. What the environment itself sets comes first."]
    lines += [f"{name}={value}" for name, value in values.items()]
    write_private(file, "".join(f"{line}\n" for line in lines).encode())
    return values


def read_environment(file: Path) -> dict[str, str]:
    try:
        lines = file.read_text().splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.partition("=") for line in lines if not line.lstrip().startswith("#"))
    return {name.strip(): value for name, separator, value in pairs if separator}
