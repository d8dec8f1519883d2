"""Makes and changes forms. Each change is a new version, made to the newest one or not at all; none is ever altered.

All of it is done in the organization that the form lies in, and the audit log tells who did it. Whether somebody may
is asked at the doors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.utils import timezone

from bifrost.sdk.errors import DeclarationError, ValidationError
from forms_app.errors import OutdatedForm, UnknownForm
from forms_app.fitting import require_fit
from forms_app.models import Form, FormVersion
from orgs import audit
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from workflows_app import catalog as workspace
from workflows_app.actors import person
from workflows_app.catalog.categories import label
from workflows_app.inputs.definition import Definition
from workflows_app.inputs.from_parameters import definition_of

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
LONGEST_SLUG = 100
LONGEST_LABEL = 60
SLUG_TAKEN = "There is a form at this address already."


@dataclass(frozen=True)
class Version:
    """A form as it was at one time."""

    id: UUID
    number: int
    items: list[dict[str, Any]]
    submit_label: str
    confirmation: str
    saved_at: datetime
    saved_by: Mapping[str, str]


def create(
    organization: OrganizationRecord, actor: Actor, workflow: str, *, slug: str | None = None, name: str | None = None
) -> UUID:
    """A form that asks for the workflow's parameters, not yet published.

    Without a slug, its address is a free one after the workflow. Raises UnknownWorkflow, and ValidationError for an
    address that is taken or none.
    """
    spec = workspace.find(workflow).spec
    providers = workspace.current().data_providers
    arguments = {name: found.spec.depends_on for name, found in providers.items()}
    facts = {
        "name": name or spec.name.replace("_", " ").strip().capitalize(),
        "description": spec.description,
        "category": label(spec.category),
        "workflow": spec.name,
    }
    items = definition_of(spec, arguments).as_json()
    return add(organization, actor, facts, {"items": items}, slug=slug)


def add(
    organization: OrganizationRecord,
    actor: Actor,
    facts: Mapping[str, Any],
    content: Mapping[str, Any],
    *,
    slug: str | None = None,
    operation: str = "form.create",
) -> UUID:
    """A new form with this first version, not yet published. Raises ValidationError for its address."""
    with org_context(organization), transaction.atomic():
        form = _with_address(facts, slug)
        FormVersion.objects.create(form=form.id, number=1, saved_by=person(actor), **content)
        _note(actor, operation, organization, form, workflow=form.workflow)
    return form.id


def save(
    organization: OrganizationRecord,
    form_id: UUID,
    items: list[Any],
    *,
    submit_label: str = "",
    confirmation: str = "",
    expected: int,
    actor: Actor,
) -> int:
    """Makes this the newest version and returns its number. `expected`: the version that the change was made to.

    Raises OutdatedForm where that is not the newest, UnknownForm, and DeclarationError for items that are wrong, or,
    where people see the form already, do not fit its workflow.
    """
    definition = Definition.read(items)
    if len(submit_label) > LONGEST_LABEL:
        raise DeclarationError(f"The text of the button is longer than {LONGEST_LABEL} characters.")
    with org_context(organization), transaction.atomic():
        form = _locked(form_id)
        if form.version != expected:
            raise OutdatedForm(form.version, expected)
        if form.published:
            require_fit(form.workflow, definition, public=is_public(form))
        return _save(organization, form, definition, submit_label, confirmation, actor)


def restore(organization: OrganizationRecord, form_id: UUID, number: int, *, expected: int, actor: Actor) -> int:
    """Makes an earlier version the newest once more, as a new one whose number is returned. Raises as `save` does."""
    with org_context(organization):
        earlier = FormVersion.objects.filter(form=form_id, number=number).values().first()
    if earlier is None:
        raise UnknownForm
    texts = {name: earlier[name] for name in ("submit_label", "confirmation")}
    return save(organization, form_id, earlier["items"], **texts, expected=expected, actor=actor)


def list_versions(organization: OrganizationRecord, form_id: UUID) -> list[Version]:
    """All of them, newest first; also those of a form that was deleted. One query."""
    names = ("id", "number", "items", "submit_label", "confirmation", "saved_at", "saved_by")
    with org_context(organization):
        rows = FormVersion.objects.filter(form=form_id).order_by("-number").values(*names)
        return [Version(**row) for row in rows]


def publish(organization: OrganizationRecord, form_id: UUID, actor: Actor) -> None:
    """People see it from now on. Raises UnknownForm, and DeclarationError where it does not fit its workflow."""
    with org_context(organization), transaction.atomic():
        form = _locked(form_id)
        items = FormVersion.objects.values_list("items", flat=True).get(form=form.id, number=form.version)
        require_fit(form.workflow, Definition.read(items), public=is_public(form))
        _show(organization, form, actor, published=True)


def withdraw(organization: OrganizationRecord, form_id: UUID, actor: Actor) -> None:
    """Nobody sees it any more. Raises UnknownForm."""
    with org_context(organization), transaction.atomic():
        _show(organization, _locked(form_id), actor, published=False)


def delete(organization: OrganizationRecord, form_id: UUID, actor: Actor) -> None:
    """The form goes; its versions and submissions stay. Raises UnknownForm."""
    with org_context(organization), transaction.atomic():
        form = _locked(form_id)
        _note(actor, "form.delete", organization, form)
        form.delete()


def is_public(form: Form) -> bool:
    """Whether a public link of it works now."""
    return form.public_until is not None and form.public_until > timezone.now()


def _save(
    organization: OrganizationRecord,
    form: Form,
    definition: Definition,
    submit_label: str,
    confirmation: str,
    actor: Actor,
) -> int:
    form.version += 1
    form.changed_at = timezone.now()
    form.save(update_fields=["version", "changed_at"])
    FormVersion.objects.create(
        form=form.id,
        number=form.version,
        items=definition.as_json(),
        submit_label=submit_label,
        confirmation=confirmation,
        saved_by=person(actor),
    )
    _note(actor, "form.change", organization, form, version=form.version)
    return form.version


def _show(organization: OrganizationRecord, form: Form, actor: Actor, *, published: bool) -> None:
    if form.published != published:
        form.published = published
        form.save(update_fields=["published"])
        _note(actor, "form.publish" if published else "form.withdraw", organization, form, version=form.version)


def _locked(form_id: UUID) -> Form:
    """Raises UnknownForm. Others who change it wait until this transaction has ended."""
    form = Form.objects.select_for_update().filter(id=form_id).first()
    if form is None:
        raise UnknownForm
    return form


def _note(actor: Actor, operation: str, organization: OrganizationRecord, form: Form, **metadata: Any) -> None:
    facts = {"slug": form.slug, **metadata}
    audit.record(actor, operation, organization=organization, target=f"form:{form.id}", metadata=facts)


def _with_address(facts: Mapping[str, Any], slug: str | None) -> Form:
    """The form's row, at this address or at a free one after its workflow."""
    if slug is not None:
        if not SLUG.fullmatch(slug) or len(slug) > LONGEST_SLUG:
            raise _bad_slug("An address has lower-case letters, digits and single hyphens, at most 100.")
        made = _insert(facts, slug)
        if made is None:
            raise _bad_slug(SLUG_TAKEN)
        return made
    for candidate in _candidates(facts["workflow"]):
        if (made := _insert(facts, candidate)) is not None:
            return made
    raise _bad_slug(SLUG_TAKEN)


def _candidates(workflow: str) -> Sequence[str]:
    """Addresses after the workflow: one that is free now, and one for where somebody is faster."""
    base = "-".join(re.findall("[a-z0-9]+", workflow.lower()))[: LONGEST_SLUG - 10] or "form"
    taken = set(Form.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    numbered = (base if number == 1 else f"{base}-{number}" for number in range(1, len(taken) + 2))
    return [next(each for each in numbered if each not in taken), f"{base}-{uuid4().hex[:8]}"]


def _insert(facts: Mapping[str, Any], slug: str) -> Form | None:
    try:
        with transaction.atomic():
            return Form.objects.create(slug=slug, version=1, **facts)
    except IntegrityError:
        return None


def _bad_slug(message: str) -> ValidationError:
    return ValidationError(message, field="slug", details={"errors": [{"field": "slug", "message": message}]})
