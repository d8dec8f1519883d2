"""Why a request is not let in, or an organization not made. Each carries what the answer needs.

Denied
├── Unauthenticated         401  no credentials, or bad ones
├── AccessDenied            403  known, but not allowed here
├── OrganizationSuspended   403
├── OrganizationNotReady    503  half made, or its schema is being brought up to date
├── OrganizationRequired    400  none named, or two different ones
└── UnknownOrganization     404
OrganizationExists          create_organization was given a name that is taken
InvalidOrganization         create_organization was given values that cannot be
Refused                     a change of people, groups or branding is against the rules
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any


class Denied(Exception):
    """A request was refused before anything was read of any organization's data."""

    status_code = 403
    error = "PermissionError"
    headers: Mapping[str, str] = MappingProxyType({})

    def __init__(self, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details or {}


class Unauthenticated(Denied):
    """The answer carries `headers`, as HTTP wants it."""

    status_code = 401
    error = "Unauthenticated"
    headers: Mapping[str, str] = MappingProxyType({"WWW-Authenticate": 'Bearer realm="bifrost"'})


class AccessDenied(Denied):
    pass


class OrganizationSuspended(Denied):
    pass


class OrganizationNotReady(Denied):
    status_code = 503
    error = "ServiceUnavailable"


class OrganizationRequired(Denied):
    status_code = 400
    error = "ValidationError"


class UnknownOrganization(Denied):
    status_code = 404
    error = "NotFound"


class OrganizationExists(Exception):
    """The org_id or a domain is taken."""


class InvalidOrganization(ValueError):
    """A value that an organization cannot have; the message names it."""


class Refused(Exception):
    """What a person asked for is against the rules; the message tells that person why."""
