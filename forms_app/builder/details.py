"""What is said of a form beside what it asks: name, category, who may use it, and which customers have it as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from forms_app.errors import UnknownForm
from forms_app.models import Form
from orgs import audit
from orgs.models import MemberGroup, Organization
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context, shared_context

ABOUT = ("name", "description", "category")
ACCESS = ("roles", "groups")
SHARING = ("shared_all", "shared_tags", "shared_organizations")
_NAMES = (*ABOUT, *ACCESS, *SHARING, "slug", "workflow", "public_until", "public_per_hour")


def details_of(organization: OrganizationRecord, form_id: UUID) -> dict[str, Any]:
    """Raises UnknownForm."""
    with org_context(organization):
        row = Form.objects.filter(id=form_id).values(*_NAMES).first()
    if row is None:
        raise UnknownForm
    return dict(row)


def change(organization: OrganizationRecord, form_id: UUID, values: Mapping[str, Any], actor: Actor) -> None:
    """Sets some of ABOUT, ACCESS and SHARING. Raises UnknownForm."""
    with org_context(organization), transaction.atomic():
        form = Form.objects.select_for_update().filter(id=form_id).first()
        if form is None:
            raise UnknownForm
        changed = [name for name, value in values.items() if getattr(form, name) != value]
        for name in changed:
            setattr(form, name, values[name])
        if not changed:
            return
        form.changed_at = timezone.now()
        form.save(update_fields=[*changed, "changed_at"])
        facts = {"slug": form.slug, "fields": changed, **{name: _plain(values[name]) for name in changed}}
        audit.record(actor, "form.change", organization=organization, target=f"form:{form_id}", metadata=facts)


def audience(everyone: bool, tags: Sequence[str], chosen: Sequence[UUID]) -> list[tuple[str, str]]:
    """The customers that get a form which is shared so, by name and status; those to come are not among them."""
    covered = Q(tags__overlap=list(tags)) | Q(id__in=list(chosen))
    with shared_context():
        rows = Organization.objects.filter(is_msp=False).order_by("name")
        found = rows if everyone else rows.filter(covered)
        return list(found.values_list("name", "status"))


def customers() -> list[tuple[str, str]]:
    """All of them, by id and name."""
    with shared_context():
        rows = Organization.objects.filter(is_msp=False).order_by("name").values_list("id", "name")
        return [(str(id_), name) for id_, name in rows]


def groups_of_members(organization: OrganizationRecord) -> list[tuple[str, str]]:
    """The organization's groups, by id and name."""
    with shared_context():
        rows = MemberGroup.objects.filter(organization=organization.id).order_by("name").values_list("id", "name")
        return [(str(id_), name) for id_, name in rows]


def _plain(value: Any) -> Any:
    return [str(each) for each in value] if isinstance(value, list) else value
