"""The only module that switches schemas.

django-tenants' own `with tenant:` keeps one stack for all threads and mixes organizations (pitfalls T1, T2); these
context managers keep what they restore in local variables. They act on the calling thread's connection alone: a new
thread starts in the shared schema and opens its own context.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from django.db import connection as _django_connection

from orgs.scope import OutsideOrganization, enter_scope, guard_thread, leave_scope

__all__ = [
    "HasSchema",
    "OutsideOrganization",
    "checked_schema_name",
    "current_schema",
    "guard_thread",
    "org_context",
    "reset_schema",
    "shared_context",
]

# django-tenants' wrapper, which has no types.
connection: Any = _django_connection

_SCHEMA_NAME = re.compile(r"org_[a-z0-9]{1,40}")


class HasSchema(Protocol):
    @property
    def schema_name(self) -> str: ...


@contextmanager
def org_context(organization: HasSchema, *, alone: bool = False) -> Iterator[None]:
    """Queries of this thread go to the organization's schema, and to the shared one behind it unless `alone`.

    Return data from the block, never querysets or instances: they carry no organization (pitfalls T8).
    """
    with _schema(checked_schema_name(organization.schema_name), shared_behind=not alone):
        yield


@contextmanager
def shared_context() -> Iterator[None]:
    """Queries of this thread go to the shared schema alone inside the block."""
    with _schema("public"):
        yield


def checked_schema_name(name: str) -> str:
    """The name, if it is one that Bifrost gives to organizations' schemas; otherwise ValueError (pitfalls T17)."""
    if not _SCHEMA_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of an organization's schema.")
    return name


def reset_schema() -> str:
    """Puts the calling thread's connection back to the shared schema; returns the one that somebody had left it in."""
    left = current_schema()
    connection.set_schema_to_public()
    return left


def current_schema() -> str:
    """The schema that the calling thread's connection is set to."""
    return str(connection.schema_name)


@contextmanager
def _schema(name: str, *, shared_behind: bool = True) -> Iterator[None]:
    before, behind_it = connection.schema_name, connection.include_public_schema
    connection.set_schema(name, include_public=shared_behind)
    enter_scope()
    try:
        yield
    finally:
        leave_scope()
        connection.set_schema(before, include_public=behind_it)
