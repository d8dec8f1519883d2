"""From what the decorators noted to checked specs, collecting everything that is wrong on the way."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bifrost.sdk.checking import CheckSpec, checks_of
from bifrost.sdk.declarations import MISSING, Declaration, Declared
from bifrost.sdk.errors import DeclarationError
from bifrost.sdk.parameters import ParameterSpec
from bifrost.sdk.recovery import Recovery
from bifrost.sdk.retry import RetryPolicy
from bifrost.sdk.signature import Input, Inputs, inputs_of, shape_of_input
from bifrost.sdk.specs import DataProviderSpec, WorkflowSpec

MODES = ("sync", "async", "scheduled")
DEFAULT_TIMEOUT = 300
SYNC_LIMIT = 30
MAX_NAME = 100
REFRESH = "refresh"
_SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@dataclass(frozen=True)
class Problem:
    """Why something that was declared cannot be used."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


@dataclass
class _Report:
    """What is found about one function; `subject` begins each message."""

    subject: str
    file: str
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def problem(self, line: int, message: str) -> None:
        self.problems.append(Problem(self.file, line, f"{self.subject}: {message}"))


def build_workflow(function: Callable[..., Any], declaration: Declaration) -> tuple[WorkflowSpec | None, list[Problem]]:
    """The workflow, or None and what is wrong with it."""
    declared = declaration.workflows[-1]
    arguments = dict(declared.arguments)
    arguments["name"] = name = arguments["name"] if arguments["name"] is not None else function.__name__
    report = _Report(f'workflow "{name}"', _file(function))
    if len(declaration.workflows) > 1:
        report.problem(declared.line, "is declared twice")
    _check_texts(arguments, declared.line, report)
    _check_flags(arguments, declared.line, report)
    arguments.update(_times(arguments, declared.line, report))
    parameters = _parameters(function, declaration, report)
    _check_mode(arguments, parameters, declared.line, report)
    arguments["checks"] = _checks(arguments["checks"], parameters, declared.line, report)
    _warn(declared.arguments["timeout_seconds"], arguments, report)
    if report.problems:
        return None, report.problems
    arguments["tags"] = tuple(arguments["tags"])
    arguments["description"] = _description(function, arguments["description"])
    return WorkflowSpec(
        **arguments,
        parameters=tuple(parameters),
        function=function,
        is_async=_is_async(function),
        file=report.file,
        line=line_of(function),
        warnings=tuple(report.warnings),
    ), []


def build_data_provider(
    function: Callable[..., Any], declaration: Declaration
) -> tuple[DataProviderSpec | None, list[Problem]]:
    """The data provider, or None and what is wrong with it."""
    declared = declaration.data_providers[-1]
    arguments = dict(declared.arguments)
    arguments["name"] = name = arguments["name"] if arguments["name"] is not None else function.__name__
    report = _Report(f'data provider "{name}"', _file(function))
    if len(declaration.data_providers) > 1:
        report.problem(declared.line, "is declared twice")
    for param in declaration.params:
        report.problem(param.line, "a data provider has no @param: its arguments are the fields it depends on")
    _check_texts(arguments, declared.line, report)
    lifetime = arguments["cache_ttl_seconds"]
    if isinstance(lifetime, bool) or not isinstance(lifetime, int) or lifetime < 0:
        report.problem(declared.line, "cache_ttl_seconds must be a whole number of at least 0")
    found = [_from_hint(function, each, report) for each in _inputs(function, report).named]
    _warn_name(name, report)
    if any(each is not None and each.name == REFRESH for each in found):
        report.warnings.append(f'the API cannot give an input "{REFRESH}": there it asks for newer options')
    if report.problems:
        return None, report.problems
    arguments["description"] = _description(function, arguments["description"])
    return DataProviderSpec(
        **arguments,
        function=function,
        is_async=_is_async(function),
        file=report.file,
        line=line_of(function),
        parameters=tuple(each for each in found if each is not None),
        warnings=tuple(report.warnings),
    ), []


def line_of(function: Callable[..., Any]) -> int:
    """The line where the function begins, its first decorator included."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code.co_firstlineno if code else 0


def _file(function: Callable[..., Any]) -> str:
    code = getattr(inspect.unwrap(function), "__code__", None)
    return str(code.co_filename) if code else str(getattr(function, "__module__", ""))


def _is_async(function: Callable[..., Any]) -> bool:
    # A plain wrapper of a coroutine function hands its coroutine on.
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(inspect.unwrap(function))


def _description(function: Callable[..., Any], given: str | None) -> str:
    if given is not None:
        return given
    return (inspect.getdoc(function) or "").partition("\n")[0].strip()


def _check_texts(arguments: dict[str, Any], line: int, report: _Report) -> None:
    name = arguments["name"]
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME or name != name.strip() or not name.isprintable():
        report.problem(line, f"the name must be text of 1 to {MAX_NAME} characters")
    elif "/" in name:
        report.problem(line, "the name must not have a slash: it is part of an address")
    if not isinstance(arguments["description"], (str, type(None))):
        report.problem(line, "the description must be text")
    if not isinstance(arguments["category"], str) or not arguments["category"]:
        report.problem(line, "the category must be text")


def _check_flags(arguments: dict[str, Any], line: int, report: _Report) -> None:
    for flag in (
        "requires_org",
        "expose_in_forms",
        "requires_approval",
        "webhook_enabled",
        "webhook_secret_required",
    ):
        if not isinstance(arguments[flag], bool):
            report.problem(line, f"{flag} must be True or False")
    tags = arguments["tags"]
    if not isinstance(tags, (list, tuple, set, frozenset)) or not all(isinstance(tag, str) for tag in tags):
        report.problem(line, "tags must be a list of texts")
    if not isinstance(arguments["required_permission"], str) or not arguments["required_permission"]:
        report.problem(line, "required_permission must be the name of a permission")


def _times(arguments: dict[str, Any], line: int, report: _Report) -> dict[str, Any]:
    """The retry policy and both limits, with what follows from the others where one was not given."""
    policy, recovery = _policies(arguments, line, report)
    timeout, longest = arguments["timeout_seconds"], arguments["max_duration_seconds"]
    for name, value in (("timeout_seconds", timeout), ("max_duration_seconds", longest)):
        if value is not None and not _is_duration(value):
            report.problem(line, f"{name} must be a number of seconds above 0")
            return {}
    timeout = DEFAULT_TIMEOUT if timeout is None else timeout
    if longest is None:
        longest = timeout * (policy.max_attempts if policy else 1)
    elif longest < timeout:
        report.problem(line, f"max_duration_seconds ({longest}) is less than timeout_seconds ({timeout})")
    return {
        "retry_policy": policy,
        "recovery": recovery,
        "timeout_seconds": timeout,
        "max_duration_seconds": longest,
    }


def _policies(arguments: dict[str, Any], line: int, report: _Report) -> tuple[RetryPolicy | None, Recovery | None]:
    try:
        given = arguments["retry_policy"]
        policy = None if given is None else RetryPolicy.parse(given)
        recovery = Recovery.parse(arguments["recovery"], arguments.pop("compensation"))
    except DeclarationError as error:
        report.problem(line, str(error))
        return None, None
    return (policy if recovery is None else recovery.policy(policy)), recovery


def _is_duration(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < float("inf")


def _check_mode(arguments: dict[str, Any], parameters: list[ParameterSpec], line: int, report: _Report) -> None:
    mode, schedule = arguments["execution_mode"], arguments["schedule"]
    if mode not in MODES:
        report.problem(line, f"execution_mode {mode!r} is none of {', '.join(MODES)}")
    if schedule is not None:
        _check_schedule(schedule, line, report)
    if mode != "scheduled":
        return
    if schedule is None:
        report.problem(line, 'execution_mode="scheduled" needs a schedule, a cron expression')
    required = [parameter.name for parameter in parameters if parameter.required]
    if required:
        report.problem(line, f"a scheduled workflow cannot have required parameters: {', '.join(required)}")


def _check_schedule(schedule: object, line: int, report: _Report) -> None:
    # Imported here because croniter takes longer to import than the SDK, and few workspaces' files have a
    # schedule.
    from bifrost.sdk import cron

    try:
        cron.check(schedule)
    except DeclarationError as error:
        report.problem(line, str(error))


def _checks(given: Any, parameters: list[ParameterSpec], line: int, report: _Report) -> tuple[CheckSpec, ...]:
    try:
        return checks_of(given, [parameter.name for parameter in parameters])
    except DeclarationError as error:
        report.problem(line, str(error))
        return ()


def _warn(timeout: object, arguments: dict[str, Any], report: _Report) -> None:
    _warn_name(arguments["name"], report)
    mode = arguments["execution_mode"]
    if mode == "sync" and isinstance(timeout, (int, float)) and timeout > SYNC_LIMIT:
        report.warnings.append(f"a sync workflow is stopped after {SYNC_LIMIT} seconds: timeout_seconds is {timeout}")
    if mode != "scheduled" and arguments["schedule"] is not None:
        report.warnings.append(f'schedule counts only with execution_mode="scheduled", not "{mode}"')
    if arguments["webhook_enabled"] is True and arguments["webhook_secret_required"] is False:
        report.warnings.append("anybody who knows its address can start it: webhook_secret_required is False")


def _warn_name(name: object, report: _Report) -> None:
    if isinstance(name, str) and not _SNAKE_CASE.fullmatch(name):
        report.warnings.append(f'the name "{name}" is not snake_case')


def _inputs(function: Callable[..., Any], report: _Report) -> Inputs:
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        report.problem(line_of(function), "the function must return its result, not yield it")
    try:
        return inputs_of(function)
    except DeclarationError as error:
        report.problem(line_of(function), str(error))
        return Inputs((), True)


def _parameters(function: Callable[..., Any], declaration: Declaration, report: _Report) -> list[ParameterSpec]:
    """In the signature's order, then what only @param names, in the order of the file."""
    inputs = _inputs(function, report)
    declared = _declared_by_name(declaration, inputs, report)
    parameters = []
    for found in inputs.named:
        param = declared.pop(found.name, None)
        parameters.append(_from_param(param, found, report) if param else _from_hint(function, found, report))
    parameters += [_from_param(param, None, report) for param in declared.values()]
    return [parameter for parameter in parameters if parameter is not None]


def _declared_by_name(declaration: Declaration, inputs: Inputs, report: _Report) -> dict[str, Declared]:
    declared: dict[str, Declared] = {}
    # Decorators are applied from the lowest to the highest.
    for param in reversed(declaration.params):
        name = param.arguments["name"]
        if not inputs.takes(name):
            report.problem(param.line, f'parameter "{name}" is not taken by the function')
        elif name in declared:
            report.problem(param.line, f'parameter "{name}" is declared twice')
        else:
            declared[name] = param
    return declared


def _from_param(param: Declared, found: Input | None, report: _Report) -> ParameterSpec | None:
    arguments = dict(param.arguments)
    default = arguments.pop("default_value")
    if default is MISSING and found is not None:
        default = found.default
    validation = arguments.pop("validation")
    label = arguments.pop("label") or ""
    try:
        return ParameterSpec(
            **arguments, default=default, validation={} if validation is None else validation, label=label
        )
    except DeclarationError as error:
        report.problem(param.line, f'parameter "{param.arguments["name"]}" {error}')
        return None


def _from_hint(function: Callable[..., Any], found: Input, report: _Report) -> ParameterSpec | None:
    try:
        shape = shape_of_input(function, found)
        required = found.default is MISSING and not shape.nullable
        return ParameterSpec(found.name, shape.kind, required=required, default=found.default, shape=shape)
    except DeclarationError as error:
        report.problem(line_of(function), f'parameter "{found.name}" {error}')
        return None
