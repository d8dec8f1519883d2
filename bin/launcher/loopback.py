"""JSON over HTTP to a port of this machine, past any proxy."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from typing import Any

HOST = "127.0.0.1"


def call(
    port: int,
    method: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    seconds: float = 5.0,
) -> tuple[int, dict[str, Any]]:
    """The status and the JSON object of the answer (empty where it is none). Raises OSError where nobody answers."""
    connection = http.client.HTTPConnection(HOST, port, timeout=seconds)
    try:
        content = json.dumps(body) if body is not None else None
        connection.request(method, path, content, {"Content-Type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        text = answer.read()
    except http.client.HTTPException as error:
        raise ConnectionError(f"{method} {path}: {error!r}") from error
    finally:
        connection.close()
    try:
        document = json.loads(text)
    except ValueError:
        document = {}
    return answer.status, document if isinstance(document, dict) else {}


def is_free(port: int) -> bool:
    """Whether a server can listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
