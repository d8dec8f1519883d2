"""Which config holds for an organization, and why: as people and programs are told of it."""

from __future__ import annotations

from typing import Any

from bifrost.sdk.sanitizing import REDACTED, cut, is_secret_key, redact_keys
from integrations.config_values import written
from integrations.configs import ConfigSnapshot, ConfigValue
from integrations.models import Config


def config_document(key: str, configs: ConfigSnapshot) -> dict[str, Any] | None:
    """The config of this key with all that there is under it, the first of which holds; None where there is none."""
    found = [_document(key, value) for value in configs.candidates(key)]
    return {"key": key, **found[0], "candidates": found} if found else None


def config_documents(configs: ConfigSnapshot) -> list[dict[str, Any]]:
    """What holds, by key."""
    return [{"key": key, **_document(key, value)} for key, value in sorted(configs.values.items())]


def rows(configs: ConfigSnapshot) -> list[dict[str, Any]]:
    """The same for a page, in words."""
    return [
        {
            "key": key,
            "type": value.type,
            "shown": cut(str(shown(key, value))),
            "origin": in_words(value),
            "others": [in_words(other) for other in configs.candidates(key)[1:]],
        }
        for key, value in sorted(configs.values.items())
    ]


def in_words(value: ConfigValue) -> str:
    """Where it comes from."""
    return {"organization": "the organization", "msp": "the MSP's default"}.get(
        value.origin, f"the MSP's default for {value.tag}"
    )


def shown(key: str, value: ConfigValue) -> str:
    """Its text for people; not that of a key which says that it is a secret."""
    return REDACTED if _is_hidden(key, value) else written(redact_keys(value.value), value.type)


def _document(key: str, value: ConfigValue) -> dict[str, Any]:
    visible = REDACTED if _is_hidden(key, value) else redact_keys(value.value)
    return {"type": value.type, "value": visible, "origin": value.origin, "tag": value.tag or None}


def _is_hidden(key: str, value: ConfigValue) -> bool:
    return is_secret_key(key) and value.type != Config.Type.SECRET
