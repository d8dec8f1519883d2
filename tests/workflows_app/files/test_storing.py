"""Files of one organization: kept exactly, and given to whoever may read them and to nobody else."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

import pytest
from uuid6 import uuid7

from bifrost.sdk.errors import ValidationError
from orgs.permissions import EVERYTHING, EXECUTE_WORKFLOWS, SUBMIT_FORMS, VIEW_EXECUTIONS, VIEW_OWN_EXECUTIONS
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.rest.rows import make_execution
from workflows_app.errors import TooManyUploads, UnknownFile
from workflows_app.files import storing
from workflows_app.files.checking import Checked
from workflows_app.files.models import FileUse, StoredFile
from workflows_app.files.storing import open_file, read_for_run, store, store_for_run

from . import contents as c

pytestmark = pytest.mark.django_db


def someone(name: str, *permissions: str, kind: str = "user") -> Actor:
    return Actor(kind, name, f"{name}@acme.example", name.title(), frozenset(permissions))


ANN = someone("ann", SUBMIT_FORMS, VIEW_OWN_EXECUTIONS)
BOB = someone("bob", SUBMIT_FORMS, VIEW_OWN_EXECUTIONS)
VIEWER = someone("viewer", VIEW_EXECUTIONS)
WEBHOOK = someone("greet", EVERYTHING, kind="webhook")
PUBLIC = someone("form", SUBMIT_FORMS, kind="public")


def hold(organization: OrganizationRecord, file: dict[str, Any], execution: UUID) -> None:
    with org_context(organization):
        FileUse.objects.create(file_id=file["fileId"], execution_id=execution)


def may_read(organization: OrganizationRecord, file: dict[str, Any], actor: Actor) -> bool:
    try:
        open_file(organization, UUID(file["fileId"]), actor)
    except UnknownFile:
        return False
    return True


def run_may_read(organization: OrganizationRecord, file: dict[str, Any], actor: Actor, execution: UUID) -> bool:
    try:
        read_for_run(organization, UUID(file["fileId"]), actor, execution)
    except UnknownFile:
        return False
    return True


def test_a_file_comes_back_as_it_was_with_what_is_known_of_it(acme: OrganizationRecord) -> None:
    content = bytes(range(256)) * 10
    file = store(acme, ANN, "data.bin", "application/octet-stream", content)
    assert set(file) == {"fileId", "name", "contentType", "size"}
    assert (file["name"], file["contentType"], file["size"]) == ("data.bin", "application/octet-stream", 2560)
    assert open_file(acme, UUID(file["fileId"]), ANN) == (file, content)
    with org_context(acme):
        row = StoredFile.objects.get()
    assert row.sha256 == hashlib.sha256(content).hexdigest() and row.scanned is False
    assert (row.uploader, row.created_by["name"]) == ("user:ann", "Ann")


def test_what_is_refused_leaves_nothing(acme: OrganizationRecord) -> None:
    with pytest.raises(ValidationError):
        store(acme, ANN, "invoice.pdf", "application/pdf", c.EXE)
    with org_context(acme):
        assert not StoredFile.objects.exists()


def test_another_organizations_file_is_not_found(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    file = store(acme, ANN, "a.csv", None, c.CSV)
    hold(acme, file, make_execution(acme, actor="user:ann"))
    for actor in (ANN, VIEWER, someone("root", EVERYTHING)):
        assert not may_read(globex, file, actor)
        assert not run_may_read(globex, file, actor, make_execution(globex, actor="user:ann"))


def test_what_is_not_used_yet_only_its_uploader_may_read(acme: OrganizationRecord) -> None:
    file = store(acme, ANN, "a.csv", None, c.CSV)
    assert may_read(acme, file, ANN)
    assert not may_read(acme, file, BOB)
    assert not may_read(acme, file, VIEWER)
    assert not may_read(acme, file, someone("ann", VIEW_OWN_EXECUTIONS, kind="token")), "another kind of ann"


def test_a_file_of_an_execution_is_for_whoever_may_read_that(acme: OrganizationRecord) -> None:
    file = store_for_run(
        acme, make_execution(acme, actor="user:ann"), ANN, Checked("a.csv", "text/csv", False), b"a", "1"
    )
    assert may_read(acme, file, ANN)
    assert may_read(acme, file, VIEWER)
    assert not may_read(acme, file, BOB), "he may not see that execution"
    assert not may_read(acme, file, someone("bob", EXECUTE_WORKFLOWS))


def test_a_person_may_read_what_their_own_execution_was_given(acme: OrganizationRecord) -> None:
    file = store(acme, ANN, "a.csv", None, c.CSV)
    hold(acme, file, make_execution(acme, actor="user:bob"))
    assert may_read(acme, file, BOB)
    assert may_read(acme, file, ANN), "it is hers all the same"
    assert not may_read(acme, file, someone("bob")), "one who may not read executions"


def test_a_public_form_reads_nothing_again(acme: OrganizationRecord) -> None:
    """All who use its link are one actor."""
    file = store(acme, PUBLIC, "a.csv", None, c.CSV)
    hold(acme, file, make_execution(acme, actor="public:form"))
    assert not may_read(acme, file, PUBLIC)
    assert may_read(acme, file, VIEWER)


@pytest.mark.parametrize("actor", [ANN, VIEWER])
def test_what_does_not_exist_is_not_found(acme: OrganizationRecord, actor: Actor) -> None:
    with pytest.raises(UnknownFile):
        open_file(acme, uuid7(), actor)


def test_uploads_that_nobody_uses_are_bounded_for_each_person(acme: OrganizationRecord, monkeypatch: Any) -> None:
    monkeypatch.setattr(storing, "MOST_UNUSED", 2)
    first = store(acme, ANN, "a.csv", None, c.CSV)
    store(acme, ANN, "b.csv", None, c.CSV)
    with pytest.raises(TooManyUploads):
        store(acme, ANN, "c.csv", None, c.CSV)
    store(acme, BOB, "c.csv", None, c.CSV)
    hold(acme, first, make_execution(acme))
    store(acme, ANN, "c.csv", None, c.CSV)


# --- runs -------------------------------------------------------------------------------------------------------------


def test_a_step_that_is_done_again_keeps_its_file_once(acme: OrganizationRecord) -> None:
    execution, checked = make_execution(acme), Checked("a.csv", "text/csv", False)
    first = store_for_run(acme, execution, ANN, checked, b"a", "step 1")
    assert store_for_run(acme, execution, ANN, checked, b"a", "step 1") == first
    assert store_for_run(acme, execution, ANN, checked, b"a", "step 2") != first
    with org_context(acme):
        assert StoredFile.objects.count() == FileUse.objects.count() == 2


def test_a_run_reads_its_own_files_and_those_of_its_family(acme: OrganizationRecord) -> None:
    """Also one that a webhook started, whose caller is nobody in particular."""
    top = make_execution(acme, actor="webhook:greet")
    middle = make_execution(acme, actor="webhook:greet", parent=top)
    below = make_execution(acme, actor="webhook:greet", parent=middle)
    beside = make_execution(acme, actor="webhook:greet", parent=top)
    file = store_for_run(acme, middle, WEBHOOK, Checked("a.csv", "text/csv", False), b"a", "1")
    for execution in (middle, top, below, beside):
        assert run_may_read(acme, file, WEBHOOK, execution)
    assert not run_may_read(acme, file, WEBHOOK, make_execution(acme, actor="webhook:greet")), "another delivery"


def test_a_webhook_gets_at_nobodys_file_by_naming_it(acme: OrganizationRecord) -> None:
    unused, used = store(acme, ANN, "a.csv", None, c.CSV), store(acme, ANN, "b.csv", None, c.CSV)
    hold(acme, used, make_execution(acme, actor="user:ann"))
    for file in (unused, used):
        assert not run_may_read(acme, file, WEBHOOK, make_execution(acme, actor="webhook:greet"))


def test_a_persons_run_gets_at_what_that_person_may_read(acme: OrganizationRecord) -> None:
    file = store(acme, ANN, "a.csv", None, c.CSV)
    anns, bobs = make_execution(acme, actor="user:ann"), make_execution(acme, actor="user:bob")
    assert not run_may_read(acme, file, BOB, bobs)
    assert run_may_read(acme, file, ANN, anns)
    assert not run_may_read(acme, file, BOB, bobs), "hers has it now, and not his"
    assert run_may_read(acme, file, VIEWER, make_execution(acme, actor="user:viewer"))
    assert not may_read(acme, file, BOB)


def test_a_run_holds_what_it_has_read(acme: OrganizationRecord) -> None:
    file, execution = store(acme, ANN, "a.csv", None, c.CSV), make_execution(acme, actor="user:ann")
    assert read_for_run(acme, UUID(file["fileId"]), ANN, execution) == c.CSV
    with org_context(acme):
        assert FileUse.objects.get().execution_id == execution
