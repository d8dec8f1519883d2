"""The labels of what was chosen among a data provider's options, as they were then: options change, a request stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any
from uuid import UUID

import structlog

from bifrost.sdk.errors import ValidationError
from bifrost.sdk.sanitizing import redact_keys
from forms_app.models import Submission
from orgs.errors import Denied
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.inputs.amending import Changed
from workflows_app.inputs.definition import Definition
from workflows_app.providers.checking import Chosen, check_options

log = structlog.get_logger(__name__)

#: By the place of a field, such as `team` or `rows.team`, and its value as `option_text` writes it.
Labels = Mapping[str, Mapping[str, str]]


def chosen_in(definition: Definition, values: Mapping[str, Any]) -> Iterator[Chosen]:
    """What was chosen among a data provider's options. What the form itself says is not asked about."""
    for field in definition.fields:
        if field.mode != "asked" or field.name not in values:
            continue
        value = values[field.name]
        if field.provider:
            inputs = {arg: values[name] for arg, name in field.inputs.items() if values.get(name) not in _NOTHING}
            yield Chosen(field.name, field.provider, inputs, value)
        elif field.kind == "group" and isinstance(value, list):
            inner = Definition(field.fields)
            for number, row in enumerate(value):
                for each in chosen_in(inner, row if isinstance(row, dict) else {}):
                    yield Chosen(f"{field.name}.{number}.{each.field}", each.provider, each.inputs, each.value)


def kept(definition: Definition, secret: Set[str], labels: Labels) -> dict[str, dict[str, str]]:
    """Those that are kept with a submission: of fields whose values the workflow gets, and that hold no secret.
    `secret`: the parameters that are declared as such."""
    found: dict[str, dict[str, str]] = {}
    for place, of_field in labels.items():
        names = [part for part in place.split(".") if not part.isdigit()]
        hides = names[0] in secret or any(map(_looks_secret, names))
        if definition.field(names[0]).sent and not hides:
            found.setdefault(".".join(names), {}).update(of_field)
    return found


def _add(organization: OrganizationRecord, execution: UUID, labels: Labels) -> None:
    with org_context(organization):
        row = Submission.objects.filter(execution=execution).values("id", "labels").first()
        if row is None:
            return
        before = row["labels"]
        joined = {place: {**before.get(place, {}), **labels.get(place, {})} for place in {*before, *labels}}
        Submission.objects.filter(id=row["id"]).update(labels=joined)


def add_changed(organization: OrganizationRecord, execution: UUID, changed: Changed, secret: Set[str]) -> None:
    """Keeps those of what somebody has changed before it was approved; where its options are away, there are none."""
    definition, values = changed.asked.definition, changed.asked.values
    chosen = [each for each in chosen_in(definition, values) if each.field.partition(".")[0] in changed.values]
    if not chosen:
        return
    try:
        found = check_options(organization, chosen)
    except (Denied, ValidationError) as failed:
        log.warning("labels are not kept", execution=str(execution), reason=failed.message)
        return
    _add(organization, execution, kept(definition, secret, found))


def _looks_secret(name: str) -> bool:
    return bool(redact_keys({name: ""}) != {name: ""})


_NOTHING: tuple[Any, ...] = (None, "", [], {})
