"""What was asked for: an execution's input under the labels of the form that it was given with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from bifrost.sdk.sanitizing import REDACTED
from forms_app.labels import Labels
from forms_app.models import Submission
from forms_app.portal.runs.readable import HIDDEN, NOTHING, Readable, readable
from forms_app.portal.runs.words import named
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.inputs.naming import option_text

LONGEST_ADDRESS = 4_000
NOTES = frozenset({"section", "text"})


@dataclass(frozen=True)
class Filled:
    """The form that started an execution: `items` are those of the version that was filled in, `labels` are kept as
    forms_app.labels does."""

    slug: str
    name: str
    items: Sequence[Mapping[str, Any]] = ()
    labels: Labels = field(default_factory=dict)

    @cached_property
    def fields(self) -> dict[str, Mapping[str, Any]]:
        return {item["name"]: item for item in self.items if item.get("type", "field") not in NOTES}

    def hides(self, name: str) -> bool:
        """Whether its value is a secret, whatever the workflow takes it for."""
        said = self.fields.get(name, {})
        return "secret" in (said.get("kind"), said.get("type"))

    def label(self, name: str) -> str:
        return str(self.fields.get(name, {}).get("label") or named(name))


@dataclass(frozen=True, slots=True)
class Given:
    """One value. `approved` is what became of it where somebody edited it."""

    label: str
    value: Readable
    approved: Readable | None = None


def filled_with(organization: OrganizationRecord, execution: UUID) -> Filled | None:
    """The form that it was started with; None where it was no form. One query."""
    with org_context(organization):
        rows = Submission.objects.filter(execution=execution)
        row = rows.values("slug", "name", "labels", "version__items").first()
    return None if row is None else Filled(row["slug"], row["name"], row["version__items"], row["labels"])


def given_values(
    filled: Filled | None,
    values: Mapping[str, Any],
    approved: Mapping[str, Any] | None = None,
    *,
    also_hidden: bool = False,
) -> list[Given]:
    """The values in the order of the form; nothing that was left empty. `also_hidden`: what nobody was asked, too."""
    form = filled or Filled("", "")
    order = list(dict.fromkeys([*form.fields, *values, *(approved or {})]))
    found = []
    for name in order:
        if not also_hidden and form.fields and form.fields.get(name, {"mode": "hidden"}).get("mode") == "hidden":
            continue
        before, after = values.get(name), (approved or values).get(name)
        told = _told(form, name, before)
        if before != after:
            found.append(Given(form.label(name), told, _told(form, name, after)))
        elif told is not NOTHING:
            found.append(Given(form.label(name), told))
    return found


def prefilled(filled: Filled, values: Mapping[str, Any]) -> str:
    """What fills the form in anew, as the end of its address: plain values of what was asked, no secrets, no files."""
    parts: list[tuple[str, str]] = []
    for name, said in filled.fields.items():
        if said.get("mode", "asked") == "asked" and not filled.hides(name):
            parts += [(name, text) for text in _texts(values.get(name))]
    while parts and len(urlencode(parts)) > LONGEST_ADDRESS:
        # The longest goes first: whoever fills it in sees that it is missing.
        parts.remove(max(parts, key=lambda part: len(part[1])))
    return f"?{urlencode(parts)}" if parts else ""


def _texts(value: Any) -> list[str]:
    match value:
        case True:
            return ["true"]
        case str() if value and value != REDACTED:
            return [value]
        case int() | float() if not isinstance(value, bool):
            return [str(value)]
        case list():
            return [text for each in value if not isinstance(each, list) for text in _texts(each)]
        case _:
            return []


def _told(form: Filled, name: str, value: Any) -> Readable:
    said = form.fields.get(name, {})
    if form.hides(name) and value not in (None, ""):
        return HIDDEN
    if said.get("kind") == "group" and isinstance(value, list) and all(isinstance(row, Mapping) for row in value):
        return readable([_row(form, said, row) for row in value])
    return readable(_labelled(form, name, said, value))


def _row(form: Filled, group: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of a group under the labels of its fields; what those do not know stands under its own name."""
    inner = {each["name"]: each for each in group.get("fields", ())}
    hidden = {name for name, said in inner.items() if said.get("mode") == "hidden"}
    return {
        str(inner.get(name, {}).get("label") or named(name)): _labelled(
            form, f"{group['name']}.{name}", inner.get(name, {}), row[name]
        )
        for name in dict.fromkeys([*inner, *row])
        if name in row and name not in hidden
    }


def _labelled(form: Filled, place: str, said: Mapping[str, Any], value: Any) -> Any:
    """What was chosen, as the person read it: by the form's own choices, or by those that were offered then."""
    choices = (each for each in said.get("choices", ()) if isinstance(each, Mapping))
    labels = {option_text(each.get("value")): each.get("label") for each in choices}
    labels |= form.labels.get(place, {})
    if isinstance(value, list) and option_text(value) not in labels:
        return [labels.get(option_text(each)) or each for each in value]
    return labels.get(option_text(value)) or value
