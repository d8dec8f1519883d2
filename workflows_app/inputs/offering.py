"""The options that a field's data provider has, as a page shows them: some, none, a reason, or what is missing yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    """The same for every field of the form that asks a data provider and is part of it now."""
    return {
        field.name: offer(organization, definition, field, values) for field in _provided(definition.visible(values))
    }


def first_missing(definition: Definition, field: Field, arguments: Mapping[str, JSON]) -> str:
    """The label of the first field that its data provider cannot do without and that is empty."""
    for argument, name in field.inputs.items():
        parent = definition.field(name)
        if argument not in arguments and (parent.required or len(field.inputs) == 1):
            return parent.label
    return ""


def _provided(items: Iterable[object]) -> Iterable[Field]:
    return (item for item in items if isinstance(item, Field) and item.provider and item.mode == "asked")
