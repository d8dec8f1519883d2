"""What /api/schema says of configs and secrets."""

from __future__ import annotations

from collections.abc import Mapping

from drf_spectacular.utils import OpenApiExample, OpenApiRequest, OpenApiResponse, extend_schema

from integrations.models import Config
from workflows_app.openapi import ORGANIZATION, answered, path, query
from workflows_app.shapes import ANYTHING, NUMBER, TEXT, Shape, listed, nullable, one_of, page_of, ref, shape

_ORIGIN = one_of("organization", "tag", "msp")
_HELD: Mapping[str, Shape] = {
    "type": one_of(*Config.Type.values),
    "value": {**ANYTHING, "description": "Of the type secret, the secret's name; REDACTED where the key means one."},
    "origin": _ORIGIN,
    "tag": nullable(TEXT),
}
SHAPES: Mapping[str, Shape] = {
    "Config": shape(key=TEXT, **_HELD),
    "ConfigPage": page_of("Config", TEXT),
    "ConfigCandidate": shape(**_HELD),
    "ExplainedConfig": shape(
        key=TEXT,
        **_HELD,
        candidates={**listed(ref("ConfigCandidate")), "description": "All under this key; the first one holds."},
    ),
    "WrittenConfig": shape(key=TEXT, type=_HELD["type"], tag=nullable(TEXT)),
    "Secret": shape(name=TEXT, origin=_ORIGIN, tag=nullable(TEXT)),
    "SecretPage": page_of("Secret", TEXT),
}
_KEY = path("key", "The config's key.")
_NAME = path("name", "The secret's name.")
_TAG = query("tag", "The MSP's organization only: the default of organizations with this tag.")
_DEFAULT = query("default", "The MSP's organization only: the default of all.", enum=["true"])
_GONE = {
    **{code: found for code, found in answered("Secret").items() if code != 200},
    204: OpenApiResponse(None, "Gone."),
}


def _request(properties: Mapping[str, Shape], name: str, example: Mapping[str, object]) -> dict[str, OpenApiRequest]:
    schema: Shape = {"type": "object", "properties": dict(properties), "required": ["value"]}
    closed = {**schema, "additionalProperties": False}
    return {"application/json": OpenApiRequest(closed, examples=[OpenApiExample(name, dict(example))])}


list_configs = extend_schema(
    operation_id="listConfigs",
    summary="Configs that hold",
    description="By key, each with where it comes from. Needs canViewConfig.",
    parameters=[ORGANIZATION],
    responses=answered("ConfigPage"),
)
get_config = extend_schema(
    operation_id="getConfig",
    summary="A config, and why it holds",
    description="With what it takes the place of. Needs canViewConfig.",
    parameters=[ORGANIZATION, _KEY],
    responses=answered("ExplainedConfig"),
)
put_config = extend_schema(
    operation_id="putConfig",
    summary="Set a config",
    description="Of the organization's own. Without a type, the value says which. Needs canManageConfig.",
    parameters=[ORGANIZATION, _KEY, _TAG],
    request=_request({"value": ANYTHING, "type": one_of(*Config.Type.values)}, "timeout", {"value": 30}),
    responses=answered("WrittenConfig"),
)
delete_config = extend_schema(
    operation_id="deleteConfig",
    summary="Remove a config",
    description="Of the organization's own; a default then holds. Needs canManageConfig.",
    parameters=[ORGANIZATION, _KEY, _TAG],
    responses=_GONE,
)
list_secrets = extend_schema(
    operation_id="listSecrets",
    summary="Names of secrets",
    description="Never a value. Needs canViewConfig.",
    parameters=[ORGANIZATION],
    responses=answered("SecretPage"),
)
put_secret = extend_schema(
    operation_id="putSecret",
    summary="Set or rotate a secret",
    description="It cannot be read back. For overlapHours workflows may still read the former value. Needs"
    " canManageSecrets.",
    parameters=[ORGANIZATION, _NAME, _TAG, _DEFAULT],
    request=_request(
        {"value": TEXT, "overlapHours": {**NUMBER, "minimum": 0, "maximum": 720}}, "rotation", {"value": "new"}
    ),
    responses=answered("Secret"),
)
delete_secret = extend_schema(
    operation_id="deleteSecret",
    summary="Remove a secret",
    description="With all its versions. Needs canManageSecrets.",
    parameters=[ORGANIZATION, _NAME, _TAG, _DEFAULT],
    responses=_GONE,
)
