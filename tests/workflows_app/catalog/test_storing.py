"""The sources of what ran are kept once per hash."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.catalog.conftest import Write, workflow
from workflows_app.catalog import LoadedWorkflow, Workspace, storing
from workflows_app.dispatch.models import CodeVersion


@pytest.fixture
def loaded(write: Write, workspace: Workspace) -> LoadedWorkflow:
    storing.forget()
    write("a.py", workflow("a", "return 'é'"))
    return workspace.find("a")


@pytest.mark.django_db(transaction=True)
def test_sources_are_stored_once_per_process(loaded: LoadedWorkflow) -> None:
    storing.store_sources(loaded)
    with CaptureQueriesContext(connection) as queries:
        storing.store_sources(loaded)
    assert len(queries) == 0
    row = CodeVersion.objects.get(hash=loaded.code_version)
    assert row.files == dict(loaded.sources)


@pytest.mark.django_db(transaction=True)
def test_another_process_that_was_first_is_no_error(loaded: LoadedWorkflow) -> None:
    CodeVersion.objects.create(hash=loaded.code_version, files={"theirs.py": ""})
    storing.store_sources(loaded)
    assert CodeVersion.objects.get().files == {"theirs.py": ""}


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_insert_is_made_again(loaded: LoadedWorkflow) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        storing.store_sources(loaded)
        raise ZeroDivisionError
    storing.store_sources(loaded)
    assert CodeVersion.objects.filter(hash=loaded.code_version).exists()


def test_sources_go_to_the_shared_schema_from_inside_an_organization(
    loaded: LoadedWorkflow, acme: OrganizationRecord
) -> None:
    with org_context(acme, alone=True):
        storing.store_sources(loaded)
    assert CodeVersion.objects.filter(hash=loaded.code_version).exists()
