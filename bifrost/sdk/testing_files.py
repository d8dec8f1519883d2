"""Files and result cards in authors' tests: kept in memory, and at hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import uuid4

from bifrost.sdk.cards import CARD, card_document
from bifrost.sdk.errors import ValidationError
from bifrost.sdk.tolerant import JSON


@dataclass
class MemoryFiles:
    """The part of a test's host that keeps files. `files`: their contents by id; `saved_files`: those that the
    workflow made, by name."""

    files: dict[str, bytes] = field(default_factory=dict, kw_only=True)
    saved_files: dict[str, bytes] = field(default_factory=dict, kw_only=True)

    async def save_file(self, name: str, content_type: str | None, content: bytes) -> JSON:
        file_id = str(uuid4())
        self.files[file_id] = self.saved_files[name] = content
        kind = content_type or "application/octet-stream"
        return {"fileId": file_id, "name": name, "contentType": kind, "size": len(content)}

    async def read_file(self, file_id: str) -> bytes:
        if file_id not in self.files:
            raise ValidationError("There is no such file.", field="file")
        return self.files[file_id]


def cards_in(lines: Iterable[tuple[str, str, JSON]]) -> list[dict[str, JSON]]:
    """The cards of lines (kind, key, data) as a person sees them: of one key the last, in the place of the first."""
    shown: dict[str, dict[str, JSON]] = {}
    for number, (kind, key, data) in enumerate(lines):
        if kind == CARD:
            shown[key or f"\0{number}"] = card_document(key, data)
    return list(shown.values())
