"""What a reader has to know of the machine and its services to judge the figures."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import psycopg

SERVER_SETTINGS = ("server_version", "fsync", "synchronous_commit", "shared_buffers", "max_connections")


def facts(database_url: str) -> list[str]:
    """One sentence each."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        server = {name: _setting(connection, name) for name in SERVER_SETTINGS}
    version = server.pop("server_version")
    settings = ", ".join(f"{name} {value}" for name, value in server.items())
    return [
        f"{processor(Path('/proc/cpuinfo').read_text())}, {os.cpu_count()} cores, {memory_gb():.0f} GB,"
        f" {platform.system()} {platform.release()}, Python {platform.python_version()}",
        f"PostgreSQL {version}: {settings}",
        f"Load average at the start: {os.getloadavg()[0]:.1f}",
    ]


def processor(cpuinfo: str) -> str:
    """The processor's name in /proc/cpuinfo, or what kind it is where that tells none."""
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _setting(connection: psycopg.Connection, name: str) -> str:
    row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
    assert row is not None
    return str(row[0])
