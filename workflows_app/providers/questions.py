"""A question for options, checked: of which organization, to which provider, with which values of other fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from bifrost.sdk.documents import encode, size
from bifrost.sdk.errors import ValidationError
from bifrost.sdk.tolerant import JSON
from integrations import configs
from integrations.configs import ConfigSnapshot
from orgs.records import OrganizationRecord
from workflows_app import catalog
from workflows_app.catalog import LoadedDataProvider
from workflows_app.errors import UnknownDataProvider

# Every different question has a place in the cache.
MOST_INPUT_BYTES = 8_000

Key = tuple[UUID, str, str]
#: On what the answer depends beside the question: it holds as long as this is the same.
Stamp = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """`inputs` hold a value for each input of the provider. Equal questions have equal keys."""

    organization: OrganizationRecord
    loaded: LoadedDataProvider
    inputs: dict[str, JSON]
    config: ConfigSnapshot
    key: Key
    stamp: Stamp

    @property
    def provider(self) -> str:
        return self.loaded.spec.name


def find(name: str) -> LoadedDataProvider:
    """The data provider of that name. Looks at the disk again before it raises UnknownDataProvider."""
    found = catalog.current().data_providers.get(name) or catalog.refresh().data_providers.get(name)
    if found is None:
        raise UnknownDataProvider(f'There is no data provider "{name[:100]}".', {"dataProvider": name[:100]})
    return found


def question(organization: OrganizationRecord, name: str, inputs: Mapping[str, JSON]) -> Question:
    """The checked question; an input that is null counts as left out. One query.

    Raises UnknownDataProvider, and ValidationError for inputs that are missing, surplus or wrong.
    """
    loaded = find(name)
    given = {each: value for each, value in inputs.items() if value is not None}
    checked = loaded.spec.validate(given)
    if size(checked) > MOST_INPUT_BYTES:
        raise ValidationError(f"The inputs of a data provider take at most {MOST_INPUT_BYTES:,} bytes.")
    config = configs.snapshot(organization)
    key = (organization.id, name, encode({each: checked[each] for each in sorted(checked)}))
    return Question(organization, loaded, checked, config, key, _stamp(organization, config))


def _stamp(organization: OrganizationRecord, config: ConfigSnapshot) -> Stamp:
    facts = (organization.name, organization.tenant_id, organization.timezone, organization.tags)
    return (catalog.current().version, config.version, config.msp_version, *facts)
