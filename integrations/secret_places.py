"""Where secrets lie in the vault, in which order they are looked for, and which paths an organization may read.

orgs/{org_id}/{name}     an organization's own, documented as {org_id}--{name}
orgs/{org_id}/webhooks/  what its webhooks' senders prove themselves by; out of the reach of workflows
tags/{tag}/{name}        the default for organizations with that tag
msp/defaults/{name}      the MSP's default for all
connections/{org_id}/    client secrets and tokens of its OAuth connections; out of the reach of `get_secret`, too
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from bifrost.sdk.errors import ValidationError
from orgs.records import OrganizationRecord

LONGEST_VALUE = 64_000
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,125}[A-Za-z0-9_])?")
_TAG = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,48}[A-Za-z0-9_])?")


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of secrets. `origin` is organization, tag or msp."""

    folder: str
    origin: str
    tag: str = ""

    def path(self, name: str) -> str:
        return f"{self.folder}/{name}"


MSP_DEFAULTS = Place("msp/defaults", "msp")


def own_place(organization: OrganizationRecord) -> Place:
    return Place(f"orgs/{organization.org_id}", "organization")


def webhooks_place(organization: OrganizationRecord) -> Place:
    """No secret's name has a slash, so nothing that a workflow asks for lies here."""
    return Place(f"orgs/{organization.org_id}/webhooks", "organization")


def connections_place(organization: OrganizationRecord) -> Place:
    """Apart from its secrets, so that no name of a secret can mean a token."""
    return Place(f"connections/{organization.org_id}", "organization")


def tag_place(tag: str) -> Place:
    """Raises ValidationError for a tag that cannot be a folder's name; such a tag has no secrets."""
    if not _TAG.fullmatch(tag):
        raise ValidationError(
            f"The tag {tag!r} cannot have secrets: only letters, digits, '_', '.' and '-'.", field="tag"
        )
    return Place(f"tags/{tag}", "tag", tag)


def search_order(organization: OrganizationRecord) -> list[Place]:
    """Where a secret of the organization is looked for, first place first."""
    tags = [tag_place(tag) for tag in organization.tags if _TAG.fullmatch(tag)]
    return [own_place(organization), *tags, MSP_DEFAULTS]


def address(organization: OrganizationRecord, name: str) -> str:
    """The documented name of an organization's secret."""
    return f"{organization.org_id}--{name}"


def is_secret_name(name: str) -> bool:
    return bool(_NAME.fullmatch(name))


def check_secret_name(name: str) -> None:
    """Raises ValidationError where nothing can be kept under this name."""
    if not is_secret_name(name):
        raise ValidationError(
            f"{name[:130]!r} cannot name a secret: up to 127 letters, digits, '_', '.' and '-', "
            "neither '.' nor '-' at its ends.",
            field="name",
        )


def check_secret_value(value: object) -> None:
    """Raises ValidationError, which never quotes the value, where it cannot be kept."""
    if not isinstance(value, str):
        raise ValidationError("A secret's value is text.", field="value")
    if not value:
        raise ValidationError("A secret's value is not empty.", field="value")
    try:
        length = len(value.encode())
    except UnicodeEncodeError:
        raise ValidationError(
            "A secret's value is valid text; this one holds half a surrogate pair.", field="value"
        ) from None
    if length > LONGEST_VALUE:
        raise ValidationError(f"A secret's value has at most {LONGEST_VALUE:,} bytes.", field="value")


def policy_name(organization: OrganizationRecord) -> str:
    return f"org-{organization.org_id}"


def policy_text(organization: OrganizationRecord, mount: str) -> str:
    """The organization's policy: it reads where its secrets are looked for, and the tokens of its own connections. It
    does nothing else."""
    places = [*search_order(organization), connections_place(organization)]
    paths = [f"{mount}/data/{place.folder}/*" for place in places]
    return json.dumps({"path": {path: {"capabilities": ["read"]} for path in paths}})
