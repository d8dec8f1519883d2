"""What was asked for: an execution's input under the labels of the form that it was given with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from bifrost.sdk.sanitizing import REDACTED
from forms_app.models import Submission
from forms_app.portal.runs.readable import HIDDEN, NOTHING, Readable, readable
from forms_app.portal.runs.words import named
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context

LONGEST_ADDRESS = 4_000


@dataclass(frozen=True, slots=True)
class Filled:
    """The form that started an execution: `fields` are those of the version that was filled in, by their names."""

    slug: str
    name: str
    fields: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

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
        row = rows.values("slug", "name", "version__items").first()
    if row is None:
        return None
    fields = {item["name"]: item for item in row["version__items"] if item.get("type", "field") == "field"}
    return Filled(row["slug"], row["name"], fields)


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
    if form.hides(name) and value not in (None, ""):
        return HIDDEN
    labels = {repr(each.get("value")): each.get("label") for each in _choices(form, name)}
    if isinstance(value, list):
        return readable([labels.get(repr(each)) or each for each in value])
    return readable(labels.get(repr(value)) or value)


def _choices(form: Filled, name: str) -> list[Mapping[str, Any]]:
    return [each for each in form.fields.get(name, {}).get("choices", ()) if isinstance(each, Mapping)]
