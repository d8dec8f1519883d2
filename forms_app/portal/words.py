"""What roles, permissions and statuses are called in front of people."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

Words = Mapping[str, "str | Promise"]

ROLES: Words = MappingProxyType(
    {
        "owner": _("Owner"),
        "admin": _("Administrator"),
        "operator": _("Operator"),
        "requester": _("Requester"),
        "viewer": _("Viewer"),
        "technician": _("Technician"),
        "auditor": _("Auditor"),
    }
)
MEANINGS: Words = MappingProxyType(
    {
        "owner": _("everything, also who the owners are"),
        "admin": _("everything, also members and branding"),
        "operator": _("fills in forms, approves, sees all requests"),
        "requester": _("fills in forms, sees own requests"),
        "viewer": _("sees all requests"),
        "technician": _("works for the customers in scope"),
        "auditor": _("sees, changes nothing"),
    }
)
PERMISSIONS: Words = MappingProxyType(
    {
        "canExecuteWorkflows": _("Run workflows"),
        "canViewExecutions": _("See all requests and runs"),
        "canViewOwnExecutions": _("See one's own requests and runs"),
        "canManageExecutions": _("Cancel and repeat runs"),
        "canRaisePriority": _("Let runs go first"),
        "canSubmitForms": _("Fill in forms"),
        "canManageForms": _("Build forms"),
        "canApprove": _("Approve"),
        "canViewConfig": _("See settings"),
        "canManageConfig": _("Change settings"),
        "canManageSecrets": _("Set secrets"),
        "canManageConnections": _("Manage connections"),
        "canManageSchedules": _("Manage schedules"),
        "canManageMembers": _("Manage members"),
        "canManageTokens": _("Manage all tokens"),
    }
)
STATUSES: Mapping[str, tuple[str | Promise, str]] = MappingProxyType(
    {
        "PendingApproval": (_("Waits for approval"), "caution"),
        "Queued": (_("Waits for its turn"), "quiet"),
        "Running": (_("Under way"), "quiet"),
        "Suspended": (_("Waits"), "quiet"),
        "Success": (_("Done"), "good"),
        "CompletedWithErrors": (_("Done in part"), "caution"),
        "Failed": (_("Failed"), "alarm"),
        "Compensated": (_("Undone"), "alarm"),
        "Cancelled": (_("Cancelled"), "quiet"),
        "Rejected": (_("Not approved"), "alarm"),
    }
)


def role(name: str) -> str:
    return str(ROLES.get(name, name))


def role_with_meaning(name: str) -> str:
    return f"{role(name)}: {MEANINGS[name]}" if name in MEANINGS else role(name)


def permission(name: str) -> str:
    return str(PERMISSIONS.get(name, name))


def status(name: str) -> tuple[str, str]:
    """What a status is called, and the kind of its badge."""
    said, kind = STATUSES.get(name, (name, "quiet"))
    return str(said), kind


def workflow(name: str) -> str:
    """A workflow's name as words, where no form has a better one."""
    return str(capfirst(name.replace("_", " ")))
