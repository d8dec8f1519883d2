"""What people do about an alert: say that they look after it, and that it is over."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from orgs import audit
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.actors import person
from workflows_app.alerts.models import Alert
from workflows_app.dispatch.models import OpenAlert
from workflows_app.errors import AlreadyHandled, UnknownAlert
from workflows_app.serializers import timestamp

NO_ALERT = "There is no such alert."
State = Alert.State


def acknowledge(organization: OrganizationRecord, alert: UUID, actor: Actor) -> None:
    """It leaves the list of open ones; while it is not resolved, raising it again sends nothing.

    Raises UnknownAlert, and AlreadyHandled where somebody was faster.
    """
    changes = {"state": State.ACKNOWLEDGED, "acknowledged_at": Now(), "acknowledged_by": person(actor)}
    _move(organization, alert, (State.OPEN,), changes, actor, "alert.acknowledge")


def resolve(organization: OrganizationRecord, alert: UUID, actor: Actor) -> None:
    """It is over: raising it again makes a new alert. Raises as `acknowledge`."""
    changes = {"state": State.RESOLVED, "resolved_at": Now(), "resolved_by": person(actor)}
    _move(organization, alert, (State.OPEN, State.ACKNOWLEDGED), changes, actor, "alert.resolve")


def resolve_key(organization: OrganizationRecord, key: str) -> bool:
    """What the alert of this key told of is well again by itself; False where none is open. Call inside a transaction,
    in the organization's schema."""
    found = Alert.objects.filter(key=key).exclude(state=State.RESOLVED).values_list("id", flat=True).first()
    if found is None:
        return False
    by = {"kind": "system", "id": "system", "email": "", "name": "Bifrost"}
    Alert.objects.filter(id=found).update(state=State.RESOLVED, resolved_at=Now(), resolved_by=by)
    OpenAlert.objects.filter(alert=found).delete()
    return True


def _move(
    organization: OrganizationRecord,
    id_: UUID,
    origins: tuple[str, ...],
    changes: dict[str, object],
    actor: Actor,
    operation: str,
) -> None:
    with org_context(organization), transaction.atomic():
        if not Alert.objects.filter(id=id_, state__in=origins).update(**changes):
            raise _refusal(id_)
        OpenAlert.objects.filter(alert=id_).delete()
        audit.record(actor, operation, organization=organization, target=f"alert:{id_}")


def _refusal(id_: UUID) -> UnknownAlert | AlreadyHandled:
    row = Alert.objects.filter(id=id_).first()
    if row is None:
        return UnknownAlert(NO_ALERT)
    by, at = row.resolved_by or row.acknowledged_by or {}, row.resolved_at or row.acknowledged_at
    details = {"state": row.state, "by": by.get("name"), "at": timestamp(at)}
    return AlreadyHandled(f"This was already {row.state} by {by.get('name')}.", details)
