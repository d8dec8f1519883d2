"""From a request for a run to a `Run` that this process owns, or to a row in the run queue."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
from uuid6 import uuid7

from bifrost.sdk.documents import plain
from bifrost.sdk.errors import PermissionError as PermissionDenied
from bifrost.sdk.sanitizing import REDACTED, redact_keys
from integrations import configs
from integrations.sealing import VaultUnavailable, seal
from orgs.records import Actor, OrganizationRecord
from workflows_app import catalog
from workflows_app.actors import actor_key, person
from workflows_app.catalog import LoadedWorkflow
from workflows_app.dispatch import settled
from workflows_app.dispatch.models import Priority
from workflows_app.engine import connection, statements
from workflows_app.engine.facts import Facts, by_form
from workflows_app.engine.journal import FenceLost
from workflows_app.engine.run import Run
from workflows_app.engine.taking_over import TakeOver
from workflows_app.errors import PlatformUnavailable
from workflows_app.files.claiming import claim
from workflows_app.models import Status
from workflows_app.permissions import needed_to_start

if TYPE_CHECKING:
    from workflows_app.engine.engine import Engine

PRIORITIES = {"user": Priority.HIGH, "public": Priority.HIGH, "command": Priority.HIGH, "system": Priority.LOW}


@dataclass(frozen=True, slots=True)
class Request:
    """A wish to run a workflow, before anything was checked. `closes`: it is cancelled when its parent ends.
    `giver`: the execution whose files it may be given, where that is not its parent."""

    organization: OrganizationRecord
    workflow: str
    parameters: Mapping[str, Any]
    actor: Actor
    trigger: Mapping[str, Any]
    idempotency_key: str | None = None
    parent: UUID | None = None
    depth: int = 0
    priority: int | None = None
    background: bool = False
    foreground: bool = False
    retry_of: UUID | None = None
    code_version: str | None = None
    closes: bool = False
    takes: TakeOver | None = None
    giver: UUID | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A checked request: its facts, the status that it begins with, and the input as it is stored."""

    facts: Facts
    status: str
    priority: int
    retry_of: UUID | None
    input: Any
    input_sealed: bytes | None
    secrets: tuple[str, ...]
    idempotency_key: str | None
    idempotency_digest: str | None
    closes: bool = False
    takes: TakeOver | None = None


def prepare(request: Request) -> Prepared:
    """Checks the request against the workflow's declaration.

    Raises UnknownWorkflow, the SDK's PermissionError and ValidationError, and PlatformUnavailable where a value must
    be encrypted and the vault is away.
    """
    pinned = request.code_version
    loaded = catalog.find(request.workflow) if pinned is None else catalog.stored(request.workflow, pinned)
    spec = loaded.spec
    permission = needed_to_start(spec, by_form=by_form(request.trigger))
    if not request.actor.can(permission):
        raise PermissionDenied(f"Running {spec.name!r} needs the permission {permission}.", required_role=permission)
    if not settled.settings_for(request.organization.id, spec.name).enabled:
        raise PermissionDenied(f"{spec.name!r} is disabled for {request.organization.org_id}.")
    id_ = uuid7()
    given = spec.validate(request.parameters)
    parameters = claim(request.organization, request.actor, spec, given, id_, request.giver or request.parent)
    facts = Facts(
        id=id_,
        organization=request.organization,
        loaded=loaded,
        parameters=parameters,
        actor=request.actor,
        trigger={**request.trigger, **({"pinned": True} if pinned is not None else {})},
        parent=request.parent,
        depth=request.depth,
    )
    return _with_stored_input(facts, request)


def usual_priority(actor: Actor) -> Priority:
    """People come first, what runs by itself comes last."""
    return PRIORITIES.get(actor.kind, Priority.NORMAL)


def begin(engine: Engine, prepared: Prepared) -> Run | None:
    """Writes the start and returns the run, not yet launched. None: the idempotency key is taken.

    Raises FenceLost, PlatformUnavailable when the database is away, PermissionError for a suspended organization.
    """
    facts = prepared.facts
    engine.require_beat()
    catalog.store_sources(facts.loaded)
    engine.hold(facts.id)
    try:
        versions = _write_start(engine, prepared)
        if versions is None:
            engine.release(facts.id)
            return None
        run = Run(facts, engine, configs.snapshot(facts.organization, *versions))
        for secret in prepared.secrets:
            run.scrubber.add(secret)
    except BaseException:
        # If the row was written after all, the next beat finds that nobody holds it and ends it.
        engine.release(facts.id)
        raise
    engine.add(run)
    return run


def _write_start(engine: Engine, prepared: Prepared) -> tuple[int, int] | None:
    statement = statements.start(prepared.facts.organization.schema_name)
    try:
        row = connection.execute(statement, _parameters(engine, prepared))
    except connection.DatabaseAway as error:
        raise PlatformUnavailable("The database is away; the workflow was not run.") from error
    except psycopg.errors.UndefinedTable as error:
        raise refusal(None) from error
    fenced, status, version, msp_version, created = row
    if not fenced:
        raise FenceLost
    if status != "active":
        raise refusal(status)
    return (version, msp_version or 0) if created else None


def refusal(status: str | None) -> Exception:
    """Why nothing starts in an organization of this status."""
    if status == "suspended":
        return PermissionDenied("The organization is suspended.")
    if status == "preparing":
        return PlatformUnavailable("The organization is being prepared; try again in a moment.")
    return PermissionDenied("The organization no longer exists.")


def _parameters(engine: Engine, prepared: Prepared) -> dict[str, Any]:
    return {**row_parameters(prepared), "worker": engine.id, "started": json.dumps({"worker": engine.label})}


def row_parameters(prepared: Prepared) -> dict[str, Any]:
    """What the statements that create an execution have in common."""
    facts = prepared.facts
    actor = facts.actor
    return {
        "organization": facts.organization.id,
        "id": facts.id,
        "workflow": facts.loaded.spec.name,
        "input": json.dumps(prepared.input),
        "input_sealed": prepared.input_sealed,
        "trigger": json.dumps(facts.trigger),
        "executed_by": json.dumps(person(actor)),
        "actor": actor_key(actor),
        "idempotency_key": prepared.idempotency_key,
        "idempotency_digest": prepared.idempotency_digest,
        "code_version": facts.loaded.code_version,
        "parent": facts.parent,
        "depth": facts.depth,
        "priority": int(prepared.priority),
        "resumable": facts.loaded.spec.retry_policy is not None,
        "retry_of": prepared.retry_of,
        "closes_with": facts.parent if prepared.closes else None,
    }


def _first_status(request: Request, loaded: LoadedWorkflow) -> str:
    """Running: the caller's process owns it at once. A child runs where its parent runs, whatever its mode."""
    spec = loaded.spec
    if spec.requires_approval:
        return Status.PENDING_APPROVAL
    if request.background or (spec.execution_mode != "sync" and not request.foreground and request.parent is None):
        return Status.QUEUED
    return Status.RUNNING


def _with_stored_input(facts: Facts, request: Request) -> Prepared:
    secrets = tuple(secret_values(facts.loaded, facts.parameters))
    stored, sealed = stored_input(facts.organization, facts.loaded, facts.parameters)
    key, digest = request.idempotency_key, None
    if key is not None:
        # The same key for a dry run and a real one would let the one answer for the other.
        what = f"{json.dumps(facts.parameters, sort_keys=True)}{' dry run' if facts.dry_run else ''}"
        digest = hashlib.sha256(what.encode()).hexdigest()
    priority = usual_priority(request.actor) if request.priority is None else request.priority
    status = _first_status(request, facts.loaded)
    return Prepared(
        facts, status, priority, request.retry_of, stored, sealed, secrets, key, digest, request.closes, request.takes
    )


def stored_input(
    organization: OrganizationRecord, loaded: LoadedWorkflow, parameters: Mapping[str, Any]
) -> tuple[dict[str, Any], bytes | None]:
    """The input as it is stored: redacted, and encrypted beside it where that changed something.

    Raises PlatformUnavailable where it must be encrypted and the vault is away.
    """
    # A copy: where nothing was redacted, it is the very same object.
    stored = dict(redact_keys(parameters))
    for parameter in loaded.spec.parameters:
        if parameter.type == "secret" and stored.get(parameter.name) is not None:
            stored[parameter.name] = REDACTED
    if stored == parameters:
        return stored, None
    try:
        return stored, seal(organization, plain(parameters))
    except VaultUnavailable as error:
        raise PlatformUnavailable("The vault is away, and the input holds a value that must be encrypted.") from error


def secret_values(loaded: LoadedWorkflow, parameters: Mapping[str, Any]) -> list[str]:
    """The values of parameters that are declared as secrets."""
    declared = (parameter.name for parameter in loaded.spec.parameters if parameter.type == "secret")
    return [value for name in declared if isinstance(value := parameters.get(name), str)]
