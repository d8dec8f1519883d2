"""From a request for a run to a `Run` that this process owns: the checks, and the start statement."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from uuid6 import uuid7

from bifrost.sdk.documents import plain
from bifrost.sdk.errors import PermissionError as PermissionDenied
from bifrost.sdk.sanitizing import REDACTED, redact_keys
from integrations import configs
from integrations.sealing import VaultUnavailable, seal
from orgs.records import Actor, OrganizationRecord
from workflows_app import catalog
from workflows_app.catalog import LoadedWorkflow
from workflows_app.engine import connection, statements
from workflows_app.engine.journal import FenceLost
from workflows_app.engine.run import Facts, Run
from workflows_app.errors import NotAvailable, PlatformUnavailable

if TYPE_CHECKING:
    from workflows_app.engine.engine import Engine

DEFAULT_PERMISSION = "canExecuteWorkflows"
PRIORITIES = {"user": 2, "command": 2, "token": 1, "system": 0}


@dataclass(frozen=True, slots=True)
class Request:
    """A wish to run a workflow, before anything was checked."""

    organization: OrganizationRecord
    workflow: str
    parameters: Mapping[str, Any]
    actor: Actor
    trigger: Mapping[str, Any]
    idempotency_key: str | None = None
    parent: UUID | None = None
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Prepared:
    """A checked request: its facts, and the input as it is stored."""

    facts: Facts
    input: Any
    input_sealed: bytes | None
    secrets: tuple[str, ...]
    idempotency_key: str | None
    idempotency_digest: str | None


def prepare(request: Request) -> Prepared:
    """Checks the request against the workflow's declaration.

    Raises UnknownWorkflow, NotAvailable (a mode that does not exist yet), the SDK's PermissionError and
    ValidationError, and PlatformUnavailable where a value must be encrypted and the vault is away.
    """
    loaded = catalog.find(request.workflow)
    spec = loaded.spec
    permission = spec.required_permission or DEFAULT_PERMISSION
    if not request.actor.can(permission):
        raise PermissionDenied(f"Running {spec.name!r} needs the permission {permission}.", required_role=permission)
    if spec.execution_mode != "sync":
        raise NotAvailable(f"{spec.name!r} runs in mode {spec.execution_mode}, which is not available yet.")
    if spec.requires_approval:
        raise NotAvailable(f"{spec.name!r} needs an approval, which is not available yet.")
    parameters = spec.validate(request.parameters)
    facts = Facts(
        id=uuid7(),
        organization=request.organization,
        loaded=loaded,
        parameters=parameters,
        actor=request.actor,
        trigger=dict(request.trigger),
        parent=request.parent,
        depth=request.depth,
    )
    return _with_stored_input(facts, request.idempotency_key)


def actor_key(actor: Actor) -> str:
    """Who a caller's idempotency keys belong to."""
    return f"{actor.kind}:{actor.id}"[:80]


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
        run = Run(facts, engine, configs.snapshot(facts.organization, *versions), engine.limits)
    except BaseException:
        # If the row was written after all, the next beat finds that nobody holds it and ends it.
        engine.release(facts.id)
        raise
    for secret in prepared.secrets:
        run.scrubber.add(secret)
    engine.add(run)
    run.fetch_secret_configs(engine.secret_configs(facts.loaded.code_version))
    return run


def _write_start(engine: Engine, prepared: Prepared) -> tuple[int, int] | None:
    statement = statements.start(prepared.facts.organization.schema_name)
    try:
        row = connection.execute(statement, _parameters(engine, prepared))
    except connection.DatabaseAway as error:
        raise PlatformUnavailable("The database is away; the workflow was not run.") from error
    fenced, status, version, msp_version, created = row
    if not fenced:
        raise FenceLost
    if status != "active":
        raise _refusal(status)
    return (version, msp_version or 0) if created else None


def _refusal(status: str | None) -> Exception:
    if status == "suspended":
        return PermissionDenied("The organization is suspended.")
    if status == "preparing":
        return PlatformUnavailable("The organization is being prepared; try again in a moment.")
    return PermissionDenied("The organization no longer exists.")


def _parameters(engine: Engine, prepared: Prepared) -> dict[str, Any]:
    facts = prepared.facts
    actor = facts.actor
    return {
        "worker": engine.id,
        "organization": facts.organization.id,
        "id": facts.id,
        "workflow": facts.loaded.spec.name,
        "input": json.dumps(prepared.input),
        "input_sealed": prepared.input_sealed,
        "trigger": json.dumps(facts.trigger),
        "executed_by": json.dumps({"kind": actor.kind, "id": actor.id, "email": actor.email, "name": actor.name}),
        "actor": actor_key(actor),
        "idempotency_key": prepared.idempotency_key,
        "idempotency_digest": prepared.idempotency_digest,
        "code_version": facts.loaded.code_version,
        "parent": facts.parent,
        "depth": facts.depth,
        "priority": PRIORITIES.get(actor.kind, 1),
        "started": json.dumps({"worker": engine.label}),
    }


def _with_stored_input(facts: Facts, key: str | None) -> Prepared:
    secrets = tuple(_secret_values(facts.loaded, facts.parameters))
    stored = redact_keys(facts.parameters)
    for parameter in facts.loaded.spec.parameters:
        if parameter.type == "secret" and stored.get(parameter.name) is not None:
            stored[parameter.name] = REDACTED
    sealed = None
    if stored != facts.parameters:
        try:
            sealed = seal(facts.organization, plain(facts.parameters))
        except VaultUnavailable as error:
            raise PlatformUnavailable(
                "The vault is away, and the input holds a value that must be encrypted."
            ) from error
    digest = None
    if key is not None:
        digest = hashlib.sha256(json.dumps(facts.parameters, sort_keys=True).encode()).hexdigest()
    return Prepared(facts, stored, sealed, secrets, key, digest)


def _secret_values(loaded: LoadedWorkflow, parameters: Mapping[str, Any]) -> list[str]:
    declared = (parameter.name for parameter in loaded.spec.parameters if parameter.type == "secret")
    return [value for name in declared if isinstance(value := parameters.get(name), str)]
