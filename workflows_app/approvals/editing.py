"""The values of a form as they were approved: what was shown and left as it was, is as it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bifrost.sdk.documents import size
from bifrost.sdk.errors import ValidationError
from bifrost.sdk.forms import Form
from bifrost.sdk.sanitizing import redact_keys
from integrations.sealing import VaultUnavailable, seal, unseal
from orgs.records import OrganizationRecord
from workflows_app.errors import PlatformUnavailable
from workflows_app.models import Approval

MOST_BYTES = 64_000
AWAY = "The vault is away, and the form holds what must be encrypted."


@dataclass(frozen=True, slots=True)
class Edited:
    """As it is stored: `values` redacted, and encrypted where that changed something."""

    values: dict[str, Any] | None
    sealed: bytes | None = None

    @classmethod
    def of(
        cls, organization: OrganizationRecord, approval: Approval, given: Mapping[str, Any], *, approve: bool
    ) -> Edited:
        """Raises ValidationError that names the fields as `values.name`, and PlatformUnavailable."""
        if approval.form is None or not approve:
            if given:
                raise _refused("This asks for no values." if approve else "What is rejected has no values.")
            return cls(None)
        try:
            return _edited(organization, approval, given)
        except VaultUnavailable as error:
            raise PlatformUnavailable(AWAY) from error


def _edited(organization: OrganizationRecord, approval: Approval, given: Mapping[str, Any]) -> Edited:
    shown = shown_values(approval.form or ())
    sealed = approval.form_sealed
    initial = shown if sealed is None else unseal(organization, bytes(sealed))
    form = Form.from_json(approval.form or (), initial)
    hidden = {name for name, value in shown.items() if initial.get(name) != value}
    try:
        values = form.completed({n: value for n, value in given.items() if not (n in hidden and value == shown[n])})
    except ValidationError as invalid:
        raise _named(invalid) from invalid
    if (length := size(values)) > MOST_BYTES:
        raise _refused(f"The values have {length:,} bytes; the limit is {MOST_BYTES:,}.")
    kept = redact_keys(form.without_secrets(values))
    kept = {n: shown[n] if n in hidden and values[n] == initial[n] else value for n, value in kept.items()}
    return Edited(kept, seal(organization, values) if kept != values else None)


def shown_values(fields: Any) -> dict[str, Any]:
    """The initial values as a page shows them."""
    return {field["name"]: field["initial"] for field in fields if "initial" in field}


def _refused(message: str) -> ValidationError:
    return ValidationError(message, field="values", details={"errors": [{"field": "values", "message": message}]})


def _named(invalid: ValidationError) -> ValidationError:
    errors = [
        {"field": f"values.{error['field']}" if error["field"] else "values", "message": error["message"]}
        for error in invalid.details["errors"]
    ]
    return ValidationError(invalid.message, field=errors[0]["field"], details={"errors": errors})
