"""What a delivery says: a JSON object, or a form, read as strictly as the API reads JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from bifrost.sdk.errors import ValidationError
from bifrost.sdk.sanitizing import REDACTED, Scrubber, redact_keys
from bifrost.sdk.specs import WorkflowSpec
from workflows_app.parsers import parse_object, refuse

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 1_000


@dataclass(frozen=True, slots=True)
class Content:
    """A delivery's bytes and what they hold. `problem`: why they hold nothing that can be read."""

    raw: bytes
    content_type: str
    fields: dict[str, Any] | None = None
    problem: ValidationError | None = None

    def parameters(self, spec: WorkflowSpec) -> dict[str, Any]:
        """The fields that the workflow takes; the others are dropped. Raises ValidationError."""
        if self.fields is None:
            raise self.problem or ValidationError("The body cannot be read.")
        names = {parameter.name for parameter in spec.parameters}
        taken = {name: value for name, value in self.fields.items() if name in names}
        return spec.parse_text(taken) if self.content_type == FORM else taken

    def shown(self, spec: WorkflowSpec, scrubber: Scrubber) -> dict[str, Any] | None:
        """The fields without what looks like a secret, is declared as one, or proves the sender."""
        if self.fields is None:
            return None
        hidden = {parameter.name for parameter in spec.parameters if parameter.type == "secret"} & self.fields.keys()
        redacted = redact_keys({**self.fields, **dict.fromkeys(hidden, REDACTED)})
        cleaned: dict[str, Any] = scrubber.scrub(redacted)
        return cleaned


def read_content(raw: bytes, content_type: str) -> Content:
    """The content of these bytes; what is wrong with them is its `problem`."""
    kind = content_type.partition(";")[0].strip().lower()
    try:
        return Content(raw, kind, _fields(raw, kind))
    except ValidationError as problem:
        return Content(raw, kind, problem=problem)


def _fields(raw: bytes, kind: str) -> dict[str, Any]:
    if not raw:
        return {}
    if kind == FORM:
        return _form(raw)
    if kind in ("", "application/json") or (kind.startswith("application/") and kind.endswith("+json")):
        return parse_object(raw)
    refuse("body", f"The body has to be JSON or a form, not {kind[:100]!r}.")


def _form(raw: bytes) -> dict[str, Any]:
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        refuse("body", f"The body is no form in UTF-8 of at most {MOST_FIELDS:,} fields.")
    fields = dict(pairs)
    if len(fields) != len(pairs):
        refuse("body", "The form has a field twice.")
    # As JSON it passes the checks of what can be stored.
    return parse_object(json.dumps(fields).encode())
