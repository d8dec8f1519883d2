"""An organization's configs. Behind its own stand the MSP's defaults: those for the organization's tags, then those for
all.

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

from bifrost.sdk.errors import PermissionError as PermissionDenied
from bifrost.sdk.errors import ValidationError
from bifrost.sdk.tolerant import JSON
from integrations import queries
from integrations.config_values import check_key, checked, directs_credentials
from integrations.models import Config
from orgs import audit, directory
from orgs.models import Organization
from orgs.records import COMMAND_LINE, Actor, OrganizationRecord
from orgs.tenancy import HasSchema, org_context

MOST_LAYERS = 2_000
LONGEST_TAG = 50


@dataclass(frozen=True, slots=True)
class SecretReference:
    """The value of a config that names a secret in the vault."""

    name: str


@dataclass(frozen=True, slots=True)
class ConfigValue:
    """Not to be changed: it is shared by every run that reads it. `origin` is organization, tag or msp."""

    type: str
    value: JSON
    origin: str
    tag: str = ""


Layer = Mapping[str, ConfigValue]
#: An organization's configs by tag: its own under the empty one.
Layers = Mapping[str, Layer]


@dataclass(frozen=True, slots=True)
class ConfigSnapshot:
    """An organization's configs at one moment: layers, of which the first that has a key says what holds."""

    version: int
    msp_version: int
    layers: tuple[Layer, ...]

    @property
    def values(self) -> Layer:
        """What holds, by key."""
        return {key: value for layer in reversed(self.layers) for key, value in layer.items()}

    def candidates(self, key: str) -> list[ConfigValue]:
        """What there is under this key: the first one holds, the others would if it were not there."""
        return [layer[key] for layer in self.layers if key in layer]


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
    tagged = (defaults[tag] for tag in sorted(organization.tags) if tag in defaults)
    layers = (own.get("", _EMPTY), *tagged, defaults.get("", _EMPTY))
    return ConfigSnapshot(version, msp_version, layers)


def resolve(configs: ConfigSnapshot, key: str) -> tuple[bool, Any]:
    """Whether there is such a config, and a copy of its value; a SecretReference where it names a secret."""
    found = next((layer[key] for layer in configs.layers if key in layer), None)
    if found is None:
        return False, None
    if found.type == Config.Type.SECRET:
        return True, SecretReference(found.value)
    return True, copy.deepcopy(found.value)


def set_config(
    organization: OrganizationRecord,
    key: str,
    value: Any,
    type: str = "string",
    actor: Actor = COMMAND_LINE,
    tag: str = "",
) -> None:
    """Sets or replaces one config; of type secret, the value is the secret's name.

    `tag`: of the MSP's organization, the default of those that carry it. Raises ValidationError, and PermissionError
    where it would direct credentials and the actor is none of the MSP's.
    """
    check_key(key)
    _check_may_direct(key, actor)
    _check_tag(organization, tag)
    # To Django, None means no value at all rather than JSON's null.
    stored = Value(None, JSONField()) if (copied := checked(value, type)) is None else copied
    with org_context(organization), transaction.atomic():
        Config.objects.update_or_create(key=key, tag=tag, defaults={"type": type, "value": stored})
        _require_raised(organization)
        facts = {"type": type, **({"tag": tag} if tag else {})}
        audit.record(actor, "config.set", organization=organization, target=f"config:{key}", metadata=facts)
    directory.forget()


def delete_config(organization: OrganizationRecord, key: str, actor: Actor = COMMAND_LINE, tag: str = "") -> bool:
    """Removes one config of the organization's own; False where there was none. Raises PermissionError as above."""
    _check_may_direct(key, actor)
    with org_context(organization), transaction.atomic():
        deleted, _ = Config.objects.filter(key=key, tag=tag).delete()
        if not deleted:
            return False
        _require_raised(organization)
        facts = {"tag": tag} if tag else {}
        audit.record(actor, "config.delete", organization=organization, target=f"config:{key}", metadata=facts)
    directory.forget()
    return True


def _check_may_direct(key: str, actor: Actor) -> None:
    """The credentials may be the MSP's own, by a default or a shared connection, and reach other customers' data."""
    if directs_credentials(key) and not actor.staff:
        raise PermissionDenied(
            f"The config {key!r} may say where an integration sends credentials or whose data it asks for:"
            " only the MSP's staff and tokens change it."
        )


def _check_tag(organization: OrganizationRecord, tag: str) -> None:
    if tag and not organization.is_msp:
        raise ValidationError("Only the MSP's organization has defaults for a tag.", field="tag")
    if len(tag) > LONGEST_TAG:
        raise ValidationError(f"A tag has at most {LONGEST_TAG} characters.", field="tag")


def raise_version(organization: OrganizationRecord) -> bool:
    """Says to all processes that what the organization is connected to has changed: its configs, secrets, connections.
    In the transaction of the change. False where the organization is gone.
    """
    # A clock rather than a counter: a number that was rolled back must not come again for other values, since a
    # snapshot may have been read under it. The clock may stand still or go back; the number then rises by one.
    microseconds = time.time_ns() // 1_000
    raised = Greatest(F("config_version") + 1, Value(microseconds))
    return bool(Organization.objects.filter(id=organization.id).update(config_version=raised))


def _require_raised(organization: OrganizationRecord) -> None:
    if not raise_version(organization):
        raise Organization.DoesNotExist(f"The organization {organization.org_id} is gone.")


class _Layers:
    """What was read last of each organization, and of the MSP's defaults under None."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[UUID | None, tuple[int, Layers]] = {}

    def get(self, key: UUID | None, version: int, read: Callable[[], Layers]) -> Layers:
        entry = self._entries.get(key)
        if entry is not None and entry[0] == version:
            return entry[1]
        layers = read()
        with self._lock:
            if len(self._entries) >= MOST_LAYERS:
                self._entries = {}
            self._entries[key] = (version, layers)
        return layers


_EMPTY: Layer = MappingProxyType({})
_NOTHING: Layers = MappingProxyType({})
_layers = _Layers()


def _read(organization: HasSchema, origin: str) -> Layers:
    layers: dict[str, dict[str, ConfigValue]] = {}
    for row in queries.config_rows(organization):
        value = ConfigValue(row.type, row.value, "tag" if row.tag else origin, row.tag)
        layers.setdefault(row.tag, {})[row.key] = value
    return MappingProxyType(layers)


def _read_defaults() -> Layers:
    msp = directory.msp()
    return _NOTHING if msp is None else _read(msp, "msp")
