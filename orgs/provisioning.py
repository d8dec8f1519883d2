"""Making an organization with its schema, and dropping it. Saving or deleting an Organization row does neither."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone as clock
from django.utils.module_loading import import_string
from psycopg.errors import DeadlockDetected

from orgs import audit, cloning, directory, migrating
from orgs.errors import InvalidOrganization, OrganizationExists
from orgs.locks import alone, hold_off
from orgs.models import Domain, Organization
from orgs.records import COMMAND_LINE, Actor, OrganizationRecord
from orgs.tenancy import checked_schema_name, shared_context

DROP_TRIES = 10
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")


def create_organization(
    org_id: str,
    name: str,
    tenant_id: str = "",
    msp: bool = False,
    timezone: str = "UTC",
    tags: Sequence[str] = (),
    domains: Sequence[str] = (),
    actor: Actor = COMMAND_LINE,
) -> OrganizationRecord:
    """Makes an organization: its row, its schema, and whatever `settings.PROVISIONING_STEPS` add. All or nothing.

    One that a killed process left half made is finished. Raises OrganizationExists where the name or a domain is taken
    or a second MSP is asked for, InvalidOrganization naming a value that cannot be, and whatever a step raised.
    """
    row = Organization(org_id=org_id, name=name, tenant_id=tenant_id, is_msp=msp, timezone=timezone, tags=list(tags))
    row.schema_name = checked_schema_name(f"org_{row.id.hex}")
    hosts = _checked(row, domains)
    with shared_context(), alone(f"organization {org_id}"):
        organization = Organization.objects.filter(org_id=org_id).first() or _make(row, hosts)
        if organization.provisioned_at:
            raise OrganizationExists(f"There is an organization {org_id} already.")
        _finish(organization, actor)
        directory.forget()
        return directory.record_of(organization)


def _checked(organization: Organization, domains: Sequence[str]) -> list[str]:
    """The domains as they are looked up. Raises InvalidOrganization naming the first value that cannot be."""
    try:
        organization.clean_fields()
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        raise InvalidOrganization(f"{name} {getattr(organization, name)!r}: {' '.join(messages)}") from None
    hosts = [domain.strip().lower() for domain in domains]
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise InvalidOrganization(f"domain {host!r}: it is not a host name.")
    return hosts


def _make(organization: Organization, hosts: Sequence[str]) -> Organization:
    if migrating.template_is_behind():
        migrating.prepare_template()
    try:
        with transaction.atomic():
            hold_off(migrating.TEMPLATE_LOCK)
            organization.save(force_insert=True)
            for host in hosts:
                Domain.objects.create(tenant=organization, domain=host, is_primary=host == hosts[0])
            cloning.clone_schema(settings.TEMPLATE_SCHEMA, organization.schema_name)
    except IntegrityError as error:
        what = f"The organization {organization.org_id}, one of its domains, or the MSP where it was to be that, exists"
        raise OrganizationExists(f"{what} already.") from error
    return organization


def _finish(organization: Organization, actor: Actor) -> None:
    """Runs the steps of higher layers and opens the doors; where a step fails, nothing remains."""
    try:
        run_steps(settings.PROVISIONING_STEPS, directory.record_of(organization))
    except Exception:
        _remove(organization)
        raise
    organization.provisioned_at = clock.now()
    organization.ready = not migrating.behind([migrating.Schema(organization.schema_name, organization.id)])
    with transaction.atomic():
        organization.save(update_fields=["provisioned_at", "ready"])
        facts = {"name": organization.name, "tags": organization.tags, "msp": organization.is_msp}
        audit.record(
            actor, "organization.create", organization=organization.id, target=_target(organization), metadata=facts
        )


def renew_organization(organization: OrganizationRecord) -> None:
    """Brings up to date what higher layers keep for the organization; call it when its tags have changed."""
    run_steps(settings.PROVISIONING_STEPS, organization)


def set_status(organizations: Iterable[UUID], status: str, actor: Actor = COMMAND_LINE) -> int:
    """Suspends organizations, or opens them again. Returns how many had another status."""
    with shared_context(), transaction.atomic():
        others = Organization.objects.filter(id__in=list(organizations)).exclude(status=status).order_by("id")
        changed = list(others.select_for_update())
        Organization.objects.filter(id__in=[each.id for each in changed]).update(status=status)
        done = "organization.suspend" if status == Organization.Status.SUSPENDED else "organization.activate"
        audit.record_all([audit.event(actor, done, organization=each.id, target=_target(each)) for each in changed])
    directory.forget()
    return len(changed)


def drop_organization(organization: OrganizationRecord, actor: Actor = COMMAND_LINE) -> None:
    """Deletes the organization with all its data, for good: its doors close, `settings.DROPPING_STEPS` take back what
    higher layers keep for it, then its schema, its audit log and its row go. That it was dropped stays in the log of
    the platform. Dropping again finishes what was interrupted."""
    with shared_context():
        Organization.objects.filter(id=organization.id).update(ready=False)
        directory.forget()
        _drop(organization, actor)


def run_steps(steps: Sequence[str], organization: OrganizationRecord) -> None:
    """Calls the functions that the dotted paths name, in order."""
    for step in steps:
        import_string(step)(organization)


def _drop(organization: OrganizationRecord, actor: Actor) -> None:
    for again in reversed(range(DROP_TRIES)):
        try:
            run_steps(settings.DROPPING_STEPS, organization)
            _remove(organization, actor)
            break
        except OperationalError as error:
            # It locks rows and tables in another order than those who still write to them, and may have to yield.
            if not (again and isinstance(error.__cause__, DeadlockDetected)):
                raise
    directory.forget()


def _remove(organization: OrganizationRecord | Organization, dropped_by: Actor | None = None) -> None:
    with transaction.atomic():
        cloning.drop_schema(checked_schema_name(organization.schema_name))
        audit.forget_organization(organization.id)
        _, deleted = Organization.objects.filter(id=organization.id).delete()
        if dropped_by is not None and deleted.get("orgs.Organization"):
            facts = {"id": organization.id, "name": organization.name}
            audit.record(dropped_by, "organization.drop", target=_target(organization), metadata=facts)


def _target(organization: OrganizationRecord | Organization) -> str:
    return f"organization:{organization.org_id}"
