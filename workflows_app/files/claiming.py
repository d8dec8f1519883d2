"""Files that a run is given: whoever starts it may read them, and from then on the run holds them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from django.db import transaction

from bifrost.sdk.errors import ValidationError
from bifrost.sdk.files import is_file_id
from bifrost.sdk.shapes import Shape
from bifrost.sdk.specs import WorkflowSpec
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.files.access import of_family, readable_by_run
from workflows_app.files.models import FileUse, StoredFile
from workflows_app.files.storing import FACTS, Facts, facts_of

MOST_FILES = 100
NOT_THERE = "is not a file that was uploaded, or it is not there any more"


def claim(
    organization: OrganizationRecord,
    actor: Actor,
    spec: WorkflowSpec,
    parameters: dict[str, Any],
    execution: UUID,
    giver: UUID | None = None,
) -> dict[str, Any]:
    """The checked parameters, with what is known of each file in the place of what its sender says of it.

    Has the execution, which is about to be created or to get other parameters, hold them. `giver`: the execution that
    starts it. Raises ValidationError with one entry for each parameter that names a file which the actor, or the giver,
    may not read. Asks the database only where the workflow has such parameters and was given some.
    """
    taking = [parameter.name for parameter in spec.parameters if _takes_files(parameter.values)]
    named = {name: set(_ids(parameters.get(name))) for name in taking}
    wanted = set().union(*named.values())
    if not wanted:
        return parameters
    if len(wanted) > MOST_FILES:
        raise _wrong([(next(iter(named)), f"are more than {MOST_FILES} files")])
    with org_context(organization), transaction.atomic():
        found = _found(actor, wanted, giver)
        if missing := [(name, NOT_THERE) for name, ids in named.items() if not ids <= found.keys()]:
            raise _wrong(missing)
        FileUse.objects.bulk_create(
            [FileUse(file_id=id_, execution_id=execution) for id_ in found], ignore_conflicts=True
        )
    return {**parameters, **{name: _told(parameters[name], found) for name in named if named[name]}}


def _found(actor: Actor, wanted: set[UUID], giver: UUID | None) -> dict[UUID, Facts]:
    """Locked, so that none of them goes before it is held."""
    # The condition asks other tables: it is told first, and the rows are locked by their ids.
    readable = set(StoredFile.objects.filter(readable_by_run(actor, giver), id__in=wanted).values_list("id", flat=True))
    if giver is not None and (others := wanted - readable):
        readable |= of_family(giver, others)
    rows = StoredFile.objects.select_for_update(no_key=True).only(*FACTS).filter(id__in=readable).order_by("id")
    return {row.id: facts_of(row) for row in rows}


def _takes_files(shape: Shape) -> bool:
    inner = [*shape.options, *([shape.item] if shape.item else [])]
    return shape.kind == "file" or any(_takes_files(each) for each in inner)


def _ids(value: Any) -> Iterator[UUID]:
    if isinstance(value, Mapping):
        if is_file_id(value.get("fileId")):
            yield UUID(value["fileId"])
            return
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _ids(each)


def _told(value: Any, found: Mapping[UUID, Facts]) -> Any:
    if isinstance(value, Mapping):
        if is_file_id(value.get("fileId")):
            return found[UUID(value["fileId"])]
        return {name: _told(each, found) for name, each in value.items()}
    return [_told(each, found) for each in value] if isinstance(value, list) else value


def _wrong(problems: list[tuple[str, str]]) -> ValidationError:
    field, message = problems[0]
    errors = [{"field": name, "message": said} for name, said in problems]
    return ValidationError(f'Parameter "{field}" {message}', field=field, details={"errors": errors})
