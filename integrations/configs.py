"""An organization's configs, with the MSP's own as defaults for all others.

A run reads them through a snapshot. Every change raises `Organization.config_version` in its own transaction, so a
snapshot is known by two numbers, and this process keeps what it read under them.
"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, JSONField, Value
from django.db.models.functions import Greatest

from bifrost.sdk.tolerant import JSON
from integrations import queries
from integrations.config_values import check_key, checked
from integrations.models import Config
from orgs import audit, directory
from orgs.models import Organization
from orgs.records import COMMAND_LINE, Actor, OrganizationRecord
from orgs.tenancy import HasSchema, org_context

MOST_LAYERS = 2_000


@dataclass(frozen=True, slots=True)
class SecretReference:
    """The value of a config that names a secret in the vault."""

    name: str


@dataclass(frozen=True, slots=True)
class ConfigValue:
    """Not to be changed: it is shared by every run that reads it. `origin` is organization or msp."""

    type: str
    value: JSON
    origin: str


Layer = Mapping[str, ConfigValue]


@dataclass(frozen=True, slots=True)
class ConfigSnapshot:
    """An organization's configs at one moment."""

    version: int
    msp_version: int
    own: Layer
    defaults: Layer

    @property
    def values(self) -> Layer:
        """What holds, by key."""
        return {**self.defaults, **self.own}


def snapshot(
    organization: OrganizationRecord, version: int | None = None, msp_version: int | None = None
) -> ConfigSnapshot:
    """The configs that hold for the organization: no query where both versions are given and were read before.

    Without versions the present ones are looked up. A version that is not known yet costs one query.
    """
    if version is None or msp_version is None:
        version, msp_version = queries.config_versions(organization)
    own = _layers.get(organization.id, version, lambda: _read(organization, "organization"))
    defaults = _NOTHING if organization.is_msp else _layers.get(None, msp_version, _read_defaults)
    return ConfigSnapshot(version, msp_version, own, defaults)


def resolve(configs: ConfigSnapshot, key: str) -> tuple[bool, Any]:
    """Whether there is such a config, and a copy of its value; a SecretReference where it names a secret."""
    found = configs.own.get(key) or configs.defaults.get(key)
    if found is None:
        return False, None
    if found.type == Config.Type.SECRET:
        return True, SecretReference(found.value)
    return True, copy.deepcopy(found.value)


def set_config(
    organization: OrganizationRecord, key: str, value: Any, type: str = "string", actor: Actor = COMMAND_LINE
) -> None:
    """Sets or replaces one config; of type secret, the value is the secret's name. Raises ValidationError."""
    check_key(key)
    # To Django, None means no value at all rather than JSON's null.
    stored = Value(None, JSONField()) if (copied := checked(value, type)) is None else copied
    with org_context(organization), transaction.atomic():
        Config.objects.update_or_create(key=key, defaults={"type": type, "value": stored})
        _raise_version(organization)
        audit.record(actor, "config.set", organization=organization, target=f"config:{key}", metadata={"type": type})
    directory.forget()


def delete_config(organization: OrganizationRecord, key: str, actor: Actor = COMMAND_LINE) -> bool:
    """Removes one config of the organization's own; False where there was none."""
    with org_context(organization), transaction.atomic():
        deleted, _ = Config.objects.filter(key=key).delete()
        if not deleted:
            return False
        _raise_version(organization)
        audit.record(actor, "config.delete", organization=organization, target=f"config:{key}")
    directory.forget()
    return True


def _raise_version(organization: OrganizationRecord) -> None:
    # A clock rather than a counter: a number that was rolled back must not come again for other values, since a
    # snapshot may have been read under it. The clock may stand still or go back; the number then rises by one.
    microseconds = time.time_ns() // 1_000
    raised = Greatest(F("config_version") + 1, Value(microseconds))
    if not Organization.objects.filter(id=organization.id).update(config_version=raised):
        raise Organization.DoesNotExist(f"The organization {organization.org_id} is gone.")


class _Layers:
    """What was read last of each organization, and of the MSP's defaults under None."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[UUID | None, tuple[int, Layer]] = {}

    def get(self, key: UUID | None, version: int, read: Callable[[], Layer]) -> Layer:
        entry = self._entries.get(key)
        if entry is not None and entry[0] == version:
            return entry[1]
        layer = read()
        with self._lock:
            if len(self._entries) >= MOST_LAYERS:
                self._entries = {}
            self._entries[key] = (version, layer)
        return layer


_NOTHING: Layer = MappingProxyType({})
_layers = _Layers()


def _read(organization: HasSchema, origin: str) -> Layer:
    rows = queries.config_rows(organization)
    return MappingProxyType({row.key: ConfigValue(row.type, row.value, origin) for row in rows})


def _read_defaults() -> Layer:
    msp = directory.msp()
    return _NOTHING if msp is None else _read(msp, "msp")
