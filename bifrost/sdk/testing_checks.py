"""What authors test their checks with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from bifrost.sdk.caller import Caller, OrganizationFacts
from bifrost.sdk.checking import CheckContext
from bifrost.sdk.errors import WorkflowException
from bifrost.sdk.tolerant import JSON, plain

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class _Host:
    organization: OrganizationFacts
    caller: Caller
    configs: Mapping[str, Any]
    providers: Mapping[str, Any]

    def config(self, key: str) -> tuple[bool, Any]:
        return key in self.configs, self.configs.get(key)

    async def options(self, provider: str, inputs: Mapping[str, JSON]) -> list[dict[str, JSON]]:
        if provider not in self.providers:
            raise WorkflowException(f'There is no data provider "{provider}": give its options to check_context()')
        given = self.providers[provider]
        if isinstance(given, Exception):
            raise given
        return [_option(each) for each in (given(**inputs) if callable(given) else given)]


def check_context(
    org_id: str = "test-org",
    *,
    options: Mapping[str, Any] = _NOTHING,
    config: Mapping[str, Any] = _NOTHING,
    org_name: str = "Test Organization",
    tenant_id: str | None = None,
    caller: Caller | None = None,
) -> CheckContext:
    """A context for a check: `await license_is_free(check_context(options={"get_licenses": [...]}), license="E3")`.

    `options`, by the data provider's name: a list of options or of plain values, a function of its inputs that gives
    one, or an exception.
    """
    who = caller or Caller("user-1", "ada@example.com", "Ada")
    return CheckContext(_Host(OrganizationFacts(org_id, org_name, tenant_id), who, config, options))


def _option(given: Any) -> dict[str, JSON]:
    said: dict[str, Any] = dict(given) if isinstance(given, Mapping) else {"value": given}
    found: Iterable[tuple[str, Any]] = {"label": str(said.get("value")), "metadata": {}, **said}.items()
    return {name: plain(value) for name, value in found}
