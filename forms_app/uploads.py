"""Files among the values of a form: each is one that the person may read, and is described as it is kept."""

from __future__ import annotations

from collections.abc import Mapping
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
    """The values as they were given, with what is known of each file in the place of what the caller said of it.

    Raises ValidationError with one entry for each bad field: a form is no way to another person's file.
    """
    found = dict(values)
    problems: list[tuple[str, str]] = []
    for field in definition.visible(values):
        if not isinstance(field, Field) or field.kind != "file" or not values.get(field.name):
            continue
        given = values[field.name]
        files = [_stored(organization, actor, each) for each in (given if isinstance(given, list) else [given])]
        if None in files:
            problems.append((field.name, NOT_YOURS))
        found[field.name] = files if isinstance(given, list) else files[0]
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
