"""The values of a form, or the input of a start, as they were approved: what was shown and left as it was, is as it
was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from bifrost.sdk.documents import size
from bifrost.sdk.errors import ValidationError
from bifrost.sdk.forms import Form
from bifrost.sdk.parameters import ParameterSpec
from bifrost.sdk.sanitizing import redact_keys
from bifrost.sdk.tolerant import JSON
from integrations.sealing import VaultUnavailable, seal, unseal
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.approvals import inputs
from workflows_app.checks.running import require_none_blocks, run_checks
from workflows_app.engine.start import stored_input
from workflows_app.errors import PlatformUnavailable
from workflows_app.files.claiming import claim
from workflows_app.models import Approval, Execution
from workflows_app.providers.checking import check_parameters

MOST_BYTES = 64_000
AWAY = "The vault is away, and the form holds what must be encrypted."


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody who approves has changed: `left_out` has no value any more, or the one that it begins with."""

    values: Mapping[str, Any]
    left_out: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.values or self.left_out)


@dataclass(frozen=True, slots=True)
class Edited:
    """As it is stored: `values` redacted, and encrypted where that changed something. `changed`: which of an input."""

    values: dict[str, Any] | None
    sealed: bytes | None = None
    changed: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        organization: OrganizationRecord,
        approval: Approval,
        actor: Actor,
        given: Given,
        *,
        approve: bool,
    ) -> Edited:
        """Raises ValidationError that names the fields as `values.name`, and PlatformUnavailable."""
        is_start = approval.kind == Approval.Kind.START
        if not approve or (approval.form is None and not is_start):
            if given:
                raise _refused("This asks for no values." if approve else "What is rejected has no values.")
            return cls(None)
        if is_start and not given:
            return cls(None)
        try:
            if is_start:
                return _edited_input(organization, approval, actor, given)
            return _edited(organization, approval, given)
        except VaultUnavailable as error:
            raise PlatformUnavailable(AWAY) from error


def _edited_input(organization: OrganizationRecord, approval: Approval, actor: Actor, given: Given) -> Edited:
    """Checked as at a start."""
    with org_context(organization):
        row = Execution.objects.defer("result", "result_sealed", "variables").get(id=approval.execution_id)
    loaded = inputs.workflow_of(row.workflow, row.code_version, row.trigger)
    if loaded is None:
        raise _refused("The workspace has this workflow no longer: its values cannot be changed.")
    shown, sealed = row.input, row.input_sealed
    exact = shown if sealed is None else unseal(organization, bytes(sealed))
    try:
        values = {**exact, **_restored_each(given.values, shown, exact)}
        values = loaded.spec.validate({name: values[name] for name in values if name not in given.left_out})
        values = claim(organization, actor, loaded.spec, values, row.id, giver=row.id)
    except ValidationError as invalid:
        raise _named(invalid) from invalid
    changed = tuple(sorted(name for name, value in values.items() if name not in exact or exact[name] != value))
    if not changed:
        return Edited(None)
    if (length := size(values)) > settings.API_BODY_LIMIT:
        raise _refused(f"The values have {length:,} bytes; the limit is {settings.API_BODY_LIMIT:,}.")
    try:
        check_parameters(organization, loaded.spec, values)
        require_none_blocks(run_checks(organization, loaded, values, actor))
    except ValidationError as invalid:
        raise _named(invalid) from invalid
    return Edited(*stored_input(organization, loaded, values), changed)


def _edited(organization: OrganizationRecord, approval: Approval, given: Given) -> Edited:
    shown = shown_values(approval.form or ())
    sealed = approval.form_sealed
    initial = shown if sealed is None else unseal(organization, bytes(sealed))
    form = Form.from_json(approval.form or (), initial)
    hidden = {name for name, value in shown.items() if initial.get(name) != value}
    try:
        emptied = {field.name: _nothing(field) for field in form.parameters if field.name in given.left_out}
        values = form.completed({**_restored_each(given.values, shown, initial), **emptied})
    except ValidationError as invalid:
        raise _named(invalid) from invalid
    if (length := size(values)) > MOST_BYTES:
        raise _refused(f"The values have {length:,} bytes; the limit is {MOST_BYTES:,}.")
    kept = redact_keys(form.without_secrets(values))
    kept = {n: shown[n] if n in hidden and values[n] == initial[n] else value for n, value in kept.items()}
    return Edited(kept, seal(organization, values) if kept != values else None)


def _nothing(field: ParameterSpec) -> JSON:
    return "" if field.type == "string" else None


def _restored_each(given: Mapping[str, Any], shown: Mapping[str, Any], exact: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _restored(value, shown[name], exact[name]) if name in shown and name in exact else value
        for name, value in given.items()
    }


def _restored(given: Any, shown: Any, exact: Any) -> Any:
    """What was given, but what is redacted in it, as it was shown, is as it is."""
    if shown == exact:
        return given
    if given == shown:
        return exact
    if isinstance(given, dict) and isinstance(shown, dict) and isinstance(exact, dict):
        return _restored_each(given, shown, exact)
    if isinstance(given, list) and isinstance(shown, list) and len(given) == len(shown):
        return [_restored(*each) for each in zip(given, shown, exact, strict=True)]
    return given


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
