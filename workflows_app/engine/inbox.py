"""What others have sent to the runs of this process, read by their owner and put into their journals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import structlog

from bifrost.sdk.errors import WorkflowException
from integrations.sealing import SealBroken, VaultUnavailable, unseal
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.dispatch.models import Dispatch
from workflows_app.engine.history import Key, Sent
from workflows_app.engine.run import Run
from workflows_app.engine.stops import Cancelled
from workflows_app.models import Inbox

if TYPE_CHECKING:
    from workflows_app.engine.engine import Engine

log = structlog.get_logger(__name__)


def read(engine: Engine) -> None:
    """Delivers what has arrived since the last look, and stops what is not in the run queue any more: its organization
    was dropped. One query where nothing has happened. Call in the shared schema."""
    runs = {run.facts.id: run for run in list(engine.runs.values()) if not run.detached}
    if not runs:
        return
    numbers = dict(Dispatch.objects.filter(execution__in=list(runs)).values_list("execution", "inbox"))
    behind: dict[OrganizationRecord, list[Run]] = defaultdict(list)
    for execution, run in runs.items():
        number = numbers.get(execution)
        if run.to_cancel is not None:
            engine.loop.call_soon_threadsafe(_cancels, run, run.to_cancel)
        if number is None:
            if not run.detached:  # before its end is written, so that one which has just ended is
                engine.forget(run)
        elif number > run.inbox:
            behind[run.facts.organization].append(run)
    for organization, those in behind.items():
        try:
            deliver(engine, organization, those)
        except VaultUnavailable as error:
            # Nothing of it counts as read, and the others' work goes on: the next look tries again.
            log.warning("an inbox waits for the vault", org_id=organization.org_id, error=str(error))


def cancelled(run: Run) -> Cancelled | None:
    """Why the run must not begin: its inbox holds a cancellation, which is noted in its journal."""
    with org_context(run.facts.organization):
        entry = Inbox.objects.filter(execution_id=run.facts.id, kind="cancel").values("number", "kind", "data").first()
    if entry is None:
        return None
    if entry["number"] > run.inbox:
        run.append(Key("", "inbox", entry["kind"], entry["number"]), entry["data"])
    return cancellation(entry["data"])


def deliver(engine: Engine, organization: OrganizationRecord, runs: Sequence[Run]) -> None:
    """Reads what is new in the inboxes of these runs of one organization, in a thread of the database."""
    by_id = {run.facts.id: run for run in runs}
    with org_context(organization):
        entries = list(
            Inbox.objects.filter(execution_id__in=list(by_id), number__gt=min(run.inbox for run in runs))
            .order_by("execution_id", "number")
            .values("execution_id", "number", "kind", "name", "data", "data_sealed")
        )
    for entry in entries:
        run = by_id[entry["execution_id"]]
        if entry["data_sealed"] is not None:
            try:
                value = unseal(organization, bytes(entry["data_sealed"]))
            except SealBroken as broken:
                # Nothing behind it will be heard either.
                reason = WorkflowException(f"What was sent to it does not open: {broken}", error_type="SealBroken")
                engine.stop_run(run, reason)
                continue
            entry["data"] = {**(entry["data"] or {}), "value": value}
        engine.loop.call_soon_threadsafe(_hear, run, entry)


def _hear(run: Run, entry: Mapping[str, Any]) -> None:
    """On the loop, one after the other. An entry counts as read only where the run is still there to hear it: one that
    is just beginning is asked again at the next look, and one that is just being put aside finds that it has not read
    all."""
    number, kind, name, data = (entry[part] for part in ("number", "kind", "name", "data"))
    if run.detached or number != run.inbox + 1:
        return
    if kind == "cancel" and not _cancels(run, cancellation(data)):
        return
    run.inbox = number
    line = data if kind == "cancel" else {"name": name, **(data or {})}
    run.append(Key("", "inbox", kind, number), line, entry["data_sealed"])
    if kind != "cancel":
        run.waits.receive(Sent(number, kind, name, (data or {}).get("value")))


def _cancels(run: Run, why: BaseException) -> bool:
    """On the loop: stops it. Whether that counts as read, so that what has come behind it is heard: also where the run
    compensates. Should it go on after that, the next look stops it."""
    if run.detached or run.operations.replaying or run.stop is None:
        return False
    if run.stop(why):
        return True
    if run.compensating:
        run.to_cancel = why
    return run.compensating > 0


def cancellation(data: Mapping[str, Any] | None) -> Cancelled:
    who = (data or {}).get("by", "")
    return Cancelled(f"Cancelled by {who}." if who else "Cancelled.")
