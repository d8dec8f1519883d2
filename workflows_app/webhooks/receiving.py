"""A call from outside: who it says it is for, whether it proves itself, and what it starts.

Until a call has proven itself, the same is done for every one: whether the organization or the workflow exists, is
suspended, disabled or has a webhook at all shows neither in the answer nor in the work.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from bifrost.sdk.errors import WorkflowException
from integrations import secrets
from integrations.errors import VaultUnavailable
from orgs import directory
from orgs.errors import Denied
from orgs.models import Organization
from orgs.records import OrganizationRecord
from workflows_app import catalog
from workflows_app.catalog import LoadedWorkflow
from workflows_app.engine.connection import DatabaseAway
from workflows_app.errors import PlatformUnavailable
from workflows_app.webhooks import credentials, deliveries
from workflows_app.webhooks.bodies import read_content
from workflows_app.webhooks.credentials import DOUBTED_SECONDS, KEPT_SECONDS
from workflows_app.webhooks.deliveries import Started
from workflows_app.webhooks.signatures import proves

log = structlog.get_logger(__name__)

LONGEST_LOGGED = 100


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it came."""

    org_id: str
    workflow: str
    headers: Mapping[str, str]
    content_type: str
    body: bytes


class NotAccepted(Exception):
    """The call starts nothing. The message is for the log; the sender learns nothing of it."""


class Away(Exception):
    """Our side cannot serve this now, whatever the call says."""


@dataclass(frozen=True, slots=True)
class _Hook:
    """A webhook that can be called."""

    organization: OrganizationRecord
    loaded: LoadedWorkflow


def receive(call: Call) -> Started:
    """Keeps the call and starts its execution, once for each delivery id. Raises NotAccepted, Away."""
    try:
        return _receive(call)
    except (VaultUnavailable, PlatformUnavailable, OperationalError, InterfaceError, DatabaseAway) as away:
        raise Away(str(away).partition("\n")[0]) from away
    except (WorkflowException, Denied) as refused:
        raise NotAccepted(refused.message) from refused


def _receive(call: Call) -> Started:
    found = _find(call.org_id, call.workflow)
    hook = found if isinstance(found, _Hook) else None
    known = _proven_by(call, hook)
    if hook is None or known is None:
        # A vault that is away says so for all alike.
        if not (health := secrets.health()).healthy:
            raise Away(health.message)
        raise NotAccepted(found if isinstance(found, str) else "it does not prove that it knows the secret")
    content = read_content(call.body, call.content_type)
    delivery = deliveries.keep(hook.organization, hook.loaded, content, call.headers, known)
    return deliveries.start(delivery)


def _find(org_id: str, workflow: str) -> _Hook | str:
    """The webhook, or why there is none."""
    organization = None if "\0" in org_id else directory.organization_by_org_id(org_id)
    loaded = catalog.current().workflows.get(workflow)
    if organization is None:
        return "there is no such organization"
    if organization.status != Organization.Status.ACTIVE:
        return f"the organization is {organization.status}"
    if not organization.ready:
        return "the organization is being set up or updated"
    if loaded is None:
        return "there is no such workflow"
    if not loaded.spec.webhook_enabled:
        return "the workflow has no webhook"
    return _Hook(organization, loaded)


def _proven_by(call: Call, hook: _Hook | None) -> tuple[str, ...] | None:
    """The secrets in force, if the call proves that its sender knows one; none where it need not; None otherwise."""
    if hook is not None and not hook.loaded.spec.webhook_secret_required:
        return ()
    for age in (KEPT_SECONDS, DOUBTED_SECONDS):
        known = _known(call, hook, age)
        if proves(known, call.headers, call.body, time.time()):
            return tuple(known)
    return None


def _known(call: Call, hook: _Hook | None, age: float) -> list[str]:
    if hook is None:
        credentials.credentials_of_nobody(call.org_id, call.workflow, age)
        return []
    found = credentials.credentials_of(hook.organization, hook.loaded.spec.name, age)
    return found.valid(timezone.now()) if found is not None else []


def log_refusal(call: Call, reason: str) -> None:
    log.warning(
        "webhook refused",
        org_id=call.org_id[:LONGEST_LOGGED],
        workflow=call.workflow[:LONGEST_LOGGED],
        reason=reason[:500],
    )
