"""Holds answers against the platform's own OpenAPI document."""

from __future__ import annotations

import re
from typing import Any

import httpx
from jsonschema import Draft202012Validator


class Contract:
    """What /api/schema says, and whether an answer keeps to it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._paths = {re.compile(re.sub(r"\{\w+\}", "[^/]+", path)): path for path in document["paths"]}

    def check(self, answer: httpx.Response) -> None:
        """Fails where the operation exists and its status, type or shape is not as described."""
        path = next((path for pattern, path in self._paths.items() if pattern.fullmatch(answer.url.path)), None)
        operation = self._document["paths"].get(path, {}).get(answer.request.method.lower())
        if operation is None:
            return
        where = f"{answer.request.method} {path} {answer.status_code}"
        described = operation["responses"].get(str(answer.status_code))
        assert described, f"{where}: no such status in the schema: {answer.text[:500]}"
        if answer.status_code == 204:
            return
        assert answer.headers["Content-Type"] == "application/json", where
        schema = described["content"]["application/json"]["schema"]
        whole = {**schema, "components": self._document["components"]}
        errors = [error.message for error in Draft202012Validator(whole).iter_errors(answer.json())]
        assert errors == [], f"{where}: {errors}"
