"""What the commands that run or show executions share: who acts, for whom, and how a journal line reads."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, OutputWrapper

from orgs import directory
from orgs.models import User
from orgs.records import COMMAND_LINE, Actor, OrganizationRecord
from orgs.resolver import permissions_in
from orgs.tenancy import shared_context
from workflows_app.dispatch.models import Dispatch, Fleet
from workflows_app.engine.history import OPERATIONS

SHOWN = 200
LEVEL_STYLES = {"error": "\x1b[31m", "warning": "\x1b[33m", "debug": "\x1b[2m"}


def organization_named(org_id: str | None, *, required: bool) -> OrganizationRecord:
    """The organization, or the MSP's own where none is named and none is `required`. CommandError otherwise."""
    if org_id is None:
        if required:
            raise CommandError("--org ORG_ID is missing: this workflow runs for an organization.", returncode=2)
        msp = directory.msp()
        if msp is None:
            raise CommandError(
                "The MSP's own organization does not exist; make it with create_org --msp.", returncode=2
            )
        return msp
    found = directory.organization_by_org_id(org_id)
    if found is None:
        raise CommandError(f"There is no organization {org_id!r}.", returncode=2)
    return found


def organization_with(org_id: str | None, execution: UUID) -> OrganizationRecord:
    """The organization that is named, else the one whose execution this is. CommandError otherwise."""
    if org_id is not None:
        return organization_named(org_id, required=True)
    with shared_context():
        owners = (model.objects.filter(execution=execution).values_list("organization") for model in (Dispatch, Fleet))
        row = next((first for rows in owners if (first := rows.first()) is not None), None)
    found = directory.organization_by_id(row[0]) if row is not None else None
    if found is None:
        raise CommandError(f"No organization has an execution {execution}.", returncode=2)
    return found


def actor_for(email: str | None, organization: OrganizationRecord) -> Actor:
    """The person with that email and that person's permissions, or the command line itself, which may do everything."""
    if email is None:
        return COMMAND_LINE
    with shared_context():
        user = User.objects.filter(email=email.lower(), is_active=True).first()
    if user is None:
        raise CommandError(f"There is no active person with the email {email!r}.", returncode=2)
    memberships = directory.memberships_of(user.id)
    permissions = permissions_in(user, memberships, organization)
    return Actor("user", str(user.id), user.email, user.name or user.email, permissions)


def show_event(event: dict[str, Any], stream: OutputWrapper) -> None:
    """Prints a journal line as a person reads it; lines without news for a person are left out."""
    line = _line(event)
    if line is not None:
        colour = LEVEL_STYLES.get(event["name"], "") if event["kind"] == "log" and stream.isatty() else ""
        # With a style of its own: a command's standard error is red on a terminal otherwise.
        stream.write(f"{colour}{event['at'][11:23]} {line}{chr(27) + '[0m' if colour else ''}", str)


def _operation(kind: str, name: str, data: dict[str, Any]) -> str | None:
    """A step or wait that has come to something; what has only begun is no news."""
    what = f"{kind} {name}".rstrip()
    if kind == "child":
        return f"{what} {data.get('status', data['state'])} {data.get('executionId', '')}".rstrip()
    match data["state"]:
        case "done" if data.get("timedOut"):
            return f"{what} is over"
        case "done":
            return f"{what} = {json.dumps(data.get('value'), ensure_ascii=False)[:SHOWN]}"
        case "failed" | "retrying":
            return f"{what} {data['state']}: {data['error']['error']}: {data['error']['message']}"
    return None


def _line(event: dict[str, Any]) -> str | None:
    kind, name, data = event["kind"], event["name"], event["data"]
    if kind == "log":
        extra = f" {json.dumps(data['data'], ensure_ascii=False)}" if data["data"] is not None else ""
        return f"{name:<8}{data['message']}{extra}"
    if kind in {"checkpoint", "card"}:
        what = data["title"] if kind == "card" else f"{name} {json.dumps(data, ensure_ascii=False)}"
        return f"{kind} {what}"
    if kind in OPERATIONS:
        return _operation(kind, name, data)
    if kind == "integration_call":
        answered = "would be sent (dry run)" if data.get("dry_run") else data["status_code"]
        return f"call {data['method']} {data['endpoint']} {answered}"
    if kind == "error" and data.get("traceback"):
        return str(data["traceback"]).rstrip()
    return None
