"""Forms are made from workflows, and every change is a version that stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from bifrost.sdk.errors import DeclarationError, ValidationError
from forms_app import versions
from forms_app.errors import OutdatedForm, UnknownForm
from forms_app.models import Form
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.audit_log import events, log
from workflows_app.errors import UnknownWorkflow

from .conftest import BUILDER, MESSAGE, FormMaker, Workspace, executions

TITLE = {"type": "section", "title": "About you"}


def row(organization: OrganizationRecord, form: Any) -> Form:
    with org_context(organization):
        return Form.objects.get(id=form)


def test_a_form_asks_for_its_workflow_s_parameters(acme: OrganizationRecord, samples: Workspace) -> None:
    made = versions.create(acme, BUILDER, "paint")

    form, [version] = row(acme, made), versions.list_versions(acme, made)
    assert (form.slug, form.name, form.workflow, form.published) == ("paint", "Paint", "paint", False)
    assert [(item["name"], item["kind"], item.get("provider")) for item in version.items] == [
        ("colour", "choice", "colours"),
        ("shade", "choice", "shades"),
    ]
    assert version.items[1]["inputs"] == {"colour": "colour"}
    assert version.saved_by["name"] == "Bea"


def test_a_second_form_of_a_workflow_gets_an_address_of_its_own(acme: OrganizationRecord, samples: Workspace) -> None:
    made = [versions.create(acme, BUILDER, "greet") for _ in range(3)]
    assert [row(acme, each).slug for each in made] == ["greet", "greet-2", "greet-3"]


@pytest.mark.parametrize("slug", ["Greet", "a--b", "-a", "a b", "../etc", "", "ä", "a" * 101])
def test_an_address_has_few_kinds_of_characters(acme: OrganizationRecord, samples: Workspace, slug: str) -> None:
    with pytest.raises(ValidationError, match="lower-case letters"):
        versions.create(acme, BUILDER, "greet", slug=slug)


def test_an_address_that_is_taken_is_refused(acme: OrganizationRecord, samples: Workspace) -> None:
    versions.create(acme, BUILDER, "greet", slug="hello")
    with pytest.raises(ValidationError) as refused:
        versions.create(acme, BUILDER, "later", slug="hello")
    assert refused.value.field == "slug"


def test_there_is_no_form_without_its_workflow(acme: OrganizationRecord, samples: Workspace) -> None:
    with pytest.raises(UnknownWorkflow):
        versions.create(acme, BUILDER, "nothing")


def test_a_change_is_a_new_version_and_the_old_one_stays(acme: OrganizationRecord, make_form: FormMaker) -> None:
    made = make_form(acme)
    number = versions.save(
        acme, made, [TITLE, MESSAGE], submit_label="Say it", confirmation="**Thanks**", expected=1, actor=BUILDER
    )
    newest, first = versions.list_versions(acme, made)
    assert (number, newest.number, first.number) == (2, 2, 1)
    assert (newest.submit_label, newest.confirmation) == ("Say it", "**Thanks**")
    assert newest.items[0] == TITLE and first.items[0]["name"] == "message"


def test_a_change_to_an_older_version_is_refused(acme: OrganizationRecord, make_form: FormMaker) -> None:
    made = make_form(acme)
    versions.save(acme, made, [MESSAGE], expected=1, actor=BUILDER)
    with pytest.raises(OutdatedForm, match="version 2 meanwhile") as refused:
        versions.save(acme, made, [TITLE, MESSAGE], expected=1, actor=BUILDER)
    assert refused.value.newest == 2
    assert [each.number for each in versions.list_versions(acme, made)] == [2, 1]


def test_an_earlier_version_comes_back_as_a_new_one(acme: OrganizationRecord, make_form: FormMaker) -> None:
    made = make_form(acme)
    versions.save(acme, made, [MESSAGE], expected=1, actor=BUILDER)
    assert versions.restore(acme, made, 1, expected=2, actor=BUILDER) == 3
    third, _, first = versions.list_versions(acme, made)
    assert third.items == first.items
    with pytest.raises(OutdatedForm):
        versions.restore(acme, made, 1, expected=2, actor=BUILDER)
    with pytest.raises(UnknownForm):
        versions.restore(acme, made, 9, expected=3, actor=BUILDER)


def test_wrong_items_are_refused_and_nothing_is_saved(acme: OrganizationRecord, make_form: FormMaker) -> None:
    made = make_form(acme)
    with pytest.raises(DeclarationError, match='"message" has the unknown kind'):
        versions.save(acme, made, [{**MESSAGE, "kind": "spell"}], expected=1, actor=BUILDER)
    with pytest.raises(DeclarationError, match="button"):
        versions.save(acme, made, [MESSAGE], submit_label="x" * 61, expected=1, actor=BUILDER)
    assert row(acme, made).version == 1


@pytest.mark.parametrize(
    ("workflow", "items", "reason"),
    [
        ("greet", [], 'requires "message"'),
        ("greet", [MESSAGE, {**MESSAGE, "name": "mood"}], 'no parameter "mood"'),
        ("internal", [MESSAGE], "not exposed in forms"),
        ("nightly", [MESSAGE], "runs by its schedule"),
    ],
)
def test_what_could_never_be_submitted_is_not_published(
    acme: OrganizationRecord, make_form: FormMaker, workflow: str, items: list[Any], reason: str
) -> None:
    made = make_form(acme, workflow, items=items, published=False)
    with pytest.raises(DeclarationError, match=reason):
        versions.publish(acme, made, BUILDER)
    assert not row(acme, made).published


def test_a_published_form_stays_one_that_can_be_submitted(acme: OrganizationRecord, make_form: FormMaker) -> None:
    made = make_form(acme)
    with pytest.raises(DeclarationError, match='requires "message"'):
        versions.save(acme, made, [TITLE], expected=1, actor=BUILDER)
    only_here = {"type": "field", "name": "mood", "kind": "text", "sent": False}
    assert versions.save(acme, made, [only_here, MESSAGE], expected=1, actor=BUILDER) == 2


def test_versions_outlive_their_form(acme: OrganizationRecord, make_form: FormMaker) -> None:
    made = make_form(acme)
    versions.save(acme, made, [MESSAGE], expected=1, actor=BUILDER)
    versions.delete(acme, made, BUILDER)
    assert [each.number for each in versions.list_versions(acme, made)] == [2, 1]
    with pytest.raises(UnknownForm):
        versions.save(acme, made, [MESSAGE], expected=2, actor=BUILDER)


CHANGES: dict[str, Callable[[OrganizationRecord, UUID], Any]] = {
    "save": lambda organization, form: versions.save(organization, form, [MESSAGE], expected=1, actor=BUILDER),
    "restore": lambda organization, form: versions.restore(organization, form, 1, expected=1, actor=BUILDER),
    "publish": lambda organization, form: versions.publish(organization, form, BUILDER),
    "withdraw": lambda organization, form: versions.withdraw(organization, form, BUILDER),
    "delete": lambda organization, form: versions.delete(organization, form, BUILDER),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("whose", ["globex", "msp"])
def test_another_organization_s_form_is_unknown(
    acme: OrganizationRecord,
    organizations: dict[str, OrganizationRecord],
    make_form: FormMaker,
    change: str,
    whose: str,
) -> None:
    """Also one that the MSP shares: it is changed where it lies."""
    holder = organizations[whose]
    made = make_form(holder, shared_all=True)
    with pytest.raises(UnknownForm):
        CHANGES[change](acme, made)
    assert versions.list_versions(acme, made) == []
    assert row(holder, made).published and row(holder, made).version == 1


def test_the_audit_log_tells_of_each_change(acme: OrganizationRecord, samples: Workspace) -> None:
    made = versions.create(acme, BUILDER, "greet")
    versions.save(acme, made, [MESSAGE], expected=1, actor=BUILDER)
    versions.publish(acme, made, BUILDER)
    versions.publish(acme, made, BUILDER)  # it is already: no event
    versions.withdraw(acme, made, BUILDER)
    versions.delete(acme, made, BUILDER)
    with pytest.raises(UnknownForm):
        versions.publish(acme, uuid4(), BUILDER)
    operations = ["form.create", "form.change", "form.publish", "form.withdraw", "form.delete"]
    assert log() == [(operation, f"form:{made}", "Bea") for operation in operations]
    assert {event.organization for event in events()} == {acme.id}
    assert executions(acme) == []
