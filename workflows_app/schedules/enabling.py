"""For which organizations scheduled workflows are enabled, and by which cron."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from orgs.tenancy import shared_context
from workflows_app import catalog
from workflows_app.catalog import LoadedWorkflow
from workflows_app.dispatch import audiences
from workflows_app.dispatch.schedules import database_time

MODE = "scheduled"


def sync_audiences(now: datetime | None = None, *, wait: bool = True) -> None:
    """Gives each organization that an audience covers its schedule, and takes it from those that none covers any more.

    Next times follow changes of crons and time zones. An organization's own schedule stays as it is.
    """
    with shared_context():
        audiences.renew(crons(), now or database_time(), wait=wait)


def crons() -> Mapping[str, str]:
    """What each scheduled workflow of the workspace says by itself."""
    return {name: loaded.spec.schedule for name, loaded in scheduled().items() if loaded.spec.schedule}


def scheduled() -> Mapping[str, LoadedWorkflow]:
    """The workflows that run by the clock."""
    return {name: found for name, found in catalog.current().workflows.items() if found.spec.execution_mode == MODE}


def obstacle(workflow: str) -> str:
    """Why the workflow cannot run on a schedule now; empty where it can."""
    loaded = catalog.current().workflows.get(workflow)
    if loaded is None:
        return f"The workflow {workflow!r} is not in the workspace, or its file does not load."
    mode = loaded.spec.execution_mode
    return "" if mode == MODE else f"The workflow {workflow!r} does not run on a schedule: its mode is {mode}."
