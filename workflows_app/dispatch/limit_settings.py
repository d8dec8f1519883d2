"""Settling whether a workflow may start in an organization and within which limits, and what follows from it.

A workflow with limits of its own has a lane of its own in the run queue. A row gets its lane when it is queued, so a
limit that comes or goes moves the rows that are there. That is done after the setting is committed, by one statement
of its own: together with it, it could wait for a claim that waits for the setting. What is queued in between, or not
moved because the process died, the maintenance moves within a minute.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from uuid import UUID

from django.db import connection, transaction

from orgs import audit
from orgs.records import COMMAND_LINE, Actor
from orgs.tenancy import shared_context
from workflows_app.dispatch import hints, settled
from workflows_app.dispatch.models import Lane, WorkflowSetting

# Rows are locked in the order of their ids, as everywhere.
_RENEW_LANES = f"""
UPDATE public.dispatch_dispatch d SET lane = wanted.lane
FROM (
    SELECT q.execution, CASE WHEN s.id IS NULL THEN {Lane.OPEN.value} ELSE {Lane.LIMITED.value} END AS lane
    FROM public.dispatch_dispatch q
    LEFT JOIN public.dispatch_workflowsetting s ON s.organization = q.organization AND s.workflow = q.workflow
        AND (s.max_concurrent IS NOT NULL OR s.starts_per_minute IS NOT NULL)
    WHERE q.lane = CASE WHEN s.id IS NULL THEN {Lane.LIMITED.value} ELSE {Lane.OPEN.value} END
      AND (%(organization)s::uuid IS NULL OR q.organization = %(organization)s::uuid)
    ORDER BY q.execution FOR UPDATE OF q
) wanted
WHERE d.execution = wanted.execution
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds for one workflow, or all together: None is no limit."""

    enabled: bool = True
    max_concurrent: int | None = None
    starts_per_minute: int | None = None


def settle(organization: UUID, workflow: str, limits: Limits, actor: Actor = COMMAND_LINE) -> UUID:
    """Writes what holds for the workflow there, or with an empty name for the organization as a whole. Returns the
    setting's id. It takes effect when the transaction is committed, in other processes within two seconds."""
    values = {
        "enabled": limits.enabled,
        "max_concurrent": limits.max_concurrent,
        "starts_per_minute": limits.starts_per_minute,
    }
    with shared_context(), transaction.atomic():
        setting, _ = WorkflowSetting.objects.update_or_create(
            organization=organization, workflow=workflow, defaults=values
        )
        audit.record(
            actor, "limits.set", organization=organization, target=f"workflow:{workflow or '*'}", metadata=values
        )
    transaction.on_commit(partial(_take_effect, organization))
    return setting.id


def remove(organization: UUID, workflow: str, actor: Actor = COMMAND_LINE) -> None:
    """From now on nothing is settled about it: it is enabled and has no limit of its own."""
    with shared_context(), transaction.atomic():
        deleted, _ = WorkflowSetting.objects.filter(organization=organization, workflow=workflow).delete()
        if deleted:
            audit.record(actor, "limits.remove", organization=organization, target=f"workflow:{workflow or '*'}")
    transaction.on_commit(partial(_take_effect, organization))


def renew_lanes(organization: UUID | None = None) -> int:
    """Moves the rows of the run queue whose lane does not follow from the settings, of one organization or of all;
    those that are to run alone stay so. One statement. Returns how many it moved."""
    with shared_context(), connection.cursor() as cursor:
        cursor.execute(_RENEW_LANES, {"organization": organization})
        return int(cursor.rowcount)


def _take_effect(organization: UUID) -> None:
    settled.forget()
    renew_lanes(organization)
    hints.send()
