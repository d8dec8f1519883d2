"""Keeping files and giving them out again."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from uuid6 import uuid7

from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.actors import actor_key, person
from workflows_app.errors import TooManyUploads, UnknownFile
from workflows_app.files.access import of_family, readable_by, readable_by_run
from workflows_app.files.checking import Checked, check
from workflows_app.files.models import FileUse, StoredFile

NO_FILE = "There is no such file."
MOST_UNUSED = 100  # of one person or program: they go after a day
FACTS = ("id", "name", "content_type", "size")

#: A file as it is named everywhere: fileId, name, contentType, size.
Facts = dict[str, Any]


def store(organization: OrganizationRecord, actor: Actor, name: str, content_type: str | None, content: bytes) -> Facts:
    """Keeps what somebody uploads; it goes after a day unless a run is given it.

    Raises ValidationError for a name, size or kind that is not taken, TooManyUploads, and PlatformUnavailable where
    the virus scan fails.
    """
    checked = check(name, content_type, content)
    with org_context(organization):
        unused = StoredFile.objects.filter(~Exists(FileUse.objects.filter(file=OuterRef("pk"))))
        if unused.filter(uploader=actor_key(actor)).count() >= MOST_UNUSED:
            raise TooManyUploads(f"{MOST_UNUSED} files that were uploaded are not used yet; they go after a day.")
        row = _row(actor, checked, content)
        row.save(force_insert=True)
    return facts_of(row)


def store_for_run(
    organization: OrganizationRecord, execution: UUID, actor: Actor, checked: Checked, content: bytes, key: str
) -> Facts:
    """Keeps what a run has made, with the run. The same key is the same file: a step may be done again."""
    kept_under = hashlib.sha256(key.encode()).hexdigest()
    with org_context(organization), transaction.atomic():
        row = _row(actor, checked, content)
        row.key = kept_under
        StoredFile.objects.bulk_create([row], ignore_conflicts=True)
        kept = StoredFile.objects.only(*FACTS).get(key=kept_under)
        FileUse.objects.bulk_create([FileUse(file_id=kept.id, execution_id=execution)], ignore_conflicts=True)
    return facts_of(kept)


def open_file(organization: OrganizationRecord, file_id: UUID, actor: Actor) -> tuple[Facts, bytes]:
    """What is known of the file, and its content. Raises UnknownFile, also where the actor may not read it."""
    with org_context(organization):
        row = _readable(file_id, readable_by(actor))
    if row is None:
        raise UnknownFile(NO_FILE)
    return facts_of(row), bytes(row.content)


def read_for_run(organization: OrganizationRecord, file_id: UUID, actor: Actor, execution: UUID) -> bytes:
    """The content of a file that the run may read; from now on it holds the file. Raises UnknownFile."""
    with org_context(organization), transaction.atomic():
        row = _readable(file_id, readable_by_run(actor, execution))
        if row is None and of_family(execution, [file_id]):
            row = _readable(file_id, Q())
        if row is None:
            raise UnknownFile(NO_FILE)
        FileUse.objects.bulk_create([FileUse(file_id=file_id, execution_id=execution)], ignore_conflicts=True)
    return bytes(row.content)


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def facts_of(row: StoredFile) -> Facts:
    return {"fileId": str(row.id), "name": row.name, "contentType": row.content_type, "size": row.size}


def _readable(file_id: UUID, by: Q) -> StoredFile | None:
    return StoredFile.objects.only(*FACTS, "content").filter(by, id=file_id).first()


def _row(actor: Actor, checked: Checked, content: bytes) -> StoredFile:
    return StoredFile(
        id=uuid7(),
        name=checked.name,
        content_type=checked.content_type,
        size=len(content),
        sha256=digest_of(content),
        content=content,
        scanned=checked.scanned,
        created_by=person(actor),
        uploader=actor_key(actor),
    )
