"""What an organization sets about a schedule of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NoReturn, TypedDict

from django.core.exceptions import ValidationError as Invalid
from django.db import transaction

from bifrost.sdk import cron
from bifrost.sdk.errors import DeclarationError, PermissionError, ValidationError
from bifrost.sdk.specs import WorkflowSpec
from integrations.sealing import SealBroken, VaultUnavailable
from orgs import audit
from orgs.models import validate_timezone
from orgs.permissions import EXECUTE_WORKFLOWS
from orgs.records import COMMAND_LINE, Actor, OrganizationRecord
from orgs.tenancy import org_context, shared_context
from workflows_app import catalog
from workflows_app.dispatch import audiences
from workflows_app.dispatch.models import Missed, Overlap, Schedule
from workflows_app.dispatch.schedules import database_time
from workflows_app.errors import PlatformUnavailable, ScheduleOfAudience, UnknownSchedule
from workflows_app.models import ScheduleParameters
from workflows_app.schedules.enabling import MODE, crons, sync_audiences
from workflows_app.schedules.parameters import exact_values, stored, with_kept

FIELDS = ("enabled", "cron", "timezone", "overlap", "missed", "paused_until", "parameters")
NO_SCHEDULE = "This organization has no schedule of that workflow."
Problems = list[tuple[str, str]]


class Wish(TypedDict, total=False):
    """What is to be set; what is left out stays as it is. An empty cron or time zone: as the workflow and the
    organization say."""

    enabled: bool
    cron: str
    timezone: str
    overlap: str
    missed: str
    paused_until: datetime | None
    parameters: Mapping[str, Any]


def settle(organization: OrganizationRecord, workflow: str, wish: Wish, actor: Actor) -> None:
    """Makes or changes the organization's schedule of the workflow, which is its own from then on.

    Raises UnknownWorkflow, ValidationError that names every bad field, PermissionError where the actor may not run the
    workflow, and PlatformUnavailable where a parameter must be encrypted and the vault is away.
    """
    spec = _may_set(workflow, wish, actor)
    with org_context(organization), transaction.atomic():
        row = _locked(organization, workflow)
        enabled = wish.get("enabled", row.enabled)
        if "parameters" in wish or (enabled and not (row.enabled and row.effective)):
            _set_parameters(organization, spec, wish)
        _set_fields(row, wish, enabled)
        _audit(organization, workflow, actor, "schedule.set", dict(wish))
    with shared_context():
        audiences.follow(crons(), database_time(), row.id)


def check(organization: OrganizationRecord, workflow: str, wish: Wish, actor: Actor) -> dict[str, Any]:
    """Raises what `settle` would raise for what the wish says; writes nothing. The exact parameters that would hold,
    where it says some."""
    spec = _may_set(workflow, wish, actor)
    if "parameters" not in wish:
        return {}
    with org_context(organization):
        return _valid_parameters(organization, spec, wish)


def remove(organization: OrganizationRecord, workflow: str, actor: Actor = COMMAND_LINE) -> None:
    """Removes the organization's own schedule and its parameters; the history stays. Where an audience covers the
    organization, the audience's schedule takes its place.

    Raises UnknownSchedule, and ScheduleOfAudience for one that is the audience's already.
    """
    if "\0" in workflow:
        raise UnknownSchedule(NO_SCHEDULE)
    with org_context(organization), transaction.atomic():
        row = Schedule.objects.select_for_update().filter(organization=organization.id, workflow=workflow).first()
        if row is None:
            raise UnknownSchedule(NO_SCHEDULE)
        if row.by_audience:
            raise ScheduleOfAudience(
                "This schedule comes from an audience. To stop it for this organization, set enabled to false."
            )
        row.delete()
        ScheduleParameters.objects.filter(workflow=workflow).delete()
        _audit(organization, workflow, actor, "schedule.remove", {})
    sync_audiences()


def _audit(
    organization: OrganizationRecord, workflow: str, actor: Actor, operation: str, facts: dict[str, Any]
) -> None:
    """Parameters are the customer's: the log, which all organizations share, says only that there were some."""
    if "parameters" in facts:
        facts = {**facts, "parameters": "changed"}
    audit.record(actor, operation, organization=organization, target=f"schedule:{workflow}", metadata=facts)


def _locked(organization: OrganizationRecord, workflow: str) -> Schedule:
    """The organization's schedule, made where there is none; nobody else changes it until the transaction ends."""
    rows = Schedule.objects.select_for_update().filter(organization=organization.id, workflow=workflow)
    if (row := rows.first()) is not None:
        return row
    Schedule.objects.bulk_create([Schedule(organization=organization.id, workflow=workflow)], ignore_conflicts=True)
    return rows.get()


def _set_fields(row: Schedule, wish: Wish, enabled: bool) -> None:
    if enabled != row.enabled:
        # Times that came while it was off were not missed: it begins anew.
        row.enabled, row.next_run, row.effective, row.waiting, row.problem = enabled, None, "", False, ""
    for name in ("cron", "timezone", "overlap", "missed", "paused_until"):
        if name in wish:
            setattr(row, name, wish[name])
    row.by_audience = False
    row.save()


def _set_parameters(organization: OrganizationRecord, spec: WorkflowSpec, wish: Wish) -> None:
    values = _valid_parameters(organization, spec, wish)
    if "parameters" in wish:
        redacted, sealed = stored(organization, spec, values)
        changes = {"values": redacted, "values_sealed": sealed}
        ScheduleParameters.objects.update_or_create(workflow=spec.name, defaults=changes)


# --- What may be set -------------------------------------------------------------------------------------------------


def _may_set(workflow: str, wish: Wish, actor: Actor) -> WorkflowSpec:
    spec = catalog.find(workflow).spec
    if spec.execution_mode != MODE:
        message = f"The workflow {workflow!r} does not run on a schedule: its mode is {spec.execution_mode}."
        _refuse([("workflow", message)])
    # Whoever could not run it must not have it run by the clock, which may do everything.
    permission = spec.required_permission or EXECUTE_WORKFLOWS
    if not actor.can(permission):
        raise PermissionError(
            f"A schedule of {workflow!r} needs the permission {permission}.", required_role=permission
        )
    if problems := list(_field_problems(wish)):
        _refuse(problems)
    return spec


def _valid_parameters(organization: OrganizationRecord, spec: WorkflowSpec, wish: Wish) -> dict[str, Any]:
    """Those given, or where none are given those kept. Raises ValidationError for either."""
    kept = ScheduleParameters.objects.filter(workflow=spec.name).values_list("values", "values_sealed").first()
    values = _parameters(organization, wish, kept)
    if problems := _parameter_problems(spec, values):
        _refuse(problems)
    return values


def check_cron(text: str) -> None:
    """Raises DeclarationError for what is no cron expression; nothing at all is none of its own."""
    if text:
        cron.check(text)


def check_zone(name: str) -> None:
    """Raises Django's ValidationError for what is no time zone; nothing at all is the organization's."""
    if name:
        validate_timezone(name)


def _field_problems(wish: Wish) -> Iterator[tuple[str, str]]:
    checks: tuple[tuple[str, int, Callable[[str], None]], ...] = (
        ("cron", 100, check_cron),
        ("timezone", 64, check_zone),
    )
    for name, most, check in checks:
        text = str(wish.get(name, ""))
        if len(text) > most:
            yield name, f"It has more than {most} characters."
            continue
        try:
            check(text)
        except DeclarationError as error:
            yield name, str(error)
        except Invalid as error:
            yield name, error.messages[0]
    for name, words in (("overlap", Overlap.values), ("missed", Missed.values)):
        if name in wish and wish[name] not in words:  # type: ignore[literal-required]
            yield name, f"It has to be one of {', '.join(words)}."


def _parameters(organization: OrganizationRecord, wish: Wish, kept: tuple[Any, Any] | None) -> dict[str, Any]:
    """The exact values that are to hold: those given, or those kept."""
    redacted, sealed = kept or ({}, None)
    given = wish.get("parameters")
    if sealed is None:
        return dict(redacted if given is None else given)
    try:
        exact = exact_values(organization, redacted, sealed)
    except VaultUnavailable as error:
        raise PlatformUnavailable("The vault is away, and this schedule's parameters are encrypted.") from error
    except SealBroken:
        exact = {}
    return exact if given is None else {str(key): value for key, value in with_kept(given, redacted, exact).items()}


def _parameter_problems(spec: WorkflowSpec, values: Mapping[str, Any]) -> Problems:
    try:
        spec.validate(values)
    except ValidationError as invalid:
        errors = invalid.details.get("errors", [])
        return [
            (f"parameters.{error['field']}" if error["field"] else "parameters", error["message"]) for error in errors
        ]
    return []


def _refuse(problems: Problems) -> NoReturn:
    field, message = problems[0]
    errors = [{"field": name, "message": text} for name, text in problems]
    raise ValidationError(f"{field}: {message}", field=field, details={"errors": errors})
