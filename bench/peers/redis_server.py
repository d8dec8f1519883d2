"""A redis-server of the benchmark's own on a Unix socket or a free port, without persistence."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from launcher import loopback
from launcher.processes import die_with_parent

from bench.clients import BenchFailed, wait_until

PERSISTENCE_OFF = ("--save", "", "--appendonly", "no")


@contextmanager
def redis_server(data: Path) -> Iterator[str | None]:
    """Its URL while the block runs; None where redis-server is not installed."""
    program = shutil.which("redis-server")
    if program is None:
        yield None
        return
    port = loopback.free_port()
    address = ["--bind", loopback.HOST, "--port", str(port), "--dir", str(data)]
    process = subprocess.Popen(
        [program, *address, *PERSISTENCE_OFF],
        stdout=subprocess.DEVNULL,
        preexec_fn=die_with_parent(),  # noqa: PLW1509  it is one system call
    )
    try:
        wait_until(lambda: _answers(port), "redis-server", 10)
        yield f"redis://{loopback.HOST}:{port}/0"
    finally:
        process.terminate()
        process.wait(10)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection((loopback.HOST, port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            answer = connection.recv(16)
    except OSError:
        return False
    if not answer.startswith(b"+PONG"):
        raise BenchFailed(f"redis-server answers {answer!r} to PING.")
    return True
