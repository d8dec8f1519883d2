"""Who may do what with workflows and executions. The resolver has already said who asks, and for which organization."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bifrost.sdk.errors import PermissionError
from bifrost.sdk.specs import WorkflowSpec
from orgs.errors import OrganizationRequired
from orgs.permissions import (
    EXECUTE_WORKFLOWS,
    MANAGE_EXECUTIONS,
    SUBMIT_FORMS,
    VIEW_EXECUTIONS,
    VIEW_OWN_EXECUTIONS,
    VIEW_TRACEBACKS,
)
from orgs.records import Access, Actor, OrganizationRecord
from workflows_app.actors import actor_key

ORGANIZATION_MISSING = "Say which organization is meant: send the header X-Organization-Id."


def require_organization(access: Access) -> OrganizationRecord:
    """The organization that the request names. Raises OrganizationRequired where it names none."""
    if access.organization is None:
        details = {"field": "X-Organization-Id"}
        errors = [{"field": "X-Organization-Id", "message": ORGANIZATION_MISSING}]
        raise OrganizationRequired(ORGANIZATION_MISSING, {**details, "errors": errors})
    return access.organization


def require_execute(actor: Actor) -> None:
    """Raises PermissionError. What the workflow itself requires beyond this is checked where it starts."""
    require_any(actor, EXECUTE_WORKFLOWS)


def needed_to_start(spec: WorkflowSpec, *, by_form: bool) -> str:
    """The permission that a start needs: the workflow's own where it has one. Without, a form asks for less than every
    other door, so that a requester may use forms and nothing else.
    """
    if spec.required_permission not in ("", EXECUTE_WORKFLOWS):
        return spec.required_permission
    return SUBMIT_FORMS if by_form else EXECUTE_WORKFLOWS


def require_exposed(spec: WorkflowSpec) -> None:
    """Raises PermissionError where no form may start the workflow, whoever fills it in."""
    if spec.execution_mode == "scheduled":
        raise PermissionError(f"{spec.name!r} runs by its schedule: no form starts it.")
    if not spec.expose_in_forms:
        raise PermissionError(f"{spec.name!r} is not exposed in forms.")


def may_submit(actor: Actor, spec: WorkflowSpec) -> bool:
    """Whether the actor may start the workflow by a form, for pages that offer one."""
    if spec.execution_mode == "scheduled" or not spec.expose_in_forms:
        return False
    return actor.can(needed_to_start(spec, by_form=True))


def require_catalog(actor: Actor) -> None:
    """Whoever may run workflows or read executions may also read what workflows there are."""
    require_any(actor, EXECUTE_WORKFLOWS, VIEW_EXECUTIONS)


def owner_filter(actor: Actor) -> str | None:
    """None for those who see all executions, who it is for those who see only their own. Raises PermissionError."""
    if actor.can(VIEW_EXECUTIONS):
        return None
    require_any(actor, VIEW_OWN_EXECUTIONS)
    return actor_key(actor)


def managed_filter(actor: Actor) -> str | None:
    """None for those who manage all executions, who it is for those who may run workflows: these manage their own.

    Raises PermissionError.
    """
    if actor.can(MANAGE_EXECUTIONS):
        return None
    require_any(actor, EXECUTE_WORKFLOWS, SUBMIT_FORMS)
    return actor_key(actor)


def may_cancel(actor: Actor, executed_by: Mapping[str, Any]) -> bool:
    """Whether the actor may end an execution that this one started, for pages that offer it."""
    try:
        owner = managed_filter(actor)
    except PermissionError:
        return False
    return owner is None or (actor.kind, actor.id) == (executed_by["kind"], executed_by["id"])


def may_start_again(actor: Actor) -> bool:
    """The same for starting what the actor sees once more. What the workflow itself requires is asked at the start."""
    return actor.can(EXECUTE_WORKFLOWS)


def may_see_tracebacks(actor: Actor) -> bool:
    """Tracebacks show code and paths: for MSP staff only."""
    return actor.staff and actor.can(VIEW_TRACEBACKS)


def require(actor: Actor, permission: str) -> None:
    """Raises PermissionError where the actor does not have it."""
    require_any(actor, permission)


def require_any(actor: Actor, *permissions: str) -> None:
    """Raises PermissionError where the actor has none of them."""
    if not any(actor.can(permission) for permission in permissions):
        names = " or ".join(permissions)
        raise PermissionError(f"This needs the permission {names}.", required_permission=names)
