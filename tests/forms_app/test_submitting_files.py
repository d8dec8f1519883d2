"""Files in a submission are those that the person may use, as they are kept."""

from __future__ import annotations

from typing import Any

import pytest
from uuid6 import uuid7

from bifrost.sdk.errors import ValidationError
from forms_app.errors import SubmissionTaken
from forms_app.submitting import submit
from orgs.records import Actor, OrganizationRecord
from tests.factories import make_user
from workflows_app.files import storing

from .conftest import (
    FormMaker,
    acting,
    finished,
    record_of,
    wrong_fields,
)
from .conftest import executions as executions_of

pytestmark = pytest.mark.usefixtures("engine_stops")
DOCUMENT = {"type": "field", "name": "document", "kind": "file", "required": True}


def upload(organization: OrganizationRecord, actor: Actor, name: str = "a.txt", content: bytes = b"hello") -> Any:
    return storing.store(organization, actor, name, "text/plain", content)


def test_a_file_is_described_as_it_is_kept(acme: OrganizationRecord, make_form: FormMaker, requester: Actor) -> None:
    form = record_of(acme, make_form(acme, "attach", items=[DOCUMENT]), requester)
    kept = upload(acme, requester)
    said = {**kept, "name": "other.exe", "size": 1}
    assert finished(submit(acme, requester, form, {"document": said}, uuid7())).result == kept


def test_a_file_that_somebody_else_uploaded_is_none(
    acme: OrganizationRecord, globex: OrganizationRecord, make_form: FormMaker, requester: Actor
) -> None:
    form = record_of(acme, make_form(acme, "attach", items=[DOCUMENT]), requester)
    colleague = acting(make_user(acme, "requester"), "requester")
    for stolen in (
        upload(acme, colleague),
        upload(globex, requester),
        {"fileId": str(uuid7()), "name": "a.txt"},
        {"fileId": "../../etc/passwd"},
        {"name": "a.txt"},
    ):
        with pytest.raises(ValidationError) as refused:
            submit(acme, requester, form, {"document": stolen}, uuid7())
        assert wrong_fields(refused) == {"document": "is not a file that you may use"}
    assert executions_of(acme) == []


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ({"max_bytes": 4}, "must be at most 4\xa0bytes"),
        ({"types": [".pdf", "image/*"]}, "must be of the type .pdf, image/*"),
        ({"max_bytes": 5, "types": [".txt"]}, None),
        ({"types": ["text/*"]}, None),
    ],
)
def test_a_file_keeps_the_field_s_rules_whatever_the_caller_says_of_it(
    acme: OrganizationRecord, make_form: FormMaker, requester: Actor, rules: dict[str, Any], problem: str | None
) -> None:
    form = record_of(acme, make_form(acme, "attach", items=[{**DOCUMENT, "rules": rules}]), requester)
    said = {**upload(acme, requester), "size": 1, "name": "a.pdf", "contentType": "image/png"}
    if problem is None:
        assert finished(submit(acme, requester, form, {"document": said}, uuid7())).status == "Success"
        return
    with pytest.raises(ValidationError) as refused:
        submit(acme, requester, form, {"document": said}, uuid7())
    assert wrong_fields(refused) == {"document": problem}


def test_a_file_that_is_uploaded_with_each_click_is_the_same_submission(
    acme: OrganizationRecord, make_form: FormMaker, requester: Actor
) -> None:
    form = record_of(acme, make_form(acme, "attach", items=[DOCUMENT]), requester)
    id_ = uuid7()
    ids = {
        finished(submit(acme, requester, form, {"document": upload(acme, requester)}, id_)).execution_id
        for _ in range(2)
    }
    assert len(ids) == 1
    with pytest.raises(SubmissionTaken):
        submit(acme, requester, form, {"document": upload(acme, requester, "b.txt")}, id_)
