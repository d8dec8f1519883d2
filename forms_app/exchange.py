"""A form as a file, to take it to another organization or another installation.

The file holds what the form asks and whom by role; no ids, nobody's name, no groups or customers, no public link, and
no value that could be a secret.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from bifrost.sdk.errors import DeclarationError, ValidationError
from bifrost.sdk.sanitizing import redact_keys
from forms_app.errors import UnknownForm
from forms_app.models import Form, FormVersion
from forms_app.versions import LONGEST_LABEL, add
from orgs.models import Membership
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.inputs.definition import Definition
from workflows_app.parsers import parse_object, refuse

KIND = "bifrost.form"
FORMAT = 1
MOST_BYTES = 1_000_000
_TEXTS: Mapping[str, int] = {"slug": 100, "name": 200, "description": 5_000, "category": 100, "workflow": 100}
_OPTIONAL_TEXTS: Mapping[str, int] = {"submitLabel": LONGEST_LABEL, "confirmation": 20_000}
_NAMES = ("kind", "format", *_TEXTS, *_OPTIONAL_TEXTS, "roles", "items")


def export_form(organization: OrganizationRecord, form_id: UUID) -> bytes:
    """The form's newest version as a JSON file. Raises UnknownForm."""
    with org_context(organization):
        form = Form.objects.filter(id=form_id).first()
        if form is None:
            raise UnknownForm
        version = FormVersion.objects.get(form=form.id, number=form.version)
    document = {
        "kind": KIND,
        "format": FORMAT,
        **{name: getattr(form, name) for name in _TEXTS},
        "roles": sorted(form.roles),
        "submitLabel": version.submit_label,
        "confirmation": version.confirmation,
        "items": [_without_secrets(item) for item in version.items],
    }
    return json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"


def import_form(organization: OrganizationRecord, actor: Actor, content: bytes, *, slug: str | None = None) -> UUID:
    """A new form as the file says, not yet published, at its address, or at this one.

    Its workflow need not be there yet. Raises ValidationError that names what is wrong with the file, or an address
    that is taken.
    """
    if len(content) > MOST_BYTES:
        refuse("file", f"The file is larger than {MOST_BYTES:,} bytes.")
    document = parse_object(content)
    _check(document)
    try:
        items = Definition.read(document.get("items")).as_json()
    except DeclarationError as error:
        refuse("items", str(error))
    facts = {name: document[name] for name in ("name", "description", "category", "workflow", "roles")}
    texts = {"submit_label": document.get("submitLabel", ""), "confirmation": document.get("confirmation", "")}
    chosen = document["slug"] if slug is None else slug
    return add(organization, actor, facts, {"items": items, **texts}, slug=chosen, operation="form.import")


def _without_secrets(item: Mapping[str, Any]) -> dict[str, Any]:
    """The item without a default that could be a secret; what had nothing but that is asked of the person."""
    kept = dict(item)
    if "fields" in kept:
        kept["fields"] = [_without_secrets(each) for each in kept["fields"]]
    if "default" not in kept:
        return kept
    named = {kept["name"]: kept["default"]}
    if kept.get("kind") == "secret" or redact_keys(named) != named:
        del kept["default"]
        kept.pop("mode", None)
    return kept


def _check(document: Mapping[str, Any]) -> None:
    if document.get("kind") != KIND:
        raise ValidationError("This is no file of a form.", field="kind")
    if document.get("format") != FORMAT:
        refuse("format", f"This file is of a format that is not known here; known is {FORMAT}.")
    for name in document:
        if name not in _NAMES:
            refuse(name[:100], "A form's file has no such part.")
    for name, longest in {**_TEXTS, **_OPTIONAL_TEXTS}.items():
        text = document.get(name, "" if name in _OPTIONAL_TEXTS else None)
        if not isinstance(text, str) or len(text) > longest:
            refuse(name, f"{name} has to be a text of at most {longest:,} characters.")
    if not document["name"].strip() or not document["workflow"].strip():
        refuse("name", "A form has a name and a workflow.")
    roles = document.setdefault("roles", []) if isinstance(document, dict) else []
    if not isinstance(roles, list) or not set(map(str, roles)) <= set(Membership.Role.values):
        refuse("roles", f"roles has to be a list of {', '.join(Membership.Role.values)}.")
