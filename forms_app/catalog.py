"""Which forms there are for somebody: the organization's own published ones, and those that the MSP shares with it.

A form of the organization's own hides one of the MSP's with the same address. Who may use a form is asked of its roles
and groups; those who manage forms, and the MSP's staff, may use each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q

from forms_app.errors import UnknownForm
from forms_app.models import Form, FormVersion
from orgs import directory
from orgs.permissions import MANAGE_FORMS, SUBMIT_FORMS
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from workflows_app import catalog as workspace
from workflows_app.enabled import is_enabled
from workflows_app.inputs.definition import Definition
from workflows_app.permissions import may_submit

LONGEST_SLUG = 100
_FACTS = ("id", "slug", "name", "description", "category", "workflow", "version")
_ACCESS = ("roles", "groups")


@dataclass(frozen=True)
class FormSummary:
    """A form in a list. `shared`: it is the MSP's. `version`: the number of the one that is filled in now."""

    id: UUID
    slug: str
    name: str
    description: str
    category: str
    workflow: str
    version: int
    shared: bool


@dataclass(frozen=True)
class FormRecord(FormSummary):
    """A form to fill in."""

    version_id: UUID
    definition: Definition
    submit_label: str
    confirmation: str


@dataclass(frozen=True, slots=True)
class _Person:
    """What decides about a form: everything is open, or the role and the groups in the organization."""

    everything: bool
    role: str = ""
    groups: frozenset[UUID] = frozenset()

    def may_use(self, form: Mapping[str, Any]) -> bool:
        if self.everything or not (form["roles"] or form["groups"]):
            return True
        return self.role in form["roles"] or not self.groups.isdisjoint(form["groups"])


def forms_for(organization: OrganizationRecord, actor: Actor) -> list[FormSummary]:
    """Those that the actor may use, by category and name; two queries however many there are.

    One whose workflow the actor could not start is left out.
    """
    if not actor.can(SUBMIT_FORMS):
        return []
    person = _person(organization, actor)
    found: list[FormSummary] = []
    addresses: set[str] = set()
    for holder, covered in _places(organization):
        with org_context(holder):
            rows = list(Form.objects.filter(covered, published=True).values(*_FACTS, *_ACCESS))
        found += [
            FormSummary(**_facts(row), shared=holder.id != organization.id)
            for row in rows
            if row["slug"] not in addresses and person.may_use(row) and _startable(organization, row["workflow"], actor)
        ]
        addresses |= {row["slug"] for row in rows}
    return sorted(found, key=lambda form: (form.category.casefold(), form.name.casefold(), form.slug))


def form_for(organization: OrganizationRecord, slug: str, actor: Actor) -> FormRecord:
    """The one at this address. Raises UnknownForm where there is none that the actor may use."""
    if not actor.can(SUBMIT_FORMS) or "\0" in slug or len(slug) > LONGEST_SLUG:
        raise UnknownForm
    for holder, covered in _places(organization):
        found = _read(holder, covered & Q(slug=slug), shared=holder.id != organization.id)
        if found is not None:
            row, record = found
            if not _person(organization, actor).may_use(row):
                break
            return record
    raise UnknownForm


def own_form(organization: OrganizationRecord, form: UUID) -> FormRecord:
    """A published form of the organization's own, whoever asks. Raises UnknownForm."""
    found = _read(organization, Q(id=form), shared=False)
    if found is None:
        raise UnknownForm
    return found[1]


def _places(organization: OrganizationRecord) -> Iterator[tuple[OrganizationRecord, Q]]:
    """Where forms of the organization lie, and which of those there are its. Its own come first."""
    yield organization, Q()
    msp = directory.msp()
    if msp is not None and msp.ready and msp.id != organization.id:
        covered = Q(shared_all=True) | Q(shared_organizations__contains=[organization.id])
        yield msp, covered | Q(shared_tags__overlap=list(organization.tags))


def _read(holder: OrganizationRecord, which: Q, *, shared: bool) -> tuple[Mapping[str, Any], FormRecord] | None:
    with org_context(holder):
        row = Form.objects.filter(which, published=True).values(*_FACTS, *_ACCESS).first()
        if row is None:
            return None
        version = FormVersion.objects.get(form=row["id"], number=row["version"])
    record = FormRecord(
        **_facts(row),
        shared=shared,
        version_id=version.id,
        definition=Definition.read(version.items),
        submit_label=version.submit_label,
        confirmation=version.confirmation,
    )
    return row, record


def _facts(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in _FACTS}


def _person(organization: OrganizationRecord, actor: Actor) -> _Person:
    if actor.staff or actor.can(MANAGE_FORMS):
        return _Person(everything=True)
    if actor.kind != "user":
        return _Person(everything=False)
    user = UUID(actor.id)
    roles = (each.role for each in directory.memberships_of(user) if each.organization_id == organization.id)
    return _Person(False, next(roles, ""), directory.groups_of(user, organization.id))


def _startable(organization: OrganizationRecord, workflow: str, actor: Actor) -> bool:
    loaded = workspace.current().workflows.get(workflow)
    return loaded is not None and may_submit(actor, loaded.spec) and is_enabled(organization, workflow)
