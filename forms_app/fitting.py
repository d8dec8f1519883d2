"""Whether a form fits the workflow that it starts: said to who builds it, rather than to each who fills it in."""

from __future__ import annotations

from collections.abc import Mapping

from bifrost.sdk.errors import DeclarationError, PermissionError
from bifrost.sdk.parameters import ParameterSpec
from orgs.permissions import SUBMIT_FORMS
from workflows_app import catalog as workspace
from workflows_app.inputs.definition import Definition
from workflows_app.inputs.fields import Field
from workflows_app.permissions import needed_to_start, require_exposed


def require_fit(workflow: str, definition: Definition, *, public: bool = False) -> None:
    """Raises DeclarationError that says what to change. `public`: strangers fill it in, through a link."""
    loaded = workspace.current().workflows.get(workflow)
    if loaded is None:
        raise DeclarationError(f'The workflow "{workflow}" is not in the workspace, or its file does not load.')
    try:
        require_exposed(loaded.spec)
    except PermissionError as closed:
        raise DeclarationError(closed.message) from None
    known = {parameter.name for parameter in loaded.spec.parameters}
    sent = {field.name for field in definition.fields if field.sent}
    for name in sorted(sent - known):
        raise DeclarationError(
            f'The workflow "{workflow}" has no parameter "{name}". A field that only decides about others is not sent.'
        )
    _require_kinds(workflow, definition, {parameter.name: parameter for parameter in loaded.spec.parameters})
    for parameter in loaded.spec.parameters:
        if parameter.required and parameter.name not in sent:
            raise DeclarationError(f'The workflow "{workflow}" requires "{parameter.name}", and no field yields it.')
    if public:
        require_public(definition)
        if needed_to_start(loaded.spec, by_form=True) != SUBMIT_FORMS:
            raise DeclarationError(f'The workflow "{workflow}" needs a permission that strangers do not have.')


def _require_kinds(workflow: str, definition: Definition, parameters: Mapping[str, ParameterSpec]) -> None:
    """A secret would be recorded in the clear, a file not found, where the workflow takes it for anything else."""
    for field in definition.fields:
        if not field.sent or field.kind not in ("secret", "file"):
            continue
        shape = parameters[field.name].values
        kinds = {shape.kind, shape.item.kind if shape.item is not None else ""}
        if field.kind not in kinds:
            raise DeclarationError(
                f'The field "{field.name}" is a {field.kind}, and the parameter of the workflow "{workflow}" is none.'
            )


def require_public(definition: Definition) -> None:
    """Raises DeclarationError for what strangers are not shown: options hold an organization's own data, and a file is
    kept on behalf of somebody."""
    for field in definition.fields:
        if any(each.provider for each in _with_inner(field)):
            raise DeclarationError(f'The field "{field.name}" has a data provider: such a form has no public link.')
        if any(each.kind == "file" for each in _with_inner(field)):
            raise DeclarationError(f'The field "{field.name}" takes files: such a form has no public link.')


def _with_inner(field: Field) -> tuple[Field, ...]:
    return (field, *field.fields)
