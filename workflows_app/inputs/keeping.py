"""Files that come with a form: kept at once, so that they need not be chosen again where the rest was wrong."""

from __future__ import annotations

from typing import Any

from django.core import signing
from django.core.files.uploadedfile import UploadedFile

from bifrost.sdk.errors import ValidationError
from bifrost.sdk.tolerant import JSON
from orgs.errors import Denied
from orgs.records import Actor, OrganizationRecord
from workflows_app.actors import actor_key
from workflows_app.files.storing import store
from workflows_app.inputs.reading import Files

GOOD_FOR_SECONDS = 86_400


def files_of(organization: OrganizationRecord, actor: Actor) -> Files:
    """Those of this actor: a token that somebody else was given recalls nothing."""
    salt = f"bifrost.inputs.kept:{organization.id}:{actor_key(actor)}"

    def keep(upload: UploadedFile[Any]) -> JSON:
        try:
            return store(organization, actor, upload.name or "", upload.content_type, upload.read())
        except Denied as denied:
            raise ValidationError(denied.message) from denied

    def recall(token: str) -> JSON:
        try:
            return signing.loads(token, salt=salt, max_age=GOOD_FOR_SECONDS)
        except signing.BadSignature:
            return None

    return Files(keep, lambda file: signing.dumps(file, salt=salt), recall)
