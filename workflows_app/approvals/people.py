"""Who is asked, and who may not answer: nobody decides what he has asked for himself, whoever is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Q

from orgs.permissions import EVERYTHING, PLATFORM_PERMISSIONS
from orgs.records import Actor
from workflows_app.actors import actor_key


def is_asked(actor: Actor, permission: str, approvers: Sequence[str] | None) -> bool:
    """Whether the decision is this one's: by name, where people are named, else by permission."""
    if approvers is not None:
        return actor.kind == "user" and actor.email.lower() in approvers
    return actor.can(permission)


def has_asked(actor: Actor, requester: str, requested_by: Mapping[str, Any]) -> bool:
    """Whether it is this one's own request; one address is one person, by whichever way she came."""
    same = bool(actor.email) and actor.email.lower() == str(requested_by.get("email", "")).lower()
    return requester == actor_key(actor) or same


def asked_of(permission: str, approvers: Sequence[str] | None) -> str:
    """In words."""
    return f"everybody with the permission {permission}" if approvers is None else " or ".join(approvers)


def asked_of_actor(actor: Actor) -> Q:
    """The approvals for which `is_asked` holds."""
    permitted = Q(permission__in=sorted(actor.permissions))
    if EVERYTHING in actor.permissions:
        permitted |= ~Q(permission__in=sorted(PLATFORM_PERMISSIONS))
    asked = Q(approvers__isnull=True) & permitted
    if actor.kind == "user" and actor.email:
        asked |= Q(approvers__contains=[actor.email.lower()])
    return asked
