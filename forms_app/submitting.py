"""From a filled-in form to an execution: one for each submission, however often it is sent.

The submission's row is written before the execution and linked to it afterwards. Where a process is killed in between,
the next click finds the row, and the execution by its idempotency key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction

from bifrost.sdk.errors import PermissionError as PermissionDenied
from bifrost.sdk.tolerant import JSON, plain
from forms_app import labels
from forms_app.catalog import FormRecord
from forms_app.errors import SubmissionTaken
from forms_app.labels import Labels
from forms_app.models import FormVersion, Submission
from forms_app.uploads import with_files, without_ids
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from workflows_app import catalog as workspace
from workflows_app import executions, tidings
from workflows_app.actors import actor_key, person
from workflows_app.catalog import LoadedWorkflow
from workflows_app.checks.running import Finding, require_none_blocks, run_checks
from workflows_app.enabled import is_enabled
from workflows_app.errors import IdempotencyConflict, PlatformUnavailable
from workflows_app.executions import Outcome, Start
from workflows_app.following import outcome_of
from workflows_app.models import Status
from workflows_app.permissions import needed_to_start, require_exposed
from workflows_app.providers.checking import Chosen, check_options

WARN = "warn"
# What the answer itself tells is not told once more; what did not work is, since somebody has to see to it.
SAID_AT_ONCE = frozenset({Status.SUCCESS, Status.COMPLETED_WITH_ERRORS})
TAKEN = "This was submitted already. Open the form once more to submit something else."


@dataclass(frozen=True, slots=True)
class Submitted:
    """`outcome` is None where nothing was started, because the findings hold warnings that nobody has confirmed."""

    outcome: Outcome | None
    findings: tuple[Finding, ...]
    submission_id: UUID


@dataclass(frozen=True, slots=True)
class _Wish:
    """One use of a form by somebody. `digest` is that of the values as they were given, `labels` those to be kept."""

    organization: OrganizationRecord
    actor: Actor
    form: FormRecord
    id: UUID
    digest: str
    labels: Labels = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Given:
    """What the workflow gets by the values of a form, what was chosen among options, and the labels to be kept."""

    parameters: Mapping[str, JSON]
    chosen: Sequence[Chosen]
    labels: Labels


def _freely(*, starting: bool) -> None:
    """Most submissions count against no limit."""


class Admit(Protocol):
    """Asked once the values are known to be good, before checks cost anything, and again when it is about to start.
    What it raises is the answer."""

    def __call__(self, *, starting: bool) -> None: ...


def submit(
    organization: OrganizationRecord,
    actor: Actor,
    form: FormRecord,
    values: Mapping[str, Any],
    submission_id: UUID,
    *,
    confirmed: bool = False,
    admit: Admit = _freely,
) -> Submitted:
    """Checks the values and starts the form's workflow. The same id with the same values answers with the same run.

    `confirmed`: warnings were shown, and it is meant so. Raises ValidationError with one entry for each bad field, or
    with the `checks` that block it; SubmissionTaken for an id that was used otherwise; PermissionError where the
    workflow is not open to forms or not to this actor; ProviderFailed; and what `executions.submit` raises.
    """
    wish = _Wish(organization, actor, form, submission_id, _digest(form, values))
    if (earlier := _earlier(wish)) is not None:
        return Submitted(earlier, (), submission_id)
    loaded = _workflow(organization, form, actor)
    given = _checked(organization, actor, form, loaded, values)
    wish = replace(wish, labels=given.labels)
    admit(starting=False)
    found = tuple(run_checks(organization, loaded, loaded.spec.validate(given.parameters), actor))
    require_none_blocks(found)
    if not confirmed and any(finding.level == WARN for finding in found):
        return Submitted(None, found, submission_id)
    admit(starting=True)
    if (earlier := _claim(wish)) is not None:
        return Submitted(earlier, found, submission_id)
    return Submitted(_start(wish, given), found, submission_id)


def run_checks_for(
    organization: OrganizationRecord, actor: Actor, form: FormRecord, values: Mapping[str, Any]
) -> list[Finding]:
    """What the workflow's checks say of these values. Raises as `submit` does, but for what blocks."""
    loaded = _workflow(organization, form, actor)
    given = _checked(organization, actor, form, loaded, values)
    return list(run_checks(organization, loaded, loaded.spec.validate(given.parameters), actor))


def _workflow(organization: OrganizationRecord, form: FormRecord, actor: Actor) -> LoadedWorkflow:
    loaded = workspace.current().workflows.get(form.workflow)
    if loaded is None:
        raise PlatformUnavailable("This form cannot be submitted now: what it starts is not there.")
    require_exposed(loaded.spec)
    if not is_enabled(organization, form.workflow):
        raise PermissionDenied("What this form starts is switched off for this organization.")
    if not actor.can(permission := needed_to_start(loaded.spec, by_form=True)):
        raise PermissionDenied(f"Submitting this form needs the permission {permission}.", required_role=permission)
    return loaded


def _checked(
    organization: OrganizationRecord,
    actor: Actor,
    form: FormRecord,
    loaded: LoadedWorkflow,
    values: Mapping[str, Any],
) -> _Given:
    """What these values give to the workflow, once they are known to be good."""
    if isinstance(values, Mapping):
        values = with_files(organization, actor, form.definition, values)
    checked = form.definition.validate(values)
    parameters = form.definition.sent(checked)
    loaded.spec.validate(parameters)
    secret = {parameter.name for parameter in loaded.spec.parameters if parameter.type == "secret"}
    chosen = list(labels.chosen_in(form.definition, checked))
    found = check_options(organization, chosen)
    return _Given(parameters, chosen, labels.kept(form.definition, secret, found))


# --- one execution for each submission -------------------------------------------------------------------------------


def _earlier(wish: _Wish) -> Outcome | None:
    """What became of this submission, where it was started before. Raises SubmissionTaken for another use of its id."""
    with org_context(wish.organization):
        row = Submission.objects.filter(id=wish.id).values("actor", "form", "digest", "execution").first()
    if row is None:
        return None
    if (row["actor"], row["form"]) != (actor_key(wish.actor), wish.form.id):
        raise SubmissionTaken(TAKEN)
    if row["execution"] is None:
        return None
    if row["digest"] != wish.digest:
        raise SubmissionTaken(TAKEN, {"executionId": str(row["execution"])})
    try:
        return outcome_of(wish.organization, row["execution"])
    except ObjectDoesNotExist:  # it is so old that its record went
        raise SubmissionTaken(TAKEN) from None


def _claim(wish: _Wish) -> Outcome | None:
    """Writes the submission, with the version that was filled in where that is the MSP's.

    Returns what became of it where another click was faster. Raises SubmissionTaken.
    """
    form, key = wish.form, actor_key(wish.actor)
    written = {"version_id": form.version_id, "digest": wish.digest, "labels": wish.labels}
    facts = {"form": form.id, "slug": form.slug, "name": form.name, "actor": key}
    with org_context(wish.organization), transaction.atomic():
        if form.shared:
            FormVersion.objects.bulk_create([_copy(form)], ignore_conflicts=True)
        new = Submission(id=wish.id, submitted_by=person(wish.actor), **facts, **written)
        Submission.objects.bulk_create([new], ignore_conflicts=True)
        own = Submission.objects.filter(id=wish.id, actor=key, form=form.id, execution=None)
        if own.update(**written):
            if wish.actor.kind == "user":
                tidings.note(wish.organization, tidings.Kind.REQUEST, wish.id)
            return None
    return _earlier(wish)


def _copy(form: FormRecord) -> FormVersion:
    """The MSP's version for the organization that used it, which need not know who of the MSP saved it."""
    return FormVersion(
        id=form.version_id,
        form=form.id,
        number=form.version,
        items=form.definition.as_json(),
        submit_label=form.submit_label,
        confirmation=form.confirmation,
        saved_by={"kind": "system", "id": "msp", "email": "", "name": ""},
    )


def _start(wish: _Wish, given: _Given) -> Outcome:
    start = Start(
        organization=wish.organization,
        workflow=wish.form.workflow,
        parameters=given.parameters,
        actor=wish.actor,
        trigger={"type": "form", "formId": str(wish.form.id), "submissionId": str(wish.id)},
        idempotency_key=f"form:{wish.id}",
        key_lifetime=None,
        checked=True,
        chosen=given.chosen,
    )
    try:
        outcome = executions.submit(start)
    except IdempotencyConflict as conflict:
        return _faster(wish, conflict)
    # What was started counts, also where a slower click with other values has written them to the row meanwhile.
    execution = UUID(outcome.execution_id)
    with org_context(wish.organization), transaction.atomic():
        Submission.objects.filter(id=wish.id).update(
            execution=execution, digest=wish.digest, version_id=wish.form.version_id, labels=wish.labels
        )
        if outcome.status in SAID_AT_ONCE:
            tidings.forget(wish.id)
        else:
            tidings.started(wish.id, execution)
    return outcome


def _faster(wish: _Wish, conflict: IdempotencyConflict) -> Outcome:
    """Another click of the same page started it: with the same files, uploaded once more, or with other values."""
    if (earlier := _earlier(wish)) is not None:
        return earlier
    raise SubmissionTaken(TAKEN, conflict.details) from conflict


def _digest(form: FormRecord, values: Mapping[str, Any]) -> str:
    given = plain(without_ids(form.definition, values) if isinstance(values, Mapping) else values)
    return hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()
