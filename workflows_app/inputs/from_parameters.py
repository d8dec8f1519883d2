"""The definition that a workflow's own parameters make: what a form begins with."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace
from datetime import date
from typing import Any

from bifrost.sdk.declarations import MISSING
from bifrost.sdk.documents import encode
from bifrost.sdk.fields import Fields
from bifrost.sdk.parameters import ParameterSpec
from workflows_app import catalog
from workflows_app.inputs.definition import Definition
from workflows_app.inputs.fields import KINDS, Choice, Field

_KINDS: Mapping[str, str] = {
    "string": "text",
    "int": "number",
    "float": "number",
    "bool": "checkbox",
    "dict": "json",
    **{kind: kind for kind in ("email", "date", "datetime", "json", "list", "secret", "file")},
}

_ITEMS: Mapping[str, str] = {"string": "text", "float": "number", "int": "whole"}


def definition_of(parameters: Fields, provider_inputs: Mapping[str, tuple[str, ...]]) -> Definition:
    """A field for each parameter, in their order.

    `provider_inputs`: the arguments that each data provider takes beside the context; one that bears the name of
    another parameter takes that one's value.
    """
    fields: list[Field] = []
    for parameter in _providers_last(parameters.parameters, provider_inputs):
        before = {field.name for field in fields}
        fields.append(field_of(parameter, provider_inputs.get(parameter.data_provider or "", ()), before))
    return Definition(tuple(fields))


def asked_of(parameters: Fields) -> Definition:
    """The same with the data providers that the workspace has now. What none of them can offer is free, as it is
    where it is checked."""
    providers = {name: found.spec for name, found in catalog.current().data_providers.items()}
    names = [each.name for each in parameters.parameters]

    def freed(parameter: ParameterSpec) -> ParameterSpec:
        found = providers.get(parameter.data_provider or "")
        return parameter if found and not found.not_given(names) else replace(parameter, data_provider=None)

    arguments = {name: found.depends_on for name, found in providers.items()}
    return definition_of(Fields(tuple(map(freed, parameters.parameters))), arguments)


def field_of(parameter: ParameterSpec, arguments: tuple[str, ...] = (), before: Set[str] = frozenset()) -> Field:
    """The field of one parameter. `before`: the fields that its data provider's arguments may be taken from."""
    shape = parameter.values
    said: dict[str, Any] = {
        "name": parameter.name,
        "kind": _kind(parameter),
        "label": parameter.label,
        "help": parameter.description,
        # What is not ticked is an answer: a bool that is required need not be true.
        "required": parameter.required and parameter.type != "bool",
        "rules": _rules(parameter),
        "provider": parameter.data_provider,
    }
    if parameter.default is not MISSING and parameter.default is not None and parameter.type != "secret":
        said["default"] = parameter.default
    if parameter.data_provider:
        said["inputs"] = {argument: argument for argument in arguments if argument in before}
    elif said["kind"] in ("choice", "multiple_choice"):
        choices = (shape.item.choices if shape.item else ()) or shape.choices
        said["choices"] = tuple(Choice(value, value if isinstance(value, str) else encode(value)) for value in choices)
    return Field(**said)


def _kind(parameter: ParameterSpec) -> str:
    shape = parameter.values
    if parameter.type == "list":
        chosen = parameter.data_provider or (shape.item and shape.item.choices)
        if chosen:
            return "multiple_choice"
        if shape.item is not None and shape.item.kind == "file":
            return "file"
        # Lines of a text: what is none of these is written as JSON.
        return "list" if shape.item is None or (shape.item.kind in _ITEMS and not shape.item.nullable) else "json"
    if parameter.data_provider or shape.choices:
        return "choice"
    if parameter.type == "dict" and shape.item is not None and shape.item.kind == "string":
        return "key_value"
    return _KINDS[parameter.type]


def _rules(parameter: ParameterSpec) -> dict[str, Any]:
    """The parameter's own rules but its choices, which a form shows as such."""
    kind = _kind(parameter)
    if kind == "file":
        return {"many": True} if parameter.type == "list" else {}
    if KINDS[kind] == "json":
        return {}
    rules = {
        rule: said.isoformat() if isinstance(said, date) else said
        for rule, said in parameter.validation.items()
        if rule != "enum" and said is not None
    }
    if parameter.type == "int":
        rules["whole"] = True
    item = parameter.values.item
    if kind == "list" and item is not None:
        rules["items"] = _ITEMS[item.kind]
    return rules


def _providers_last(
    parameters: tuple[ParameterSpec, ...], provider_inputs: Mapping[str, tuple[str, ...]]
) -> list[ParameterSpec]:
    """In their order, but one whose options depend on others comes behind these."""

    def arguments(parameter: ParameterSpec) -> set[str]:
        return set(provider_inputs.get(parameter.data_provider or "", ()))

    left = list(parameters)
    ordered: list[ParameterSpec] = []
    while left:
        waiting = {parameter.name for parameter in left}
        ready = (each for each in left if not (waiting - {each.name}) & arguments(each))
        # In a circle, the first one goes without what comes behind it.
        chosen = next(ready, left[0])
        left.remove(chosen)
        ordered.append(chosen)
    return ordered
