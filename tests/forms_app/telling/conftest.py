"""People of acme and what they were told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from uuid6 import uuid7

from forms_app.models import FormVersion, Submission
from forms_app.submitting import submit
from orgs.models import User
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context, shared_context
from tests.forms_app.conftest import FormMaker, Workspace, acting, record_of
from tests.forms_app.portal.people import at_host
from tests.workflows_app.alerts.rows import notices
from tests.workflows_app.approvals.rows import reread
from tests.workflows_app.rest.rows import make_execution
from workflows_app import tidings
from workflows_app.alerts.models import Notice
from workflows_app.dispatch.models import Tiding
from workflows_app.models import Approval
from workflows_app.tidings import Kind, tell_due

SOURCE = """
    @workflow(requires_approval=True)
    async def buy_hardware(context, item: str):
        return item

    @workflow
    async def break_down(context, item: str):
        raise RuntimeError("connection to 10.0.0.7 refused")
"""


@pytest.fixture(autouse=True)
def workflows(samples: Workspace, settings: Any) -> None:
    samples.add(SOURCE, "workflows/hardware.py")
    settings.ALERTS = {**settings.ALERTS, "public_url": "https://bifrost.msp.example"}


@pytest.fixture
def own_host(acme: OrganizationRecord) -> str:
    return at_host(acme)


def ask_by_form(acme: OrganizationRecord, make_form: FormMaker, person: User, workflow: str = "buy_hardware") -> UUID:
    """The person fills in the form that is called New laptop; the execution's id."""
    form = make_form(acme, workflow, name="New laptop")
    actor = acting(person, "requester")
    done = submit(acme, actor, record_of(acme, form, actor), {"item": "X1"}, uuid7())
    assert done.outcome is not None
    return UUID(done.outcome.execution_id)


def approval_of(acme: OrganizationRecord, execution: UUID) -> Approval:
    with org_context(acme):
        return Approval.objects.get(execution=execution)


def of(organization: OrganizationRecord, person: User) -> list[Notice]:
    return [each for each in notices(organization) if each.recipient == f"user:{person.id}"]


def subjects(organization: OrganizationRecord, person: User) -> list[tuple[str, bool]]:
    """Of the person's notices, and whether each was read."""
    return [(each.subject, each.read_at is not None) for each in of(organization, person)]


def untold() -> list[tuple[str, bool]]:
    with shared_context():
        return list(Tiding.objects.order_by("id").values_list("kind", "told"))


def asked(acme: OrganizationRecord, approval: Approval) -> Approval:
    """Noted as a run or a start notes it, and told."""
    tidings.note(acme, Kind.APPROVAL, approval.id, approval.execution_id)
    tell_due()
    return reread(acme, approval)


def make_ended(acme: OrganizationRecord, person: User, *, seconds: float = 90, **fields: Any) -> UUID:
    """A request by the form New laptop that a worker has ended just now."""
    created = timezone.now() - timedelta(seconds=seconds)
    times = {"created_at": created, "started_at": created, "completed_at": timezone.now()}
    execution = make_execution(acme, **{**times, **fields})
    note_request(acme, person, execution)
    return execution


def note_request(acme: OrganizationRecord, person: User, execution: UUID | None, **fields: Any) -> UUID:
    by = {"kind": "user", "id": str(person.id), "email": person.email, "name": person.name}
    columns = {"form": uuid7(), "slug": "new-laptop", "name": "New laptop", "actor": f"user:{person.id}", **fields}
    with org_context(acme):
        version = FormVersion.objects.create(form=columns["form"], number=1, items=[], saved_by=by)
        made = Submission.objects.create(
            id=uuid7(), version=version, submitted_by=by, digest="d", execution=execution, **columns
        )
    tidings.note(acme, Kind.REQUEST, made.id)
    if execution is not None:
        tidings.started(made.id, execution)
    return made.id
