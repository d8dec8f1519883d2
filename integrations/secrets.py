"""Secrets in the vault (HashiCorp Vault or OpenBao).

Values are read with a token of the organization's own policy, so that the vault itself refuses another organization's;
the platform's token writes, deletes and lists. Nothing that was read is kept here. Every call ends within seconds: a
vault that is away, sealed or slow is VaultUnavailable, and there is no other place that values could come from.
"""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from django.conf import settings

from bifrost.sdk.errors import ConfigurationError
from integrations.errors import VaultRefused, VaultRejected, VaultUnavailable
from integrations.flights import Flights
from integrations.secret_audit import audited
from integrations.secret_places import (
    Place,
    address,
    check_secret_name,
    check_secret_value,
    connections_place,
    is_secret_name,
    own_place,
    policy_name,
    policy_text,
    search_order,
    webhooks_place,
)
from integrations.vault_door import UNPREPARED, Door
from integrations.vault_sign_in import Platform
from integrations.vault_tokens import OrganizationTokens
from orgs.records import COMMAND_LINE, Actor, OrganizationRecord

SECONDS = 3.0
THREADS = 4
TOKENS_KEPT = 200
TOKEN_SECONDS = 15 * 60
TOKEN_ROLE = "bifrost-organization"
MASTER_KEY_PATH = "platform/master-key"
VERSIONS_KEPT = 10  # by the vault, unless it is told otherwise
HEALTH_SECONDS = 1.0
HEALTH_KEPT_SECONDS = 2.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Health:
    healthy: bool
    message: str


class _Connections:
    """What this process has towards the vault."""

    def __init__(self) -> None:
        self.door = Door()
        self.platform = Platform(self.door.call, SECONDS)
        self.tokens = OrganizationTokens(self._make_token, TOKENS_KEPT)
        self.flights = Flights(THREADS, SECONDS, "vault")
        self.health_lock = threading.Lock()
        self.health: tuple[float, Health] = (0.0, Health(False, ""))

    def _make_token(self, organization: OrganizationRecord, deadline: float) -> tuple[str, float]:
        body = {
            "policies": [policy_name(organization)],
            "ttl": f"{TOKEN_SECONDS}s",
            "meta": {"organization": organization.org_id},
        }
        try:
            answer = self.platform.call("post", f"auth/token/create/{TOKEN_ROLE}", body, deadline)
        except VaultRejected as error:
            raise VaultUnavailable(f"{error.message}. {UNPREPARED}") from error
        return answer["auth"]["client_token"], answer["auth"]["lease_duration"]


_lock = threading.Lock()
_connections: _Connections | None = None


def _vault() -> _Connections:
    global _connections  # noqa: PLW0603 - one per process, made on first use and never before a fork
    with _lock:
        if _connections is None:
            _connections = _Connections()
        return _connections


def reset() -> None:
    """Forgets connections, threads and tokens; the next call makes new ones from the settings of then."""
    global _connections
    with _lock:
        former, _connections = _connections, None
    if former is not None:
        former.flights.close()


def _begin_anew() -> None:
    # The parent's threads are not here, and whoever held its locks will not release them.
    global _lock, _connections
    _lock, _connections = threading.Lock(), None


os.register_at_fork(after_in_child=_begin_anew)


def platform() -> Platform:
    """The vault with the platform's own rights, for preparing it and for the platform's own keys."""
    return _vault().platform


# --- Reading, by the organization's own rights ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FoundSecret:
    """A secret's value and where it was found; origin is organization, tag or msp. Its repr does not show the value."""

    value: str
    origin: str

    def __repr__(self) -> str:
        return f"FoundSecret(origin={self.origin!r})"


def secret_future(organization: OrganizationRecord, name: str) -> Future[str]:
    """The secret's value, read in a thread of the vault's own. Never blocks, so an event loop may call it.

    The future ends within seconds: with ConfigurationError naming a missing secret, VaultUnavailable when the vault is
    away. Reads of one secret that are under way at the same time are one.
    """
    return _vault().flights.join((organization.id, name), partial(_read, organization, name))


def read_secret(organization: OrganizationRecord, name: str) -> str:
    """As secret_future, and waits for it."""
    return waited(secret_future(organization, name))


def previous_secret_future(organization: OrganizationRecord, name: str) -> Future[str]:
    """As secret_future: the value that the secret had before it was rotated, while that overlap lasts."""
    return _vault().flights.join((organization.id, name, "previous"), partial(_read_previous, organization, name))


def read_at(organization: OrganizationRecord, place: Place, name: str) -> str | None:
    """As future_at, and waits for it."""
    return waited(future_at(organization, place, name))


def future_at(organization: OrganizationRecord, place: Place, name: str) -> Future[str | None]:
    """What lies at this very place, by the organization's own rights; None where nothing does. VaultUnavailable.

    Never blocks; reads of one name that are under way at the same time are one.
    """
    check_secret_name(name)
    path = place.path(name)
    return _vault().flights.join((organization.id, path), partial(_read_at, organization, path))


def read_versioned(organization: OrganizationRecord, place: Place, name: str) -> tuple[str, int] | None:
    """What lies there now, with the vault's number of it for `write_at`: never the answer to an earlier question."""
    path = place.path(name)
    answer = _as_organization(organization, path, time.monotonic() + SECONDS)
    return None if answer is None else (_text(answer, organization, path), answer["data"]["metadata"]["version"])


def find_secret(organization: OrganizationRecord, name: str) -> FoundSecret:
    """The secret with its origin. Raises as secret_future does."""
    return _find(organization, name, time.monotonic() + SECONDS)


def waited(future: Future[T]) -> T:
    """The future's result; a server that never finishes its answer is VaultUnavailable like one that never begins."""
    try:
        return future.result(SECONDS + 1)
    except TimeoutError:
        raise VaultUnavailable(f"The vault at {settings.VAULT_ADDR} did not answer in time.") from None


def _read(organization: OrganizationRecord, name: str, deadline: float) -> str:
    return _find(organization, name, deadline).value


def _find(organization: OrganizationRecord, name: str, deadline: float) -> FoundSecret:
    for place in search_order(organization) if is_secret_name(name) else ():
        answer = _as_organization(organization, place.path(name), deadline)
        if answer is not None:
            return FoundSecret(_text(answer, organization, name), place.origin)
    raise ConfigurationError(
        f"The organization {organization.org_id} has no secret {name!r} ({address(organization, name)}).",
        config_key=name,
    )


def _read_at(organization: OrganizationRecord, path: str, deadline: float) -> str | None:
    answer = _as_organization(organization, path, deadline)
    return None if answer is None else _text(answer, organization, path)


def _read_previous(organization: OrganizationRecord, name: str, deadline: float) -> str:
    for place in search_order(organization) if is_secret_name(name) else ():
        answer = _as_organization(organization, place.path(name), deadline)
        if answer is None:
            continue
        until = (answer["data"]["data"] or {}).get("previous_until")
        if until is not None and datetime.now(UTC) < datetime.fromisoformat(until):
            before = f"{place.path(name)}?version={answer['data']['metadata']['version'] - 1}"
            if (older := _as_organization(organization, before, deadline)) is not None:
                return _text(older, organization, name)
        break
    raise ConfigurationError(
        f"The secret {name!r} of the organization {organization.org_id} has no previous value.", config_key=name
    )


def _text(answer: dict[str, Any], organization: OrganizationRecord, name: str) -> str:
    value = (answer["data"]["data"] or {}).get("value")
    if not isinstance(value, str):
        raise ConfigurationError(
            f"The secret {name!r} of the organization {organization.org_id} has no text under 'value' in the vault.",
            config_key=name,
        )
    return value


def _as_organization(organization: OrganizationRecord, path: str, deadline: float) -> dict[str, Any] | None:
    vault = _vault()
    full = f"{settings.VAULT_MOUNT}/data/{path}"
    token = vault.tokens.get(organization, deadline)
    try:
        return vault.door.call("get", full, token, deadline)
    except VaultRefused:
        # It may have run out early, as when the vault's clock jumped or its data were restored.
        vault.tokens.forget(organization, token)
        return vault.door.call("get", full, vault.tokens.get(organization, deadline), deadline)


# --- Writing, by the platform's rights --------------------------------------------------------------------------------


def write_secret(
    organization: OrganizationRecord,
    name: str,
    value: str,
    actor: Actor = COMMAND_LINE,
    overlap: timedelta = timedelta(0),
) -> None:
    """Sets or replaces the organization's secret; the former value stays readable, as the previous one, for `overlap`.

    Raises ValidationError for a bad name or value, VaultUnavailable.
    """
    with audited("secret.set", own_place(organization), name, actor, organization):
        write_at(own_place(organization), name, value, overlap)
    _vault().flights.forget((organization.id, name))


def delete_secret(organization: OrganizationRecord, name: str, actor: Actor = COMMAND_LINE) -> bool:
    """Removes the organization's secret with all its versions; False where there was none of its own."""
    with audited("secret.delete", own_place(organization), name, actor, organization) as change:
        found = change.done = delete_at(own_place(organization), name)
    _vault().flights.forget((organization.id, name))
    return found


def list_secrets(organization: OrganizationRecord) -> list[str]:
    """The names of the organization's own secrets."""
    return list_at(own_place(organization))


def known_secrets(organization: OrganizationRecord) -> list[tuple[str, Place]]:
    """The names that the organization's workflows can read, each with the place where they find it."""
    found: dict[str, Place] = {}
    for place in search_order(organization):
        for name in list_at(place):
            found.setdefault(name, place)
    return sorted(found.items())


def write_at(
    place: Place, name: str, value: str, overlap: timedelta = timedelta(0), replaces: int | None = None
) -> None:
    """As write_secret, for any place: a tag's default or the MSP's.

    `replaces`: the vault's number of what is there, 0 for nothing; VaultRejected where something else is.
    """
    check_secret_name(name)
    check_secret_value(value)
    data = {"value": value}
    if overlap:
        data["previous_until"] = (datetime.now(UTC) + overlap).isoformat()
    condition = {} if replaces is None else {"options": {"cas": replaces}}
    answer = platform().call("post", f"{settings.VAULT_MOUNT}/data/{place.path(name)}", {"data": data, **condition})
    version = answer["data"]["version"]
    former = range(max(1, version - VERSIONS_KEPT), version - 1 if overlap else version)
    if former and replaces is None:
        path = f"{settings.VAULT_MOUNT}/destroy/{place.path(name)}"
        platform().call("post", path, {"versions": list(former)})


def delete_at(place: Place, name: str) -> bool:
    check_secret_name(name)
    if name not in list_at(place):
        return False
    platform().call("delete", f"{settings.VAULT_MOUNT}/metadata/{place.path(name)}")
    return True


def list_at(place: Place) -> list[str]:
    answer = platform().call("list", f"{settings.VAULT_MOUNT}/metadata/{place.folder}")
    return [] if answer is None else [key for key in answer["data"]["keys"] if not key.endswith("/")]


def prepare_organization(organization: OrganizationRecord) -> None:
    """Writes the organization's policy, as often as one likes; to be repeated whenever its tags have changed."""
    body = {"policy": policy_text(organization, settings.VAULT_MOUNT)}
    platform().call("post", f"sys/policies/acl/{policy_name(organization)}", body)


def remove_organization(organization: OrganizationRecord) -> None:
    """Deletes the organization's secrets and its policy, so that a later one of the same org_id inherits nothing."""
    for place in (own_place(organization), webhooks_place(organization), connections_place(organization)):
        for name in list_at(place):
            platform().call("delete", f"{settings.VAULT_MOUNT}/metadata/{place.path(name)}")
    platform().call("delete", f"sys/policies/acl/{policy_name(organization)}")


# --- The platform's own -----------------------------------------------------------------------------------------------


def master_keys() -> dict[int, str]:
    """The versions of the key from which organizations' keys are derived, base64. Raises VaultUnavailable."""
    return waited(_vault().flights.join(MASTER_KEY_PATH, _read_master_keys))


def _read_master_keys(deadline: float) -> dict[int, str]:
    answer = platform().call("get", f"{settings.VAULT_MOUNT}/data/{MASTER_KEY_PATH}", deadline=deadline)
    if answer is None:
        raise VaultUnavailable(f"The vault has no master key. {UNPREPARED}")
    return {int(version): key for version, key in answer["data"]["data"].items()}


def health() -> Health:
    """Whether the vault answers and lets the platform in: found out within a second and kept for two."""
    vault = _vault()
    with vault.health_lock:
        until, known = vault.health
        if time.monotonic() < until:
            return known
        try:
            vault.platform.call("get", "auth/token/lookup-self", deadline=time.monotonic() + HEALTH_SECONDS)
            known = Health(True, "The vault answers.")
        except VaultUnavailable as error:
            known = Health(False, error.message)
        vault.health = (time.monotonic() + HEALTH_KEPT_SECONDS, known)
        return known
