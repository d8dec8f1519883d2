"""`manage.py workflows`: what the workspace offers, and what is wrong with it."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from itertools import groupby
from typing import IO, Any, cast

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bifrost.sdk.parameters import ParameterSpec
from workflows_app import catalog
from workflows_app.catalog import Catalog, LoadedWorkflow, Problem, categories

PIPE_WIDTH = 160  # a pipe has no width of its own, and 80 columns are too few for five


class Command(BaseCommand):
    help = "List the workflows of the workspace by category, then the files that do not load, with their tracebacks."
    # It reads the workspace alone: neither the database nor the vault has to be there.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="exit with status 1 if anything does not load")
        parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")

    def handle(self, *args: Any, **options: Any) -> None:
        found = catalog.refresh()
        if options["json"]:
            self.stdout.write(json.dumps(document(found), indent=2, ensure_ascii=False))
        else:
            width = None if self.stdout.isatty() else PIPE_WIDTH
            print_catalog(Console(file=cast(IO[str], self.stdout), width=width, highlight=False), found)
        if options["check"] and found.problems:
            sys.exit(1)


def document(found: Catalog) -> dict[str, Any]:
    """The catalog as JSON; parameters as JSON Schema."""
    return {
        "version": found.version,
        "workflows": [_workflow(loaded) for loaded in _in_order(found)],
        "problems": [_problem(problem) for problem in found.problems],
        "warnings": [_problem(warning) for warning in found.warnings],
    }


def print_catalog(console: Console, found: Catalog) -> None:
    """Workflows by category, then problems and warnings."""
    for category, group in groupby(_in_order(found), key=lambda loaded: loaded.spec.category):
        console.print(_table(categories.label(category), group))
    _print_problems(console, "Does not load", "red", found.problems)
    _print_problems(console, "Warnings", "yellow", found.warnings)
    counts = {
        "Workflows": found.workflows,
        "Data providers": found.data_providers,
        "Problems": found.problems,
        "Warnings": found.warnings,
    }
    console.print(". ".join(f"{what}: {len(which)}" for what, which in counts.items()) + ".")


def _in_order(found: Catalog) -> list[LoadedWorkflow]:
    return sorted(
        found.workflows.values(), key=lambda loaded: (categories.order(loaded.spec.category), loaded.spec.name)
    )


def _table(title: str, group: Iterable[LoadedWorkflow]) -> Table:
    table = Table(title=escape(title), title_justify="left")
    for heading in ("Name", "Mode", "Description", "Parameters", "File"):
        table.add_column(heading, overflow="fold")
    for loaded in group:
        spec = loaded.spec
        parameters = ", ".join(_parameter(parameter) for parameter in spec.parameters)
        cells = (spec.name, spec.execution_mode, spec.description, parameters, loaded.file)
        table.add_row(*(escape(cell) for cell in cells))
    return table


def _parameter(parameter: ParameterSpec) -> str:
    return f"{parameter.name}: {parameter.type}" if parameter.required else f"[{parameter.name}: {parameter.type}]"


def _print_problems(console: Console, title: str, colour: str, problems: Iterable[Problem]) -> None:
    for number, problem in enumerate(problems):
        if not number:
            console.print(f"[bold {colour}]{title}[/]")
        console.print(f"[{colour}]{escape(str(problem))}[/]", soft_wrap=True)
        if problem.traceback:
            console.print(escape(problem.traceback), soft_wrap=True)


def _workflow(loaded: LoadedWorkflow) -> dict[str, Any]:
    spec = loaded.spec
    return {
        "name": spec.name,
        "category": spec.category,
        "description": spec.description,
        "tags": list(spec.tags),
        "executionMode": spec.execution_mode,
        "schedule": spec.schedule,
        "file": loaded.file,
        "line": spec.line,
        "codeVersion": loaded.code_version,
        "parameters": spec.parameters_schema(),
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.file,
        "line": problem.line,
        "message": problem.message,
        "traceback": problem.traceback,
    }
