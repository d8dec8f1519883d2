"""What a scheduled workflow is given: kept redacted, and exact in encrypted form where redaction changed it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bifrost.sdk.documents import plain
from bifrost.sdk.sanitizing import REDACTED, redact_keys
from bifrost.sdk.specs import WorkflowSpec
from integrations.sealing import VaultUnavailable, seal, unseal
from orgs.records import OrganizationRecord
from workflows_app.errors import PlatformUnavailable

Values = dict[str, Any]


def stored(
    organization: OrganizationRecord, spec: WorkflowSpec, values: Mapping[str, Any]
) -> tuple[Values, bytes | None]:
    """The values as they are kept: redacted, and sealed where that changed something.

    Raises PlatformUnavailable where a value must be encrypted and the vault is away.
    """
    exact = plain(dict(values))
    # A copy: what holds nothing to redact comes back as it is.
    redacted: Values = dict(redact_keys(exact))
    for parameter in spec.parameters:
        if parameter.type == "secret" and redacted.get(parameter.name) is not None:
            redacted[parameter.name] = REDACTED
    if redacted == exact:
        return redacted, None
    try:
        return redacted, seal(organization, exact)
    except VaultUnavailable as error:
        raise PlatformUnavailable(
            "The vault is away, and the parameters hold a value that must be encrypted."
        ) from error


def exact_values(organization: OrganizationRecord, redacted: Values | None, sealed: bytes | None) -> Values:
    """The values as they were given. Raises VaultUnavailable and SealBroken."""
    if sealed is None:
        return dict(redacted or {})
    opened: Any = unseal(organization, bytes(sealed))
    return dict(opened)


def with_kept(given: Any, shown: Any, exact: Any) -> Any:
    """`given` with the kept value wherever it repeats what is shown in place of a secret: who reads a schedule, changes
    something else and sends it back loses none of its secrets."""
    if given == REDACTED and shown == REDACTED:
        return exact
    if isinstance(given, dict) and isinstance(shown, dict) and isinstance(exact, dict):
        return {key: with_kept(value, shown.get(key), exact.get(key)) for key, value in given.items()}
    if isinstance(given, list) and isinstance(shown, list) and isinstance(exact, list) and len(given) == len(shown):
        return [with_kept(*each) for each in zip(given, shown, exact, strict=True)]
    return given
