"""Building a form by plain posts, as a browser without JavaScript does; with JavaScript the same posts are sent."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.test import Client

from forms_app import versions
from forms_app.models import Form, FormDraft
from orgs.models import AuditEvent
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.factories import PASSWORD, make_actor, make_user
from tests.forms_app.builder.conftest import ADMIN, Builder, SignIn, newest, row_of
from workflows_app import catalog

ADA = make_actor("canManageForms")


def names(organization: OrganizationRecord, form: UUID) -> list[str]:
    return [item.get("name") or item["type"] for item in newest(organization, form).items]


def test_a_form_is_made_from_a_workflow_in_one_click(builder: Builder, acme: OrganizationRecord) -> None:
    builder.get("add/")
    assert "Orders a laptop." in builder.text and "For whom, Model, City, Shop, Pieces" in builder.text

    builder.answer = builder.client.post(builder.admin + "add/", {"workflow": "order_laptop"}, follow=True)

    with org_context(acme):
        made = Form.objects.get()
    assert (made.name, made.workflow, made.published) == ("Order laptop", "order_laptop", False)
    assert names(acme, made.id) == ["for_whom", "model", "city", "shop", "pieces"]
    assert "For whom" in builder.text and "not published" in builder.text


def test_workflows_are_searched_and_an_unknown_one_makes_no_form(builder: Builder, acme: OrganizationRecord) -> None:
    builder.get("add/?q=laptop+orders")
    assert "order_laptop" in builder.text
    builder.get("add/?q=printer")
    assert "No workflow has these words." in builder.text
    assert builder.client.post(builder.admin + "add/", {"workflow": "nothing"}).status_code == 404
    with org_context(acme):
        assert not Form.objects.exists()


def test_what_is_changed_is_a_draft_at_once_and_a_version_when_it_is_saved(
    builder: Builder, form: UUID, acme: OrganizationRecord
) -> None:
    builder.open(form, 1)
    builder.press("choose:2", label="Which model?", help="Ask your <b>manager</b>.")

    assert newest(acme, form).items[1]["label"] == "Model"
    builder.open(form, 1)
    assert "Which model?" in builder.text and "kept as a draft" in builder.text
    assert "Ask your <b>manager</b>." not in builder.html
    builder.press("up:1")
    builder.press("save")

    assert "Version 2 is saved. Publish it so that people see it." in builder.text
    assert names(acme, form)[:2] == ["model", "for_whom"]
    assert newest(acme, form).items[0]["help"] == "Ask your <b>manager</b>."
    with org_context(acme):
        assert not FormDraft.objects.exists()


def test_a_move_says_where_the_item_is_now_and_keeps_the_focus(builder: Builder, form: UUID) -> None:
    builder.open(form, 0)
    builder.press("down:0")

    assert "For whom is now 2 of 5." in builder.text
    focused = builder.html.split(" autofocus")[0].rsplit("<button", 1)[1]
    assert 'value="down:1"' in focused


def test_a_condition_is_chosen_step_by_step(builder: Builder, form: UUID, acme: OrganizationRecord) -> None:
    builder.open(form, 3)
    builder.press("apply", when__0__field="model")
    assert 'name="when.0.is"' in builder.html and 'name="when.1.field"' in builder.html
    builder.press("apply", when__0__value="fast", when__1__field="city")
    builder.press("apply", **{"when.1.is": "not_empty", "when.join": "any"})

    assert "when Model is “fast” or City is filled in" in builder.text
    builder.press("save")
    assert newest(acme, form).items[3]["visibleWhen"] == {
        "any": [{"field": "model", "is": "equals", "value": "fast"}, {"field": "city", "is": "not_empty"}]
    }
    builder.press("drop-when:0")
    builder.press("save")
    assert newest(acme, form).items[3]["visibleWhen"] == {"field": "city", "is": "not_empty"}


def test_a_form_that_is_not_right_yet_is_kept_and_not_saved(
    builder: Builder, form: UUID, acme: OrganizationRecord
) -> None:
    builder.open(form, 1)
    builder.press("choose:3", choices="")
    builder.press("up:3")
    builder.press("up:2")
    builder.press("up:1")
    assert "To do before it can be saved" in builder.text

    builder.press("save")

    assert "Not saved: something is missing yet. Your changes are kept." in builder.text
    assert newest(acme, form).number == 1
    assert "Shop : Takes 'city' from 'city', which is no field before it." in builder.text
    builder.open(form, 2)
    problem = builder.html.split('id="c-choices-problem">')[1].split("<")[0]
    assert problem.startswith("Write what there is to choose from")


def test_what_cannot_be_read_is_shown_again_with_the_reason_and_the_rest_is_kept(builder: Builder, form: UUID) -> None:
    builder.open(form, 4)
    builder.press("choose:0", default="many", label="How many")

    assert "Some of it could not be taken over." in builder.text and "Write a number." in builder.text
    assert 'value="many"' in builder.html and 'value="How many"' in builder.html
    builder.press("save", default="3")
    assert "Version 2 is saved." in builder.text


def test_steps_are_undone_one_by_one_and_typing_in_one_item_is_one_step(
    builder: Builder, form: UUID, acme: OrganizationRecord
) -> None:
    builder.open(form, 0)
    builder.press("apply", label="A")
    builder.press("apply", label="AB")
    builder.press("remove:1")
    builder.press("undo")
    builder.press("choose:0")
    assert "Model" in builder.text and 'value="AB"' in builder.html
    builder.press("undo")
    assert 'value="For whom"' in builder.html
    assert 'value="undo"' not in builder.html


def test_items_are_added_and_a_parameter_that_was_removed_is_offered(builder: Builder, form: UUID) -> None:
    builder.open(form, 0)
    builder.press("remove:0")
    assert "The workflow needs “For whom”, which the form does not ask for." in builder.text
    builder.press("add-section", label="Model")
    builder.press("add-field", title="The machine")
    assert "The workflow does not get this value" in builder.text
    builder.press("add-parameter:for_whom", label="Colour")
    builder.press("choose:0")

    assert "The workflow needs" not in builder.text
    row = [part.strip() for part in builder.html.split('class="builder-name">')[1:]]
    assert [each.split("\n")[0].strip() for each in row[:4]] == ["Model", "The machine", "Colour", "For whom"]


def test_the_button_and_the_confirmation_are_of_the_version(
    builder: Builder, form: UUID, acme: OrganizationRecord
) -> None:
    builder.open(form, "end")
    builder.press("save", submit_label="Order it", confirmation="It is on its way.\r\nSoon.")

    saved = newest(acme, form)
    assert (saved.submit_label, saved.confirmation) == ("Order it", "It is on its way.\nSoon.")


def test_publishing_saves_first_and_withdrawing_hides_the_form(
    builder: Builder, form: UUID, acme: OrganizationRecord
) -> None:
    builder.open(form, 0)
    builder.press("publish", label="For which person")
    assert "The form is published" in builder.text
    assert row_of(acme, form).published and newest(acme, form).items[0]["label"] == "For which person"

    builder.press("save", label="Whose")
    assert "Version 3 is saved. People see it now." in builder.text
    builder.press("withdraw")
    assert not row_of(acme, form).published and "nobody sees it any more" in builder.text


def test_a_form_that_misses_what_its_workflow_needs_is_not_published(
    builder: Builder, form: UUID, acme: OrganizationRecord
) -> None:
    builder.open(form, 0)
    builder.press("remove:0")
    builder.press("publish")

    assert "Not published." in builder.text and "for_whom" in builder.text
    assert not row_of(acme, form).published and newest(acme, form).number == 2


def test_a_form_whose_workflow_is_gone_can_still_be_built(builder: Builder, form: UUID, workspace: Path) -> None:
    workspace.write_text("")
    catalog.refresh()

    assert builder.open(form) == 200
    assert "The workspace has no such workflow now" in builder.text
    assert builder.press("save", label="Other") == 200 and "Version 2 is saved." in builder.text


def test_a_version_that_somebody_else_saved_is_not_saved_over(
    builder: Builder, form: UUID, acme: OrganizationRecord
) -> None:
    builder.open(form, 0)
    builder.press("apply", label="Mine")
    items = newest(acme, form).items
    versions.save(acme, form, [{**items[0], "label": "Theirs"}, *items[1:]], expected=1, actor=ADA)

    builder.press("save")

    assert "Not saved, and your changes are kept." in builder.text
    assert newest(acme, form).items[0]["label"] == "Theirs"
    builder.open(form, 0)
    assert 'value="Mine"' in builder.html and "Version 2 was saved since you began from version 1." in builder.text
    builder.press("rebase")
    builder.press("save")
    assert "Version 3 is saved." in builder.text and newest(acme, form).items[0]["label"] == "Mine"


def test_two_tabs_do_not_write_over_each_other_and_what_was_typed_stays_in_sight(
    builder: Builder, form: UUID, acme: OrganizationRecord
) -> None:
    other = Builder(builder.client, "acme")
    builder.open(form, 0)
    other.open(form, 0)
    builder.press("apply", help="From the first tab")

    other.press("apply", placeholder="From the second tab")

    assert "changed in another tab" in other.text
    assert 'value="From the second tab"' in other.html
    builder.open(form, 0)
    assert "From the first tab" in builder.html and "From the second tab" not in builder.html
    other.open(form, 0)
    other.press("apply", placeholder="Again")
    builder.open(form, 0)
    assert "From the first tab" in builder.html and "Again" in builder.html


def test_a_page_from_before_a_discarded_draft_changes_nothing(builder: Builder, form: UUID) -> None:
    late = Builder(builder.client, "acme")
    builder.open(form, 0)
    builder.press("apply", label="One")
    late.open(form, 0)
    builder.get(f"{form}/change/?discard=1")
    assert "Discard everything that you have changed since version 1?" in builder.text
    builder.press("discard")
    assert "Your changes are discarded." in builder.text
    builder.press("apply", label="Two")

    late.press("apply", label="Three")

    assert "changed in another tab" in late.text
    builder.open(form, 0)
    assert 'value="Two"' in builder.html


def test_each_person_has_a_draft_of_their_own(builder: Builder, sign_in: SignIn, form: UUID) -> None:
    builder.open(form, 0)
    builder.press("apply", label="Only mine")
    other = sign_in("technician")

    other.open(form, 0)

    assert "Only mine" not in other.html and "This is version 1." in other.text


def test_the_preview_shows_the_draft_of_who_looks_escaped_and_framed_by_this_site_alone(
    builder: Builder, form: UUID
) -> None:
    builder.open(form, 0)
    builder.press("choose:1", label="<script>alert(1)</script>", kind="email")
    builder.press("apply", choices="")

    builder.get(f"{form}/preview/")

    assert "&lt;script&gt;alert(1)" in builder.html and "<script>alert" not in builder.html
    assert "Model" in builder.text and builder.answer["X-Frame-Options"] == "SAMEORIGIN"


@pytest.mark.parametrize("page", ["change", "preview", "settings", "versions", "export"])
def test_another_organization_s_form_is_not_there(
    sign_in: SignIn, form: UUID, globex: OrganizationRecord, page: str
) -> None:
    elsewhere = sign_in(org_id="globex")

    assert elsewhere.get(f"{form}/{page}/") == 404
    elsewhere.form_id = str(form)
    assert elsewhere.post({"do": "publish", "state": "version 1", "part": "about", "restore": "1"}, page) == 404
    assert elsewhere.get(f"{uuid4()}/{page}/") == 404 and elsewhere.get("nonsense/change/") == 404


@pytest.mark.parametrize("page", ["change", "preview", "settings", "versions", "export"])
def test_only_those_who_manage_forms_come_in(sign_in: SignIn, form: UUID, acme: OrganizationRecord, page: str) -> None:
    auditor = sign_in("auditor")
    assert auditor.get(f"{form}/{page}/") == 403
    auditor.form_id = str(form)
    assert auditor.post({"do": "publish", "state": "version 1"}, page) == 403
    assert auditor.get("add/") == 403 and auditor.get("") == 403
    owner = Client()
    assert owner.login(username=make_user(acme, "owner").email, password=PASSWORD)
    assert owner.get(f"{ADMIN.format('acme')}{form}/{page}/").status_code in {302, 403}
    assert not row_of(acme, form).published


def test_the_list_says_what_there_is(builder: Builder, form: UUID, acme: OrganizationRecord) -> None:
    builder.get("")

    assert "Order laptop" in builder.text and "draft" in builder.text and "everybody" in builder.text


def test_the_audit_log_tells_who_saved_and_published(builder: Builder, form: UUID, acme: OrganizationRecord) -> None:
    builder.open(form, 0)
    builder.press("publish", label="New")

    done = AuditEvent.objects.filter(organization=acme.id, object_kind="form").values_list("operation", flat=True)
    assert {"form.create", "form.change", "form.publish"} <= set(done)


def test_the_number_of_queries_does_not_grow_with_items(
    builder: Builder, form: UUID, acme: OrganizationRecord, django_assert_max_num_queries: object
) -> None:
    texts = [{"type": "text", "text": f"Text {number}"} for number in range(150)]
    versions.save(acme, form, [*newest(acme, form).items, *texts], expected=1, actor=ADA)

    with django_assert_max_num_queries(25):  # type: ignore[operator]
        assert builder.open(form, 3) == 200
    assert "Text 149" in builder.text


@pytest.mark.parametrize(
    ("do", "typed"),
    [
        ("up:" + "9" * 5_000, {}),
        ("drop-when:" + "9" * 5_000, {}),
        ("choose:-5", {}),
        ("add-parameter:nothing", {}),
        ("", {}),
        ("apply", {"kind": "nonsense"}),
        ("apply", {"label": "with \x00 nothing", "help": "\x00"}),
        ("apply", {"chosen": "9" * 5_000}),
        ("apply", {"was": "field other", "label": "Of another item"}),
        ("apply", {"name": "{{ settings }}", "label": "{% load x %}'; DROP TABLE forms_app_form; --"}),
    ],
)
def test_what_no_page_sends_breaks_nothing(builder: Builder, form: UUID, do: str, typed: dict[str, str]) -> None:
    builder.open(form, 2)

    assert builder.press(do, **typed) == 200
    assert builder.open(form, 2) == 200 and "Pieces" in builder.text
