"""A workspace whose workflows have forms, people of acme in their roles, and forms as rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from forms_app import versions
from forms_app.catalog import FormRecord, form_for
from forms_app.models import Form, Submission
from forms_app.submitting import Submitted
from orgs.models import User
from orgs.permissions import SUBMIT_FORMS, role_permissions
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from tests.factories import make_user
from tests.workflows_app.engine.conftest import Workspace, engine_stops, limits, worker, workspace  # noqa: F401
from workflows_app.executions import Outcome
from workflows_app.models import Execution

SOURCE = """
    @workflow(category="examples")
    @param("message", "string", "What to say", required=True)
    async def greet(context, message: str, times: int = 1):
        context.log("info", "Greeting")
        return {"text": message.upper() * times}

    @workflow(execution_mode="async")
    async def later(context, message: str):
        return message

    @workflow
    @param("password", "secret", "New password", required=True)
    async def keep(context, password: str, note: str = ""):
        return len(password)

    @workflow
    @param("colour", "string", "Colour", required=True, data_provider="colours")
    @param("shade", "string", "Shade", data_provider="shades")
    async def paint(context, colour: str, shade: str | None = None):
        return [colour, shade]

    @workflow
    async def order(context, lines: list, urgent: bool = False):
        return lines

    @workflow
    @param("document", "file", required=True)
    async def attach(context, document):
        return document

    @workflow(expose_in_forms=False)
    async def internal(context, message: str = ""):
        return message

    @workflow(execution_mode="scheduled", schedule="0 9 * * *")
    async def nightly(context, message: str = ""):
        return message

    @workflow(required_permission="canManageMembers")
    async def guarded(context, message: str = ""):
        return message

    @data_provider(name="colours")
    async def colours(context):
        return [{"label": "Red", "value": "red"}, {"label": "Blue", "value": "blue"}]

    @data_provider(name="shades")
    async def shades(context, colour):
        return [{"label": f"Light {colour}", "value": f"light-{colour}"}]
"""
_BEA = "22222222-2222-7222-8222-222222222222"
BUILDER = Actor("user", _BEA, "bea@msp.example", "Bea", frozenset({SUBMIT_FORMS}), staff=True)
HELLO = {"message": "hello"}
MESSAGE: dict[str, Any] = {"type": "field", "name": "message", "kind": "text", "label": "Message", "required": True}


@pytest.fixture
def samples(workspace: Workspace) -> Workspace:  # noqa: F811
    workspace.add(SOURCE)
    return workspace


FormMaker = Callable[..., UUID]


@pytest.fixture
def make_form(samples: Workspace) -> FormMaker:
    """A form of the organization as its workflow makes it, or with these items; published unless told otherwise.
    Further arguments are columns of its row."""

    def make(
        organization: OrganizationRecord,
        workflow: str = "greet",
        *,
        slug: str | None = None,
        items: list[Any] | None = None,
        **columns: Any,
    ) -> UUID:
        made = versions.create(organization, BUILDER, workflow, slug=slug)
        if items is not None:
            versions.save(organization, made, items, expected=1, actor=BUILDER)
        with org_context(organization):
            Form.objects.filter(id=made).update(**{"published": True, **columns})
        return made

    return make


def acting(user: User, role: str) -> Actor:
    """The person as the resolver would say in that one's organization."""
    return Actor("user", str(user.id), user.email, user.name or user.email, role_permissions(role, msp=False))


@pytest.fixture
def requester(acme: OrganizationRecord) -> Actor:
    return acting(make_user(acme, "requester"), "requester")


def record_of(organization: OrganizationRecord, form: UUID, actor: Actor) -> FormRecord:
    """The form of this id as the actor finds it."""
    with org_context(organization):
        slug = Form.objects.values_list("slug", flat=True).get(id=form)
    return form_for(organization, slug, actor)


def submissions(organization: OrganizationRecord) -> list[Submission]:
    with org_context(organization):
        return list(Submission.objects.select_related("version").order_by("submitted_at"))


def executions(organization: OrganizationRecord) -> list[Execution]:
    with org_context(organization):
        return list(Execution.objects.order_by("id"))


@pytest.fixture
def form(acme: OrganizationRecord, make_form: FormMaker, requester: Actor) -> FormRecord:
    return record_of(acme, make_form(acme), requester)


def wrong_fields(refused: Any) -> dict[str, str]:
    return {each["field"]: each["message"] for each in refused.value.details["errors"]}


def finished(submitted: Submitted) -> Outcome:
    assert submitted.outcome is not None
    return submitted.outcome


@pytest.fixture
def grace(acme: OrganizationRecord) -> User:
    """A requester of acme."""
    return make_user(acme, "requester", email="grace@acme.example", name="Grace")


@pytest.fixture
def olga(acme: OrganizationRecord) -> User:
    """An operator of acme, who may see everything and approve."""
    return make_user(acme, "operator", email="olga@acme.example", name="Olga")
