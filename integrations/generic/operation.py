"""One operation of a service: its arguments checked, and made into a request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bifrost.sdk.errors import ConfigurationError, ValidationError
from integrations.generic.schema import Resolve, problems
from integrations.paths import segment

_BORDER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake_case(name: str) -> str:
    """`listPets`, `List-Pets` and `list.pets` are all list_pets."""
    return re.sub(r"[^a-z0-9]+", "_", _BORDER.sub("_", name).lower()).strip("_")


@dataclass(frozen=True, eq=False)
class Parameter:
    """`place`: path, query, header or cookie. `repeated`: a list is sent as the name once for each item."""

    name: str
    place: str
    required: bool
    schema: Any
    repeated: bool = True

    @property
    def argument(self) -> str:
        return snake_case(self.name)


@dataclass
class Request:
    path: str
    query: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None


@dataclass(frozen=True)
class Operation:
    """`body`: the schema of its JSON body, None where it has none; `other_body`: it has one that is not JSON."""

    method: str
    path: str
    summary: str
    parameters: tuple[Parameter, ...]
    body: Any = None
    body_required: bool = False
    other_body: bool = False

    @property
    def endpoint(self) -> str:
        """What the record calls it."""
        return re.sub(r"\{[^}]*\}", "{id}", self.path)

    def request(self, arguments: Mapping[str, Any], resolve: Resolve) -> Request:
        """Raises ValidationError that names every argument which is unknown, missing or of a wrong type."""
        if self.other_body:
            raise ConfigurationError(f"{self.method} {self.path} takes a body that is not JSON, which is not supported")
        given = self._by_parameter(arguments)
        self._check(given, arguments, resolve)
        request = Request(self.path, body=arguments.get("body") if self.body is not None else None)
        for parameter, value in given.items():
            _place(request, parameter, value)
        return request

    def _by_parameter(self, arguments: Mapping[str, Any]) -> dict[Parameter, Any]:
        """Those that are given, by the name in snake_case or the service's own; None is as if not given."""
        found = {}
        for parameter in self._known():
            for name in (parameter.name, parameter.argument):
                if arguments.get(name) is not None:
                    found[parameter] = arguments[name]
        return found

    def _known(self) -> list[Parameter]:
        return [each for each in self.parameters if each.place in {"path", "query", "header"}]

    def _check(self, given: Mapping[Parameter, Any], arguments: Mapping[str, Any], resolve: Resolve) -> None:
        names = {name for each in self._known() for name in (each.name, each.argument)}
        wrong = {
            name: f"{name} is no argument of it"
            for name in arguments
            if name not in names and not (name == "body" and self.body is not None)
        }
        for parameter in self._known():
            if parameter in given:
                found = problems(parameter.schema, given[parameter], parameter.argument, resolve)
            else:
                found = [f"{parameter.argument} is missing"] if parameter.required else []
            if found:
                wrong[parameter.argument] = found[0]
        if self.body is not None and arguments.get("body") is not None:
            wrong.update({each.split(" ")[0]: each for each in problems(self.body, arguments["body"], "body", resolve)})
        elif self.body_required:
            wrong["body"] = "body is missing"
        if wrong:
            raise ValidationError(
                f"{self.method} {self.path}: {'; '.join(wrong.values())}",
                field=next(iter(wrong)),
                errors=[{"field": name, "message": message} for name, message in wrong.items()],
            )


def _place(request: Request, parameter: Parameter, value: Any) -> None:
    if parameter.place == "path":
        parts = value if isinstance(value, list | tuple) else [value]
        text = ",".join(segment(_text(each), parameter.argument) for each in parts)
        request.path = request.path.replace(f"{{{parameter.name}}}", text)
    elif parameter.place == "header":
        request.headers[parameter.name] = _header(_joined(value), parameter.argument)
    elif isinstance(value, Mapping):
        raise ConfigurationError(f"{parameter.argument}: objects in a query are not supported")
    elif isinstance(value, list | tuple) and parameter.repeated:
        request.query[parameter.name] = [_text(each) for each in value]
    else:
        request.query[parameter.name] = _joined(value)


def _joined(value: Any) -> str:
    return ",".join(map(_text, value)) if isinstance(value, list | tuple) else _text(value)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _header(text: str, argument: str) -> str:
    if not (text.isascii() and text.isprintable()):
        raise ValidationError(f"{argument}: a header holds only printable ASCII", field=argument)
    return text
