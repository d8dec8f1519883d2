"""Versions: what one has that another has not, going back, and forms as files."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from forms_app import versions
from forms_app.builder.comparing import Change, Setting, changes
from forms_app.builder.content import Content
from forms_app.models import Form
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.factories import make_actor
from tests.forms_app.builder.conftest import Builder, SignIn, newest

ADA = make_actor("canManageForms")
A, B, C, D = ({"type": "field", "name": name, "kind": "text", "label": name.upper()} for name in "abcd")
NOTE = {"type": "text", "text": "Read this"}


def compared(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[Change]:
    return changes(Content(tuple(before)), Content(tuple(after)))


def test_the_same_form_has_no_changes() -> None:
    assert compared([A, NOTE, NOTE, B], [A, NOTE, NOTE, B]) == []


def test_what_was_added_and_removed_is_named() -> None:
    assert compared([A, NOTE], [A, B]) == [Change("removed", "Read this"), Change("added", "B")]


@pytest.mark.parametrize(
    ("after", "moved"),
    [([B, C, D, A], ["A"]), ([D, A, B, C], ["D"]), ([A, C, B, D], ["B"]), ([B, A, D, C], ["B", "D"])],
)
def test_only_what_was_moved_counts_as_moved_not_what_made_room(after: list[dict[str, Any]], moved: list[str]) -> None:
    found = compared([A, B, C, D], after)

    assert {each.kind for each in found} == {"moved"}
    assert len(found) == len(moved)


def test_settings_are_told_in_words() -> None:
    before = {**A, "kind": "choice", "choices": [{"value": 1, "label": "One"}], "required": True, "rules": {"min": 1}}
    after = {**A, "help": "Help", "visibleWhen": {"field": "b", "is": "equals", "value": True}}

    (change,) = compared([B, before], [B, after])

    assert set(change.settings) == {
        Setting("Kind", "Choice from a list", "Text"),
        Setting("Choices", "1 = One", "nothing"),
        Setting("Required", "yes", "nothing"),
        Setting("What is accepted", "min: 1", "nothing"),
        Setting("Help", "nothing", "Help"),
        Setting("Shown when", "always", "B is ticked"),
    }


def test_the_end_of_the_form_is_compared_too() -> None:
    (change,) = changes(Content((), "Go", ""), Content((), "Send", "Thanks"))

    assert change.settings == (
        Setting("Words on the button", "Go", "Send"),
        Setting("Confirmation", "nothing", "Thanks"),
    )


@pytest.fixture
def changed(form: UUID, acme: OrganizationRecord) -> UUID:
    """The form with a second version."""
    items = newest(acme, form).items
    versions.save(acme, form, [{**items[0], "label": "Whose"}, *items[1:]], expected=1, actor=ADA)
    return form


def test_versions_are_listed_and_compared(builder: Builder, changed: UUID) -> None:
    builder.get(f"{changed}/versions/?from=1&to=2")

    assert "From 1 to 2" in builder.text and "changed Whose" in builder.text
    assert "<del>For whom</del>" in builder.html and "<ins>Whose</ins>" in builder.html
    assert "is filled in now" in builder.text and "Ada" in builder.text


def test_a_draft_is_compared_with_what_people_fill_in(builder: Builder, changed: UUID) -> None:
    builder.open(changed, 1)
    builder.press("apply", label="<i>Machine</i>")

    builder.get(f"{changed}/versions/?from=2&to=draft")

    assert "&lt;i&gt;Machine&lt;/i&gt;" in builder.html and "<i>" not in builder.html
    assert builder.get(f"{changed}/versions/?from=9") == 404


def test_bringing_a_version_back_asks_first_and_makes_a_new_one(
    builder: Builder, changed: UUID, acme: OrganizationRecord
) -> None:
    builder.get(f"{changed}/versions/?restore=1")
    assert "Save what version 1 was as a new version?" in builder.text
    builder.form_id = str(changed)

    builder.post({"restore": "1", "expected": "2"}, "versions")

    assert "Version 3 is saved. It is as version 1 was." in builder.text
    assert newest(acme, changed).items[0]["label"] == "For whom"


def test_bringing_back_over_a_newer_version_is_refused(
    builder: Builder, changed: UUID, acme: OrganizationRecord
) -> None:
    builder.form_id = str(changed)
    builder.post({"restore": "1", "expected": "1"}, "versions")
    assert "Nothing was changed." in builder.text and newest(acme, changed).number == 2
    assert builder.post({"restore": "7", "expected": "2"}, "versions") == 404
    assert builder.post({"restore": "x", "expected": "2"}, "versions") == 404


def imported(builder: Builder, content: bytes, **more: str) -> None:
    file = SimpleUploadedFile("order.form.json", content, "application/json")
    builder.answer = builder.client.post(builder.admin + "add/", {"import": "1", "file": file, **more}, follow=True)


def test_a_form_goes_by_file_to_another_organization(
    builder: Builder, sign_in: SignIn, form: UUID, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    builder.get(f"{form}/export/")
    assert builder.answer["Content-Disposition"] == 'attachment; filename="order-laptop.form.json"'
    content = builder.answer.content
    assert str(acme.id) not in content.decode() and json.loads(content)["workflow"] == "order_laptop"

    elsewhere = sign_in(org_id="globex")
    imported(elsewhere, content)

    assert "The form is imported." in elsewhere.text
    with org_context(globex):
        made = Form.objects.get()
    assert newest(globex, made.id).items == newest(acme, form).items and not made.published


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"no json", "Expecting value at line 1"),
        (b"{}", "This is no file of a form."),
        (b"[" * 100_000, ""),
        (b"x" * 1_000_001, ""),
    ],
)
def test_what_is_no_form_makes_none(builder: Builder, acme: OrganizationRecord, content: bytes, complaint: str) -> None:
    imported(builder, content)

    assert builder.answer.status_code == 200 and 'role="alert"' in builder.html and complaint in builder.text
    with org_context(acme):
        assert not Form.objects.exists()


def test_an_address_that_is_taken_is_told_and_another_one_can_be_given(
    builder: Builder, form: UUID, acme: OrganizationRecord
) -> None:
    builder.get(f"{form}/export/")
    content = builder.answer.content
    imported(builder, content)
    assert "There is a form at this address already." in builder.text
    imported(builder, content, slug="second")
    with org_context(acme):
        assert Form.objects.filter(slug="second").exists()
