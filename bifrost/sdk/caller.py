"""For whom and by whom a run is made, as a workflow sees it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Caller:
    """Who started the run; a schedule is `Caller("system", "", "Schedule")`."""

    user_id: str
    email: str
    name: str


@dataclass(frozen=True)
class OrganizationFacts:
    """`tenant_id` is the organization's Microsoft 365 tenant, if it has one."""

    org_id: str
    name: str
    tenant_id: str | None
