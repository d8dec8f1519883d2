"""Which forms somebody finds: by organization, audience, role and group."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bifrost.sdk.errors import PermissionError
from forms_app.catalog import form_for, forms_for
from forms_app.errors import UnknownForm
from forms_app.models import Form, FormVersion
from forms_app.submitting import submit
from orgs import directory
from orgs.permissions import EXECUTE_WORKFLOWS, SUBMIT_FORMS
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from tests.factories import change, make_actor, make_user
from workflows_app.dispatch import settled
from workflows_app.dispatch.models import WorkflowSetting

from .conftest import BUILDER, MESSAGE, FormMaker, acting

PROGRAM = make_actor(SUBMIT_FORMS, kind="token")


def found(organization: OrganizationRecord, actor: Actor) -> list[str]:
    """The addresses of the forms that the actor finds; each of them opens, and nothing else does."""
    slugs = [form.slug for form in forms_for(organization, actor)]
    for slug in slugs:
        assert form_for(organization, slug, actor).slug == slug
    return slugs


def opens(organization: OrganizationRecord, slug: str, actor: Actor) -> bool:
    try:
        form_for(organization, slug, actor)
    except UnknownForm:
        return False
    return True


def test_published_forms_of_one_s_own_organization_are_found(
    acme: OrganizationRecord, globex: OrganizationRecord, make_form: FormMaker, requester: Actor
) -> None:
    make_form(acme, slug="own")
    make_form(acme, slug="draft", published=False)
    make_form(globex, slug="theirs")
    assert found(acme, requester) == ["own"]
    assert not opens(acme, "draft", requester) and not opens(acme, "theirs", requester)


def test_a_form_has_all_that_filling_in_takes(acme: OrganizationRecord, make_form: FormMaker, requester: Actor) -> None:
    made = make_form(acme, slug="hello", description="Says hello", items=[MESSAGE])
    form = form_for(acme, "hello", requester)
    assert (form.id, form.version, form.workflow, form.shared) == (made, 2, "greet", False)
    assert [field.name for field in form.definition.fields] == ["message"]
    with org_context(acme):
        assert FormVersion.objects.get(id=form.version_id).number == 2


def test_forms_are_in_order_of_category_and_name(
    acme: OrganizationRecord, make_form: FormMaker, requester: Actor
) -> None:
    for slug, category, name in (
        ("c", "people", "z"),
        ("b", "Office", "b"),
        ("a", "Office", "A"),
        ("d", "People", "y"),
    ):
        make_form(acme, slug=slug, category=category, name=name)
    assert found(acme, requester) == ["a", "b", "d", "c"]


# --- what the MSP shares ----------------------------------------------------------------------------------------------


def test_the_msp_s_forms_reach_those_they_are_shared_with(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord, make_form: FormMaker
) -> None:
    make_form(msp, slug="for-all", shared_all=True)
    make_form(msp, slug="for-gold", shared_tags=["gold", "silver"])
    make_form(msp, slug="for-acme", shared_organizations=[acme.id])
    make_form(msp, slug="for-nobody")
    make_form(msp, slug="not-yet", shared_all=True, published=False)
    assert found(acme, PROGRAM) == ["for-acme", "for-all"]
    assert found(globex, PROGRAM) == ["for-all", "for-gold"]
    assert found(msp, PROGRAM) == ["for-acme", "for-all", "for-gold", "for-nobody"]
    for slug in ("for-nobody", "not-yet", "for-gold"):
        assert not opens(acme, slug, PROGRAM), slug
        assert not opens(acme, slug, BUILDER) and slug not in found(acme, BUILDER)
    assert {form.shared for form in forms_for(acme, PROGRAM)} == {True}


def test_an_organization_that_loses_the_tag_loses_the_form(
    globex: OrganizationRecord, msp: OrganizationRecord, make_form: FormMaker
) -> None:
    make_form(msp, slug="for-gold", shared_tags=["gold"])
    assert found(change(globex, tags=[]), PROGRAM) == []
    assert found(change(globex, tags=["gold", "north"]), PROGRAM) == ["for-gold"]


def test_a_customer_s_own_columns_of_sharing_mean_nothing(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord, make_form: FormMaker
) -> None:
    make_form(globex, slug="ours", shared_all=True, shared_organizations=[acme.id, msp.id])
    assert found(acme, PROGRAM) == found(msp, PROGRAM) == []


def test_an_own_form_hides_the_msp_s_of_the_same_address(
    acme: OrganizationRecord, msp: OrganizationRecord, make_form: FormMaker, requester: Actor
) -> None:
    make_form(msp, slug="hello", name="The MSP's", shared_all=True)
    assert [form.name for form in forms_for(acme, requester)] == ["The MSP's"]
    own = make_form(acme, slug="hello", name="Our own", roles=["operator"])
    # The address means one form, whoever asks: it does not depend on one's role which.
    assert found(acme, requester) == [] and not opens(acme, "hello", requester)
    with org_context(acme):
        Form.objects.filter(id=own).update(roles=[])
    assert [form.name for form in forms_for(acme, requester)] == ["Our own"]
    assert form_for(acme, "hello", requester).name == "Our own"


# --- access -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("owner", ["a-open", "b-operators", "c-requesters"]),
        ("admin", ["a-open", "b-operators", "c-requesters"]),
        ("operator", ["a-open", "b-operators"]),
        ("requester", ["a-open", "c-requesters"]),
        ("viewer", []),  # may not submit at all
    ],
)
@pytest.mark.parametrize("holder", ["acme", "msp"])
def test_a_form_may_be_for_some_roles(
    acme: OrganizationRecord,
    organizations: dict[str, OrganizationRecord],
    make_form: FormMaker,
    role: str,
    expected: list[str],
    holder: str,
) -> None:
    where = organizations[holder]
    for slug, roles in (("a-open", []), ("b-operators", ["operator"]), ("c-requesters", ["requester", "nobody"])):
        make_form(where, slug=slug, name=slug, roles=roles, shared_all=True)
    actor = acting(make_user(acme, role), role)
    assert found(acme, actor) == expected
    for hidden in {"a-open", "b-operators", "c-requesters"} - set(expected):
        assert not opens(acme, hidden, actor)


def test_a_role_elsewhere_opens_nothing_here(
    acme: OrganizationRecord, globex: OrganizationRecord, make_form: FormMaker
) -> None:
    make_form(acme, slug="operators", roles=["operator"])
    stranger = make_user(globex, "operator")
    assert found(acme, acting(stranger, "requester")) == []


def test_a_form_may_be_for_groups(
    acme: OrganizationRecord, make_form: FormMaker, requester: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = uuid4(), uuid4()

    def groups_of(user: UUID, organization: UUID) -> frozenset[UUID]:
        return frozenset({mine}) if (str(user), organization) == (requester.id, acme.id) else frozenset()

    monkeypatch.setattr(directory, "groups_of", groups_of)
    make_form(acme, slug="a-mine", name="a", groups=[mine, other])
    make_form(acme, slug="b-other", name="b", groups=[other])
    make_form(acme, slug="c-role-or-group", name="c", groups=[other], roles=["requester"])
    assert found(acme, requester) == ["a-mine", "c-role-or-group"]
    assert not opens(acme, "b-other", requester)
    assert found(acme, BUILDER) == ["a-mine", "b-other", "c-role-or-group"]


def test_a_program_has_neither_role_nor_group(acme: OrganizationRecord, make_form: FormMaker) -> None:
    make_form(acme, slug="open")
    make_form(acme, slug="requesters", roles=["requester"])
    make_form(acme, slug="group", groups=[uuid4()])
    assert found(acme, PROGRAM) == ["open"]
    assert not opens(acme, "open", make_actor(EXECUTE_WORKFLOWS, kind="token"))


def test_what_cannot_be_started_is_not_offered(
    acme: OrganizationRecord, make_form: FormMaker, requester: Actor
) -> None:
    for workflow in ("greet", "internal", "nightly", "guarded"):
        make_form(acme, workflow, slug=workflow)
    with org_context(acme):
        Form.objects.create(slug="gone", name="Gone", workflow="gone", published=True)
    assert [form.slug for form in forms_for(acme, requester)] == ["greet"]
    admin = acting(make_user(acme, "admin"), "admin")
    assert [form.slug for form in forms_for(acme, admin)] == ["greet", "guarded"]


def test_what_is_switched_off_for_the_organization_is_not_offered_there(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord, make_form: FormMaker
) -> None:
    make_form(msp, slug="hello", shared_all=True)
    WorkflowSetting.objects.create(organization=acme.id, workflow="greet", enabled=False)
    settled.forget()
    assert forms_for(acme, PROGRAM) == []
    assert found(globex, PROGRAM) == ["hello"]
    with pytest.raises(PermissionError, match="switched off"):
        submit(acme, PROGRAM, form_for(acme, "hello", PROGRAM), {"message": "hi"}, uuid4())


@pytest.mark.parametrize("slug", ["", "nothing", "\0", "a" * 5000, "' OR 1=1 --", "{{ 7 * 7 }}", "<script>", "HELLO"])
def test_no_address_is_an_unknown_form(
    acme: OrganizationRecord, make_form: FormMaker, requester: Actor, slug: str
) -> None:
    make_form(acme, slug="hello")
    assert not opens(acme, slug, requester)


# --- how much it costs ------------------------------------------------------------------------------------------------


def plant(organization: OrganizationRecord, number: int) -> None:
    forms = [
        Form(slug=f"planted-{each}", name=f"Planted {each}", workflow="greet", published=True, shared_all=True)
        for each in range(number)
    ]
    with org_context(organization):
        Form.objects.bulk_create(forms)
        FormVersion.objects.bulk_create(
            FormVersion(form=form.id, number=1, items=[MESSAGE], saved_by={}) for form in forms
        )


def test_the_number_of_queries_does_not_grow_with_forms(
    acme: OrganizationRecord, msp: OrganizationRecord, make_form: FormMaker, requester: Actor
) -> None:
    make_form(acme, slug="hello")
    make_form(msp, slug="shared", shared_all=True)

    def queries() -> list[int]:
        counts = []
        for look in (lambda: forms_for(acme, requester), lambda: form_for(acme, "shared", requester)):
            with CaptureQueriesContext(connection) as captured:
                look()
            counts.append(len(captured))
        return counts

    queries()  # who the person is, is remembered for a moment
    few = queries()
    plant(acme, 500)
    plant(msp, 500)
    directory.forget()
    queries()
    assert queries() == few
    assert len(forms_for(acme, requester)) == 502  # those of the MSP at the same addresses are hidden
