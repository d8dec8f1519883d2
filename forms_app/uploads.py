"""Files among the values of a form: each is one that the person may read, and is described as it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatch
from typing import Any
from uuid import UUID

from orgs.errors import Denied
from orgs.records import Actor, OrganizationRecord
from workflows_app.files import storing
from workflows_app.inputs.definition import Definition, invalid
from workflows_app.inputs.fields import Field
from workflows_app.views import UUID_TEXT

NOT_YOURS = "is not a file that you may use"


def with_files(
    organization: OrganizationRecord, actor: Actor, definition: Definition, values: Mapping[str, Any]
) -> dict[str, Any]:
    """The values, with what is known of each file in the place of what the caller said of it.

    Raises ValidationError with one entry for each bad field: a form is no way to another person's file.
    """
    found = dict(values)
    problems: list[tuple[str, str]] = []
    for field in definition.fields:
        if field.kind != "file" or field.name not in values:
            continue
        given = values[field.name]
        many = isinstance(given, list)
        if many and not field.rules.get("many"):
            problems.append((field.name, "takes one file"))
            continue
        files = [_stored(organization, actor, each) for each in (given if many else [given])]
        problems += [(field.name, problem) for file in files if (problem := _problem(field, file)) is not None]
        found[field.name] = files if many else files[0]
    if problems:
        raise invalid(problems)
    return found


def without_ids(definition: Definition, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values, where a file that is uploaded once more is the same again."""
    files = {field.name for field in definition.fields if field.kind == "file"}
    return {name: _without_id(value) if name in files else value for name, value in values.items()}


def _without_id(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_id(each) for each in value]
    return {name: part for name, part in value.items() if name != "fileId"} if isinstance(value, Mapping) else value


def _stored(organization: OrganizationRecord, actor: Actor, said: Any) -> Mapping[str, Any] | None:
    id_ = said.get("fileId") if isinstance(said, Mapping) else None
    if not isinstance(id_, str) or not UUID_TEXT.fullmatch(id_):
        return None
    try:
        facts, _ = storing.open_file(organization, UUID(id_), actor)
    except Denied as denied:
        if denied.status_code != 404:
            raise
        return None
    return facts


def _problem(field: Field, file: Mapping[str, Any] | None) -> str | None:
    if file is None:
        return NOT_YOURS
    most = field.rules.get("max_bytes")
    if most is not None and file["size"] > most:
        return f"is larger than {most:,} bytes"
    types = field.rules.get("types") or ()
    if types and not any(_is_of(file, each) for each in types):
        return f"is none of {', '.join(types)}"
    return None


def _is_of(file: Mapping[str, Any], kind: str) -> bool:
    """`kind`: the end of a name such as .pdf, or a media type such as image/png or image/*."""
    if kind.startswith("."):
        return str(file["name"]).lower().endswith(kind.lower())
    return fnmatch(str(file["contentType"]), kind)
