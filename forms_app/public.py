"""Links by which strangers fill in a form: signed, limited in time and number, off until somebody opens one.

A link names the organization, the form and the round of its links; opening or ending one begins a new round, so that
earlier links are dead. Whatever is wrong with a link, it answers like a form that does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core import signing
from django.db import transaction
from django.utils import timezone

from bifrost.sdk.errors import DeclarationError
from bifrost.sdk.rate_limit import RateLimit
from forms_app.catalog import FormRecord, own_form
from forms_app.errors import TooManySubmissions, UnknownForm
from forms_app.fitting import require_fit, require_public
from forms_app.models import Form, FormVersion
from forms_app.submitting import Submitted, submit
from integrations import rates
from orgs import audit, directory
from orgs.models import Organization
from orgs.permissions import SUBMIT_FORMS
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.executions import Outcome
from workflows_app.inputs.definition import Definition

SALT = "bifrost.forms.public"
LONGEST_TOKEN = 300
HOUR_SECONDS = 3600.0
MOST_PER_HOUR = 1_000
# So often may strangers have their values checked for each submission: checks may ask outside services.
LOOKS = 10


def open_link(
    organization: OrganizationRecord, form_id: UUID, actor: Actor, *, until: datetime, per_hour: int = 20
) -> str:
    """A new link's token, good until then; earlier links end.

    Raises UnknownForm, and DeclarationError where the time is past, or for a form that strangers cannot fill in: one
    with options of data providers or with files, or whose workflow asks for a permission.
    """
    if until <= timezone.now():
        raise DeclarationError("A public link has to end at a time to come.")
    if not 1 <= per_hour <= MOST_PER_HOUR:
        raise DeclarationError(f"A public link takes 1 to {MOST_PER_HOUR:,} submissions an hour.")
    with org_context(organization), transaction.atomic():
        form = _locked(form_id)
        items = FormVersion.objects.values_list("items", flat=True).get(form=form.id, number=form.version)
        require_fit(form.workflow, Definition.read(items), public=True)
        form.public_until, form.public_per_hour = until, per_hour
        facts = {"until": until.isoformat(), "perHour": per_hour}
        _begin_round(organization, form, actor, "form.open_link", facts)
        return _token(organization, form.id, form.public_round)


def end_link(organization: OrganizationRecord, form_id: UUID, actor: Actor) -> None:
    """No link of the form works any more. Raises UnknownForm."""
    with org_context(organization), transaction.atomic():
        form = _locked(form_id)
        form.public_until = None
        _begin_round(organization, form, actor, "form.end_link", {})


def token_of(organization: OrganizationRecord, form_id: UUID) -> str | None:
    """That of the link which works now; None where none does. Raises UnknownForm."""
    row = _row(organization, form_id)
    if row["public_until"] is None or row["public_until"] <= timezone.now():
        return None
    return _token(organization, form_id, row["public_round"])


def form_of(token: str) -> tuple[OrganizationRecord, FormRecord]:
    """The form that a link leads to, and whose it is. Raises UnknownForm, whatever the reason."""
    organization, form_id, round_ = _said(token)
    row = _row(organization, form_id)
    if row["public_round"] != round_ or row["public_until"] is None or row["public_until"] <= timezone.now():
        raise UnknownForm
    form = own_form(organization, form_id)
    try:
        require_public(form.definition)
    except DeclarationError:
        raise UnknownForm from None
    return organization, form


def submit_public(token: str, values: Mapping[str, Any], submission_id: UUID, *, confirmed: bool = False) -> Submitted:
    """As `submitting.submit`, for a stranger, who learns that it was taken and nothing of what comes of it.

    Raises UnknownForm, TooManySubmissions, and the same as `submit`.
    """
    organization, form = form_of(token)
    per_hour = _row(organization, form.id)["public_per_hour"]

    def admit(*, starting: bool) -> None:
        name, most = ("form", per_hour) if starting else ("form checks", per_hour * LOOKS)
        limit = RateLimit(f"public {name} {form.id}", max(1, min(most, MOST_PER_HOUR)), HOUR_SECONDS)
        if seconds := rates.take(organization, limit, reserve=False):
            raise TooManySubmissions(seconds)

    done = submit(organization, stranger(form), form, values, submission_id, confirmed=confirmed, admit=admit)
    if done.outcome is None:
        return done
    return Submitted(Outcome(done.outcome.execution_id, done.outcome.status), done.findings, submission_id)


def stranger(form: FormRecord) -> Actor:
    """Whoever holds the link."""
    return Actor("public", str(form.id), "", "Public link", frozenset({SUBMIT_FORMS}))


def _token(organization: OrganizationRecord, form_id: UUID, round_: int) -> str:
    return signing.Signer(salt=SALT).sign_object([organization.id.hex, form_id.hex, round_])


def _said(token: str) -> tuple[OrganizationRecord, UUID, int]:
    """What a token of ours names, where that organization's doors are open. Raises UnknownForm."""
    try:
        if len(token) > LONGEST_TOKEN:
            raise UnknownForm
        organization_id, form_id, round_ = signing.Signer(salt=SALT).unsign_object(token)
    except signing.BadSignature:
        raise UnknownForm from None
    organization = directory.organization_by_id(UUID(organization_id))
    if organization is None or organization.status != Organization.Status.ACTIVE or not organization.ready:
        raise UnknownForm
    return organization, UUID(form_id), int(round_)


def _row(organization: OrganizationRecord, form_id: UUID) -> dict[str, Any]:
    names = ("public_until", "public_round", "public_per_hour")
    with org_context(organization):
        row = Form.objects.filter(id=form_id).values(*names).first()
    if row is None:
        raise UnknownForm
    return dict(row)


def _locked(form_id: UUID) -> Form:
    form = Form.objects.select_for_update().filter(id=form_id).first()
    if form is None:
        raise UnknownForm
    return form


def _begin_round(
    organization: OrganizationRecord, form: Form, actor: Actor, operation: str, facts: Mapping[str, Any]
) -> None:
    form.public_round += 1
    form.save(update_fields=["public_until", "public_per_hour", "public_round"])
    target = f"form:{form.id}"
    audit.record(actor, operation, organization=organization, target=target, metadata={"slug": form.slug, **facts})
