"""Changes of secrets in the audit log: whose and which, never what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import transaction

from integrations import configs
from integrations.secret_places import Place
from orgs import audit, directory
from orgs.records import Actor, OrganizationRecord


@dataclass
class Change:
    """`done` False: there was nothing to change."""

    done: bool = True


@contextmanager
def audited(
    operation: str, place: Place, name: str, actor: Actor, organization: OrganizationRecord | None = None
) -> Iterator[Change]:
    """Records the change that the block makes in the vault. Where the block raises, or nothing was done, nothing is.

    The event is written first: where the database refuses it, the vault was not touched.
    """
    change = Change()
    with transaction.atomic():
        audit.record(
            actor,
            operation,
            organization=organization,
            target=f"secret:{name}",
            metadata={"place": place.folder},
        )
        yield change
        if not change.done:
            transaction.set_rollback(True)
            return
        _tell_others(organization)


def _tell_others(organization: OrganizationRecord | None) -> None:
    """A default is everybody's, as are the MSP's configs."""
    concerned = organization or directory.msp()
    if concerned is not None:
        configs.raise_version(concerned)
