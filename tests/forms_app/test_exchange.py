"""A form goes out as a file and comes in again as it was, without what belongs to one organization."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from bifrost.sdk.errors import ValidationError
from forms_app import versions
from forms_app.errors import UnknownForm
from forms_app.exchange import export_form, import_form
from forms_app.models import Form
from forms_app.public import open_link
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.audit_log import log

from .conftest import BUILDER, MESSAGE, FormMaker

SECTION = {"type": "section", "title": "Überschrift", "text": "**Fett** <script>alert(1)</script>"}
WHEN = {"field": "message", "is": "equals", "value": "loud"}
TIMES = {
    "type": "field",
    "name": "times",
    "kind": "number",
    "label": "Times",
    "rules": {"whole": True},
    "visibleWhen": WHEN,
}
ITEMS = [SECTION, MESSAGE, TIMES]


@pytest.fixture
def exported(acme: OrganizationRecord, make_form: FormMaker) -> bytes:
    made = make_form(
        acme,
        slug="hello",
        items=ITEMS,
        name="Say hello",
        description="To somebody",
        category="Social",
        roles=["requester", "operator"],
        groups=[uuid4()],
        shared_all=True,
        shared_tags=["platinum"],
        shared_organizations=[uuid4()],
    )
    open_link(acme, made, BUILDER, until=timezone.now() + timedelta(days=1))
    return export_form(acme, made)


def test_a_form_comes_in_as_it_went_out(globex: OrganizationRecord, exported: bytes) -> None:
    made = import_form(globex, BUILDER, exported)
    with org_context(globex):
        form = Form.objects.get(id=made)
    assert (form.slug, form.name, form.description, form.category) == ("hello", "Say hello", "To somebody", "Social")
    assert (form.workflow, sorted(form.roles)) == ("greet", ["operator", "requester"])
    assert [version.items for version in versions.list_versions(globex, made)] == [ITEMS]
    assert export_form(globex, made) == exported
    assert log("form.import") == [("form.import", f"form:{made}", "Bea")]


def test_nothing_of_the_organization_goes_out_and_nothing_comes_in_published(
    acme: OrganizationRecord, globex: OrganizationRecord, exported: bytes
) -> None:
    with org_context(acme):
        before = Form.objects.get()
    text = exported.decode()
    for part in (
        acme.id,
        acme.id.hex,
        acme.schema_name,
        before.id,
        *before.groups,
        *before.shared_organizations,
        "platinum",
        "public",
        "Bea",
        "bea@",
    ):
        assert str(part) not in text
    made = import_form(globex, BUILDER, exported)
    with org_context(globex):
        form = Form.objects.get(id=made)
    assert (form.published, form.public_until, form.groups, form.shared_all) == (False, None, [], False)
    assert (form.shared_tags, form.shared_organizations) == ([], [])


def test_no_default_that_could_be_a_secret_goes_out(acme: OrganizationRecord, make_form: FormMaker) -> None:
    def field(name: str, kind: str, **more: Any) -> dict[str, Any]:
        return {"type": "field", "name": name, "kind": kind, "sent": False, **more}

    made = make_form(
        acme,
        items=[
            MESSAGE,
            field("api_token", "text", default="s3cret-token", mode="fixed"),
            field("settings", "json", default={"password": "s3cret-deep", "host": "h"}),
            field("rows", "group", fields=[{"name": "client_secret", "kind": "text", "default": "s3cret-row"}]),
            field("country", "text", default="NO", mode="hidden"),
        ],
    )
    file = export_form(acme, made)
    assert b"s3cret" not in file
    items = {item["name"]: item for item in json.loads(file)["items"]}
    assert items["country"]["default"] == "NO" and items["country"]["mode"] == "hidden"
    assert "mode" not in items["api_token"]  # without its value it is asked
    made_again = import_form(acme, BUILDER, file, slug="again")
    assert versions.list_versions(acme, made_again)[0].number == 1


def test_an_address_that_is_taken_is_named(acme: OrganizationRecord, exported: bytes) -> None:
    with pytest.raises(ValidationError) as refused:
        import_form(acme, BUILDER, exported)
    assert refused.value.field == "slug"
    assert import_form(acme, BUILDER, exported, slug="hello-2")


def test_another_organization_s_form_does_not_go_out(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord, make_form: FormMaker
) -> None:
    for holder in (globex, msp):
        with pytest.raises(UnknownForm):
            export_form(acme, make_form(holder, shared_all=True))


def without(name: str) -> Any:
    return lambda document: {key: value for key, value in document.items() if key != name}


def having(**values: Any) -> Any:
    return lambda document: {**document, **values}


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (having(kind="other"), "kind"),
        (having(format=2), "format"),
        (having(shared_all=True), "shared_all"),
        (having(id=str(uuid4())), "id"),
        (having(published=True), "published"),
        (without("workflow"), "workflow"),
        (having(name=" "), "name"),
        (having(name="x" * 201), "name"),
        (having(name=["x"]), "name"),
        (having(slug="../x"), "slug"),
        (having(roles="admin"), "roles"),
        (having(roles=["emperor"]), "roles"),
        (having(roles=[{"a": 1}]), "roles"),
        (having(submitLabel="x" * 61), "submitLabel"),
        (having(items={}), "items"),
        (having(items=[{"type": "field", "name": "a b"}]), "items"),
        (having(items=[{"type": "iframe"}]), "items"),
        (without("items"), "items"),
    ],
)
def test_a_bad_file_is_refused_and_the_bad_part_is_named(
    globex: OrganizationRecord, exported: bytes, spoil: Any, field: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        import_form(globex, BUILDER, json.dumps(spoil(json.loads(exported))).encode())
    assert refused.value.field == field
    with org_context(globex):
        assert not Form.objects.exists()


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b"[]", b"\xff\xfe", b'{"a": NaN}', b"{" * 5000, b"x" * 1_000_001]
)
def test_what_is_no_form_s_file_is_refused(globex: OrganizationRecord, content: bytes) -> None:
    with pytest.raises(ValidationError):
        import_form(globex, BUILDER, content)
