"""Keeps the sources of workflows that ran, once per hash, so that what a run did can be shown and run again."""

from __future__ import annotations

from django.db import transaction

from orgs.tenancy import shared_context
from workflows_app.catalog.contents import LoadedDataProvider, LoadedWorkflow
from workflows_app.dispatch.models import CodeVersion

_stored: set[str] = set()


def store_sources(loaded: LoadedWorkflow | LoadedDataProvider) -> None:
    """Inserts the code version unless this process knows that it is there. Costs nothing from the second call on."""
    if loaded.code_version in _stored:
        return
    with shared_context():
        row = CodeVersion(hash=loaded.code_version, files=dict(loaded.sources))
        CodeVersion.objects.bulk_create([row], ignore_conflicts=True)
        # A surrounding transaction may yet roll back.
        transaction.on_commit(lambda: _stored.add(loaded.code_version))


def forget() -> None:
    """For a database that was emptied: what is stored is looked at again."""
    _stored.clear()
