"""Requests as forms make them, and people who look at the portal."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.test import Client
from uuid6 import uuid7

from forms_app.models import FormVersion, Submission
from orgs.models import User
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.rest.rows import make_execution
from workflows_app.models import Approval, Execution

ITEMS: list[dict[str, Any]] = [
    {"type": "section", "title": "The device"},
    {"type": "field", "name": "device", "label": "Which device", "kind": "choice"}
    | {"choices": [{"value": "lap", "label": "Laptop"}, {"value": "tab", "label": "Tablet"}]},
    {"type": "field", "name": "amount", "label": "Price", "kind": "number"},
    {"type": "field", "name": "urgent", "label": "In a hurry", "kind": "switch"},
    {"type": "field", "name": "pin", "label": "Your pin", "kind": "secret"},
    {"type": "field", "name": "source", "label": "Came from", "mode": "hidden", "default": "portal"},
]


def of_person(person: User) -> dict[str, Any]:
    """The columns of what this one has started."""
    by = {"kind": "user", "id": str(person.id), "email": person.email, "name": person.name or person.email}
    return {"actor": f"user:{person.id}", "executed_by": by}


def make_request(
    organization: OrganizationRecord,
    person: User,
    name: str = "Order a device",
    items: list[dict[str, Any]] | None = None,
    **fields: Any,
) -> UUID:
    """An execution that the person has started by a form."""
    given = {"workflow": "request_equipment", "input": {}, **of_person(person), **fields}
    execution = make_execution(organization, **given)
    submit(organization, execution, person, name, items)
    return execution


def submit(
    organization: OrganizationRecord,
    execution: UUID,
    person: User,
    name: str = "Order a device",
    items: list[dict[str, Any]] | None = None,
) -> None:
    """Says that the execution was started by this form."""
    columns = of_person(person)
    with org_context(organization):
        form = uuid7()
        version = FormVersion.objects.create(
            form=form, number=1, items=ITEMS if items is None else items, saved_by=columns["executed_by"]
        )
        Submission.objects.create(
            id=uuid7(),
            version=version,
            form=form,
            slug="order-a-device",
            name=name,
            submitted_by=columns["executed_by"],
            actor=columns["actor"],
            execution=execution,
        )


def visit(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def text(answer: HttpResponse, status: int = 200) -> str:
    """What a reader sees of the page's own part, on one line."""
    assert answer.status_code == status, answer.content
    body = answer.content.decode().partition('id="main"')[2]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body))).strip()


def asked_by(acme: OrganizationRecord, person: User, approval: Approval) -> Approval:
    """The same, asked for by this person."""
    columns = of_person(person)
    with org_context(acme):
        Execution.objects.filter(id=approval.execution_id).update(**columns)
        Approval.objects.filter(id=approval.id).update(requester=columns["actor"], requested_by=columns["executed_by"])
    return approval
