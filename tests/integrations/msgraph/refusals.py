"""How Graph says no."""

from __future__ import annotations

from typing import Any

from tests.integrations.vendor import Reply

REQUEST_ID = "5b1a2f1c-65d1-4b4c-8f9d-0123456789ab"


class Refused(Exception):
    def __init__(self, status: int, code: str, message: str, *details: dict[str, str]) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.details = list(details)

    def document(self) -> dict[str, Any]:
        inner = {"date": "2026-11-26T09:00:00", "request-id": REQUEST_ID, "client-request-id": REQUEST_ID}
        details = {"details": self.details} if self.details else {}
        return {"error": {"code": self.code, "message": str(self), **details, "innerError": inner}}

    def reply(self) -> Reply:
        return Reply(self.status, self.document())


def missing(key: str) -> Refused:
    message = f"Resource '{key}' does not exist or one of its queried reference-property objects are not present."
    return Refused(404, "Request_ResourceNotFound", message)


def conflict(name: str) -> Refused:
    message = f"Another object with the same value for property {name} already exists."
    return Refused(400, "Request_BadRequest", message, {"code": "ObjectConflict", "message": message, "target": name})


def bad(message: str) -> Refused:
    return Refused(400, "Request_BadRequest", message)


def unsupported(message: str) -> Refused:
    return Refused(400, "Request_UnsupportedQuery", message)
