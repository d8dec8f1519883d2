"""The input of a start as a form: what somebody who approves it may change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bifrost.sdk.forms import Form
from bifrost.sdk.parameters import ParameterSpec
from bifrost.sdk.tolerant import plain
from workflows_app import catalog
from workflows_app.catalog import LoadedWorkflow
from workflows_app.errors import UnknownWorkflow

CHOSEN = frozenset({"string", "int", "float"})


def workflow_of(workflow: str, code_version: str, trigger: Mapping[str, Any]) -> LoadedWorkflow | None:
    """The code that a start will run; None where it is there no longer."""
    try:
        return catalog.stored(workflow, code_version) if trigger.get("pinned") else catalog.find(workflow)
    except UnknownWorkflow:
        return None


def fields_of(loaded: LoadedWorkflow, shown: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A field for each parameter, as a form that a run asks with has them. `shown`: the values, redacted."""
    form = Form(loaded.spec.parameters)
    fields = form.as_json(dict(shown))
    for field, parameter in zip(fields, form.parameters, strict=True):
        field["validation"] = _rules(parameter)
    return fields


def _rules(parameter: ParameterSpec) -> dict[str, Any]:
    """Its rules, and as such also what its hint names as the only values."""
    choices = parameter.values.choices if parameter.type in CHOSEN else ()
    rules: dict[str, Any] = plain({**parameter.validation, **({"enum": list(choices)} if choices else {})})
    return rules
