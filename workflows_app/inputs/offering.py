"""The options that a field's data provider has, as a page shows them: some, none, a reason, or what is missing yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from bifrost.sdk.errors import ValidationError
from bifrost.sdk.tolerant import JSON
from orgs.errors import Denied
from orgs.records import OrganizationRecord
from workflows_app.inputs.definition import Definition
from workflows_app.inputs.fields import Choice, Field
from workflows_app.providers.asking import options_of


@dataclass(frozen=True)
class Offer:
    """`error`: why there are no options. `first`: the label of the field that has to be filled in before."""

    options: tuple[Choice, ...] = ()
    error: str = ""
    first: str = ""


def offer(
    organization: OrganizationRecord,
    definition: Definition,
    field: Field,
    values: Mapping[str, JSON],
    *,
    refresh: bool = False,
) -> Offer:
    """What the field's data provider offers where these are the form's values. Its failure is told at the field."""
    assert field.provider is not None
    arguments = definition.arguments(field, values)
    if missing := first_missing(definition, field, arguments):
        return Offer(first=missing)
    try:
        found = options_of(organization, field.provider, arguments, refresh=refresh)
    except (Denied, ValidationError) as failed:
        return Offer(error=failed.message)
    if not found.options:
        return Offer(error=_("There is nothing to choose from."))
    return Offer(tuple(Choice(option.value, option.label) for option in found.options))


def offers(organization: OrganizationRecord, definition: Definition, values: Mapping[str, JSON]) -> dict[str, Offer]:
    """The same for every field of the form that asks a data provider and is part of it now, by its place."""
    found: dict[str, Offer] = {}
    for field in definition.visible(values):
        if not isinstance(field, Field) or field.mode != "asked":
            continue
        if field.provider:
            found[field.name] = offer(organization, definition, field, values)
        rows = values.get(field.name) if field.kind == "group" else None
        for number, row in enumerate(rows if isinstance(rows, list) else ()):
            in_row = offers(organization, Definition(field.fields), row)
            found |= {f"{field.name}.{number}.{name}": offered for name, offered in in_row.items()}
    return found


def first_missing(definition: Definition, field: Field, arguments: Mapping[str, JSON]) -> str:
    """The label of the first field that its data provider cannot do without and that is empty."""
    for argument, name in field.inputs.items():
        parent = definition.field(name)
        if argument not in arguments and (parent.required or len(field.inputs) == 1):
            return parent.label
    return ""
