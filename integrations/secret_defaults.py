"""Secrets that many organizations fall back on: a tag's, and the MSP's."""

from __future__ import annotations

from datetime import timedelta

from integrations.secret_audit import audited
from integrations.secret_places import Place
from integrations.secrets import delete_at, write_at
from orgs.records import COMMAND_LINE, Actor


def write_default(
    place: Place, name: str, value: str, actor: Actor = COMMAND_LINE, overlap: timedelta = timedelta(0)
) -> None:
    """Sets or replaces it; the former value stays readable for `overlap`. Raises ValidationError, VaultUnavailable."""
    with audited("secret.set", place, name, actor):
        write_at(place, name, value, overlap)


def delete_default(place: Place, name: str, actor: Actor = COMMAND_LINE) -> bool:
    """Removes it with all its versions; False where there was none."""
    with audited("secret.delete", place, name, actor) as change:
        change.done = delete_at(place, name)
    return change.done
