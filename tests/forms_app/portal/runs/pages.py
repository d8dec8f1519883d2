"""The page of one request, as somebody sees it."""

from __future__ import annotations

from typing import Any

from orgs.models import User

from .rows import text, visit

PAGE = "/o/acme/requests/{}"
GOING: dict[str, Any] = {"result": None, "completed_at": None, "duration_ms": None}


def seen_by(person: User, execution: object, below: str = "") -> str:
    return text(visit(person).get(PAGE.format(execution) + below))
