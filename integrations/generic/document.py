"""An OpenAPI 3 document: its operations by name, its references followed, and where its service is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urljoin

from bifrost.sdk.errors import ConfigurationError
from integrations.generic.operation import Operation, Parameter, snake_case

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_MOST_REFERENCES = 50
_VARIABLE = re.compile(r"\{([^}]*)\}")


class Document:
    """Raises ConfigurationError for what is no OpenAPI 3 document, or refers to other documents."""

    def __init__(self, content: Mapping[str, Any], url: str = "") -> None:
        version = str(content.get("openapi", "")) if isinstance(content, Mapping) else ""
        if not version.startswith("3.") or not isinstance(content.get("paths"), Mapping):
            raise ConfigurationError("This is no OpenAPI 3 document: it needs `openapi: 3.x` and `paths`")
        self.url = url
        self._content = content
        self.operations = self._read_operations()

    @classmethod
    def parse(cls, text: str, url: str = "") -> Document:
        try:
            return cls(json.loads(text), url)
        except ValueError as error:
            raise ConfigurationError("The OpenAPI document is not JSON") from error

    def server(self) -> str:
        """The first server, its variables at their defaults; "" where the document names none."""
        servers = self._content.get("servers") or [{}]
        variables = servers[0].get("variables") or {}
        address = _VARIABLE.sub(
            lambda found: str(variables.get(found[1], {}).get("default", "")), servers[0].get("url", "")
        )
        return urljoin(self.url, address) if self.url else address

    def resolve(self, node: Any) -> Any:
        """The node itself, or what it refers to inside of this document."""
        for _ in range(_MOST_REFERENCES):
            if not isinstance(node, Mapping) or "$ref" not in node:
                return node
            node = self._pointed_at(str(node["$ref"]))
        raise ConfigurationError("References of the OpenAPI document lead in a circle")

    def _pointed_at(self, reference: str) -> Any:
        if not reference.startswith("#/"):
            raise ConfigurationError(
                f"The OpenAPI document refers to {reference}; only references inside of it are followed"
            )
        node: Any = self._content
        for part in reference[2:].split("/"):
            key = unquote(part).replace("~1", "/").replace("~0", "~")
            if not isinstance(node, Mapping) or key not in node:
                raise ConfigurationError(f"The OpenAPI document refers to {reference}, which it does not have")
            node = node[key]
        return node

    def _read_operations(self) -> dict[str, Operation]:
        found: dict[str, Operation] = {}
        for path, given in self._content["paths"].items():
            item = self.resolve(given)
            for method in METHODS:
                if method in item:
                    operation = self._operation(method, path, item, item[method])
                    # Two of one name: the later has the name that it would have without one.
                    name = snake_case(str(item[method].get("operationId") or f"{method} {path}"))
                    found[name if name not in found else snake_case(f"{method} {path}")] = operation
        return found

    def _operation(self, method: str, path: str, item: Mapping[str, Any], declared: Mapping[str, Any]) -> Operation:
        given = [self.resolve(each) for each in (*item.get("parameters", ()), *declared.get("parameters", ()))]
        # An operation's own take the place of its path's.
        parameters = {(each["in"], each["name"]): _parameter(each) for each in given}
        body = self.resolve(declared.get("requestBody")) or {}
        schema = next(
            (kind.get("schema", {}) for name, kind in body.get("content", {}).items() if "json" in name), None
        )
        return Operation(
            method=method.upper(),
            path=path,
            summary=str(declared.get("summary") or declared.get("description") or ""),
            parameters=tuple(parameters.values()),
            body=schema,
            body_required=bool(body.get("required")),
            other_body=bool(body) and schema is None,
        )


def _parameter(declared: Mapping[str, Any]) -> Parameter:
    form = declared.get("style", "form") == "form"
    return Parameter(
        name=declared["name"],
        place=declared["in"],
        required=bool(declared.get("required")) or declared["in"] == "path",
        schema=declared.get("schema", {}),
        repeated=bool(declared.get("explode", form)),
    )
