"""Workflows that run by the clock.

    dispatch_due()            one tick: starts what is due for all organizations, once
    settle(), remove()        what an organization sets about a schedule of its own
    sync_audiences()          enables workflows for tags or for all
    list_schedules(), get_schedule(), preview()   what the API and the pages show

Exactly one execution for each organization, workflow and planned time. A time's row in the organization's history is
written first and decides what becomes of it; the execution's idempotency key is that time; the schedule moves on last.
Whoever is interrupted in between is repeated without harm.
"""

from __future__ import annotations

from workflows_app.schedules.enabling import sync_audiences
from workflows_app.schedules.queries import get_schedule, list_schedules, preview
from workflows_app.schedules.settling import Wish, remove, settle
from workflows_app.schedules.tick import Report, Tick, dispatch_due

__all__ = [
    "Report",
    "Tick",
    "Wish",
    "dispatch_due",
    "get_schedule",
    "list_schedules",
    "preview",
    "remove",
    "settle",
    "sync_audiences",
]
