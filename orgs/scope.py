"""What the current thread may query. Apart from `tenancy`, since the database back end is loaded before that can be."""

from __future__ import annotations

import threading


class OutsideOrganization(RuntimeError):
    """A query was made in an engine's thread outside `org_context` and `shared_context`."""


class _Thread(threading.local):
    guarded = False
    depth = 0


_thread = _Thread()


def guard_thread() -> None:
    """From now on this thread may query only inside `org_context` or `shared_context`."""
    _thread.guarded = True


def enter_scope() -> None:
    _thread.depth += 1


def leave_scope() -> None:
    _thread.depth -= 1


def require_scope() -> None:
    """Raises OutsideOrganization where a guarded thread queries without having said whose data it means."""
    if _thread.guarded and not _thread.depth:
        raise OutsideOrganization("A query outside org_context() or shared_context(): say whose data it reads.")
