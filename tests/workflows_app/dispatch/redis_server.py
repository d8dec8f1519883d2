"""A real redis-server for a test."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

from bin.launcher.loopback import free_port
from tests.acceptance.launching import eventually


@contextmanager
def redis_server(port: int = 0) -> Iterator[str]:
    """Its address. Skips the test where there is no redis-server, but in continuous integration."""
    program = shutil.which("redis-server")
    if program is None:
        if "BIFROST_CI" in os.environ:
            pytest.fail("redis-server is not installed")
        pytest.skip("redis-server is not installed")
    port = port or free_port()
    with tempfile.TemporaryDirectory() as directory:
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", directory]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            eventually(lambda: answers(port), "redis-server")
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()
            server.wait(10)


def answers(port: int) -> bool:
    try:
        return bool(redis.Redis(port=port).ping())
    except redis.RedisError:
        return False
