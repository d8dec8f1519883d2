"""Which connection a name means for an organization: its own, else one that the MSP shares. One query."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection as database

from bifrost.sdk.errors import ConfigurationError
from integrations.oauth.records import Settings, State, Target
from orgs import directory
from orgs.records import OrganizationRecord
from orgs.tenancy import checked_schema_name, org_context

# Columns have the names of what a person has set.
_SELECTED = ", ".join(f'c."{column}"' for column in Settings.__dataclass_fields__)
_NO_STATE = "NULL::bigint, NULL::timestamptz, NULL::bool, NULL::bool, NULL::bool, NULL::bool, NULL::text"


def _state(alias: str) -> str:
    """A token without an end lives on."""
    return f"""coalesce({alias}.version, 0), {alias}.expires_at,
        coalesce({alias}.refresh_at <= clock_timestamp(), {alias}.version IS NULL OR {alias}.version = 0),
        coalesce({alias}.version > 0 AND ({alias}.expires_at IS NULL OR {alias}.expires_at > clock_timestamp()), false),
        coalesce({alias}.refreshing_until > clock_timestamp(), false),
        coalesce({alias}.retry_at > clock_timestamp(), false), coalesce({alias}.last_error, '')"""


_OWN = f"""
SELECT 1, {_SELECTED}, {_state("c")}, {_NO_STATE}, NULL::timestamptz
FROM integrations_connection c WHERE {{which}}"""
_SHARED = f"""
SELECT 2, {_SELECTED}, {_state("c")}, {_state("t")}, t.connected_at
FROM {{msp}}.integrations_connection c LEFT JOIN integrations_sharedtoken t ON t.connection = c.id
WHERE c.shared AND {{which}}"""
_STATES = 7


def find(organization: OrganizationRecord, name: str) -> Target:
    """The one of this name, whatever its case. Raises ConfigurationError where there is none."""
    found = _found(organization, "lower(c.name) = lower(%(which)s)", name)
    if not found:
        raise ConfigurationError(f'There is no OAuth connection "{name}"', config_key=name)
    return found[0]


def find_by_id(organization: OrganizationRecord, connection: UUID) -> Target | None:
    """The organization's own of this id."""
    found = _found(organization, "c.id = %(which)s", connection)
    return next((target for target in found if target.owner.id == organization.id), None)


def usable(organization: OrganizationRecord) -> list[Target]:
    """All that it can use, by name; its own one stands before a shared one of the same name."""
    found: dict[str, Target] = {}
    for target in _found(organization, "%(which)s IS NULL", None):
        found.setdefault(target.settings.name.lower(), target)
    return [found[name] for name in sorted(found)]


def _found(organization: OrganizationRecord, which: str, value: Any) -> list[Target]:
    msp = directory.msp()
    statement = _OWN.format(which=which)
    shared = msp is not None and msp.id != organization.id
    if shared and msp is not None:
        statement += " UNION ALL " + _SHARED.format(which=which, msp=checked_schema_name(msp.schema_name))
    with org_context(organization), database.cursor() as cursor:
        cursor.execute(f"{statement} ORDER BY 1", {"which": value})
        rows = cursor.fetchall()
    return [_target(row, organization, msp if row[0] == 2 else organization) for row in rows]


def _target(row: tuple[Any, ...], organization: OrganizationRecord, owner: OrganizationRecord | None) -> Target:
    assert owner is not None
    width = len(Settings.__dataclass_fields__)
    settings = Settings(*_decoded(row[1 : 1 + width]))
    owners, holders = row[1 + width : 1 + width + _STATES], row[1 + width + _STATES :]
    if owner.id == organization.id or not settings.per_tenant:
        return Target(settings, State(*owners), owner, owner)
    return Target(settings, _derived(holders, settings.connected_at), owner, organization)


def _derived(columns: tuple[Any, ...], connected_at: datetime | None) -> State:
    """A token that was got by an earlier account is none, and what failed by it says nothing."""
    *known, by = columns
    state = State(*known)
    if by == connected_at:
        return state
    return State(version=state.version, held=state.held)


def _decoded(columns: tuple[Any, ...]) -> list[Any]:
    """Django's connection leaves jsonb as text."""
    named = zip(Settings.__dataclass_fields__, columns, strict=True)
    return [json.loads(value) if name == "extra" else value for name, value in named]
