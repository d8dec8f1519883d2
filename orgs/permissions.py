"""Named permissions, and which role gives which.

Workflows may ask for permissions by names of their own; owners and admins have those too.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

EXECUTE_WORKFLOWS = "canExecuteWorkflows"
VIEW_EXECUTIONS = "canViewExecutions"
VIEW_OWN_EXECUTIONS = "canViewOwnExecutions"
MANAGE_EXECUTIONS = "canManageExecutions"
RAISE_PRIORITY = "canRaisePriority"
SUBMIT_FORMS = "canSubmitForms"
MANAGE_FORMS = "canManageForms"
APPROVE = "canApprove"
VIEW_CONFIG = "canViewConfig"
MANAGE_CONFIG = "canManageConfig"
MANAGE_SECRETS = "canManageSecrets"
MANAGE_CONNECTIONS = "canManageConnections"
MANAGE_SCHEDULES = "canManageSchedules"
MANAGE_MEMBERS = "canManageMembers"
MANAGE_TOKENS = "canManageTokens"
# Over the platform; an organization's own people never have these.
VIEW_ORGANIZATIONS = "canViewOrganizations"
MANAGE_ORGANIZATIONS = "canManageOrganizations"
MANAGE_STAFF = "canManageStaff"
VIEW_TRACEBACKS = "canViewTracebacks"

# Every permission that belongs to an organization, also those which only a workflow names.
EVERYTHING = "*"

PLATFORM_PERMISSIONS = frozenset({VIEW_ORGANIZATIONS, MANAGE_ORGANIZATIONS, MANAGE_STAFF, VIEW_TRACEBACKS})
ORGANIZATION_PERMISSIONS = frozenset(
    {
        EXECUTE_WORKFLOWS,
        VIEW_EXECUTIONS,
        VIEW_OWN_EXECUTIONS,
        MANAGE_EXECUTIONS,
        RAISE_PRIORITY,
        SUBMIT_FORMS,
        MANAGE_FORMS,
        APPROVE,
        VIEW_CONFIG,
        MANAGE_CONFIG,
        MANAGE_SECRETS,
        MANAGE_CONNECTIONS,
        MANAGE_SCHEDULES,
        MANAGE_MEMBERS,
        MANAGE_TOKENS,
    }
)
KNOWN_PERMISSIONS = ORGANIZATION_PERMISSIONS | PLATFORM_PERMISSIONS

_ALL_OF_IT = ORGANIZATION_PERMISSIONS | {EVERYTHING}
_OWN = frozenset({SUBMIT_FORMS, VIEW_OWN_EXECUTIONS})
_VIEW = frozenset({VIEW_EXECUTIONS, VIEW_OWN_EXECUTIONS, VIEW_CONFIG})
_OPERATE = _VIEW | _OWN | {EXECUTE_WORKFLOWS, APPROVE}

ROLE_PERMISSIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {"owner": _ALL_OF_IT, "admin": _ALL_OF_IT, "operator": _OPERATE, "requester": _OWN, "viewer": _VIEW}
)
STAFF_PERMISSIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "owner": _ALL_OF_IT | PLATFORM_PERMISSIONS,
        "admin": _ALL_OF_IT | {VIEW_ORGANIZATIONS, MANAGE_ORGANIZATIONS, VIEW_TRACEBACKS},
        "technician": _OPERATE
        | {MANAGE_EXECUTIONS, RAISE_PRIORITY, MANAGE_FORMS, MANAGE_CONFIG, MANAGE_SECRETS, MANAGE_CONNECTIONS}
        | {MANAGE_SCHEDULES, VIEW_ORGANIZATIONS, VIEW_TRACEBACKS},
        "auditor": _VIEW | {VIEW_ORGANIZATIONS, VIEW_TRACEBACKS},
    }
)

# In the MSP's own organization these change what all customers use: defaults, shared connections and forms, tokens.
OVER_ALL_CUSTOMERS = frozenset(
    {EVERYTHING, MANAGE_FORMS, MANAGE_CONFIG, MANAGE_SECRETS, MANAGE_CONNECTIONS, MANAGE_MEMBERS, MANAGE_TOKENS}
)
# What staff may do there whose scope is some customers. Whoever manages the staff could widen that scope anyway.
SCOPED_STAFF_PERMISSIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {role: its if MANAGE_STAFF in its else its - OVER_ALL_CUSTOMERS for role, its in STAFF_PERMISSIONS.items()}
)


def role_permissions(role: str, *, msp: bool) -> frozenset[str]:
    """What the role gives; nothing where the role does not exist there."""
    return (STAFF_PERMISSIONS if msp else ROLE_PERMISSIONS).get(role, frozenset())
