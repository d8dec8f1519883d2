"""The settings page: name, access, sharing, public link."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from forms_app import versions
from forms_app.models import Form
from orgs.models import AuditEvent
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.factories import change, make_actor
from tests.forms_app.builder.conftest import Builder, SignIn, newest, row_of

ADA = make_actor("canManageForms")
LATER = f"{timezone.now() + timedelta(days=3):%Y-%m-%dT%H:%M}"


@pytest.fixture
def shared(msp: OrganizationRecord) -> UUID:
    """A form of the MSP's."""
    return versions.create(msp, ADA, "order_laptop")


@pytest.fixture
def at(builder: Builder, form: UUID) -> Builder:
    builder.form_id = str(form)
    return builder


@pytest.fixture
def at_msp(sign_in: SignIn, shared: UUID) -> Builder:
    visitor = sign_in(org_id="msp")
    visitor.form_id = str(shared)
    return visitor


def test_name_category_and_description_are_changed(at: Builder, form: UUID, acme: OrganizationRecord) -> None:
    at.post({"part": "about", "name": "Laptop", "category": "IT", "description": "A <new> laptop"}, "settings")

    found = row_of(acme, form)
    assert (found.name, found.category, found.description) == ("Laptop", "IT", "A <new> laptop")
    event = AuditEvent.objects.get(organization=acme.id, operation="form.change")
    assert event.metadata["fields"] == ["name", "category", "description"]
    assert "Saved." in at.text and "A &lt;new&gt; laptop" in at.html


def test_a_form_without_a_name_is_refused_and_stays(at: Builder, form: UUID, acme: OrganizationRecord) -> None:
    at.post({"part": "about", "name": " ", "category": "IT", "description": ""}, "settings")

    assert "This field is required" in at.text and row_of(acme, form).name == "Order laptop"


def test_who_may_use_it_is_chosen_by_role(at: Builder, form: UUID, acme: OrganizationRecord) -> None:
    at.post({"part": "access", "roles": ["requester", "operator"]}, "settings")
    assert set(row_of(acme, form).roles) == {"requester", "operator"}

    at.post({"part": "access", "roles": ["king"]}, "settings")
    assert "king is not one of the available choices" in at.text
    at.post({"part": "access"}, "settings")
    assert row_of(acme, form).roles == []


def test_sharing_tells_who_would_have_it_before_it_is_saved(
    at_msp: Builder, shared: UUID, msp: OrganizationRecord, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    chosen = {"shared_tags": "gold", "shared_organizations": [str(acme.id)]}

    at_msp.post({"part": "audience", **chosen}, "settings")

    assert "Customers who would have it (not saved yet): 2" in at_msp.text
    assert row_of(msp, shared).shared_tags == []
    at_msp.post({"part": "sharing", **chosen}, "settings")
    found = row_of(msp, shared)
    assert (found.shared_all, found.shared_tags, found.shared_organizations) == (False, ["gold"], [acme.id])
    assert "Customers who have it now: 2 Acme Globex" in at_msp.text


def test_the_msp_itself_is_no_customer_and_a_suspended_one_is_told(
    at_msp: Builder, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    change(globex, status="suspended")

    at_msp.post({"part": "sharing", "shared_all": "on"}, "settings")

    assert "Customers who have it now: 2 Acme Globex suspended" in at_msp.text


def test_only_those_who_have_all_customers_share(
    sign_in: SignIn, shared: UUID, msp: OrganizationRecord, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    owner = sign_in("owner", org_id="msp", organizations=(acme,))
    owner.form_id = str(shared)

    owner.get(f"{shared}/settings/")

    assert "Forms are shared by those who have all customers." in owner.text and "Globex" not in owner.text
    assert owner.post({"part": "sharing", "shared_all": "on"}, "settings") == 403
    owner.post({"part": "audience", "shared_all": "on"}, "settings")
    assert "Globex" not in owner.text
    assert row_of(msp, shared).shared_all is False


def test_nor_do_others_change_what_all_customers_may_have(
    sign_in: SignIn, shared: UUID, acme: OrganizationRecord
) -> None:
    technician = sign_in("technician", org_id="msp", organizations=(acme,))
    technician.form_id = str(shared)

    technician.get(f"{shared}/settings/")

    assert "Not allowed" in technician.text
    assert technician.post({"part": "about", "title": "Mine"}, "settings") == 403


def test_a_customer_s_form_is_not_shared(at: Builder, form: UUID, acme: OrganizationRecord) -> None:
    at.get(f"{form}/settings/")

    assert "Customers who have it" not in at.text
    assert at.post({"part": "sharing", "shared_all": "on"}, "settings") == 403
    assert row_of(acme, form).shared_all is False


@pytest.fixture
def without_provider(form: UUID, acme: OrganizationRecord) -> UUID:
    items = [item for item in newest(acme, form).items if item["name"] != "shop"]
    versions.save(acme, form, items, expected=1, actor=ADA)
    return form


def links(page: Builder) -> list[str]:
    return re.findall(r"http://testserver/o/acme/public/\S+?(?=<)", page.html)


def test_a_public_link_is_opened_renewed_and_closed(at: Builder, without_provider: UUID) -> None:
    at.get(f"{without_provider}/settings/")
    assert links(at) == []
    at.post({"part": "link", "until": LATER, "per_hour": "5"}, "settings")
    (first,) = links(at)
    assert "The form is not published, so the link does not work yet." in at.text
    at.post({"part": "link", "until": LATER, "per_hour": "5"}, "settings")
    (second,) = links(at)
    assert second != first
    at.post({"part": "end-link"}, "settings")
    assert "The public link is closed." in at.text and links(at) == []


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"until": "2020-01-01T00:00", "per_hour": "5"}, "has to end at a time to come"),
        ({"until": "soon", "per_hour": "5"}, "Enter a valid date/time."),
        ({"until": LATER, "per_hour": "0"}, "greater than or equal to 1"),
    ],
)
def test_a_link_that_cannot_be_is_refused(
    at: Builder, without_provider: UUID, acme: OrganizationRecord, values: dict[str, str], complaint: str
) -> None:
    at.post({"part": "link", **values}, "settings")

    assert complaint in at.text and row_of(acme, without_provider).public_until is None


def test_a_form_with_a_data_provider_gets_no_link(at: Builder, form: UUID, acme: OrganizationRecord) -> None:
    at.post({"part": "link", "until": LATER, "per_hour": "5"}, "settings")

    assert "data provider" in at.text and row_of(acme, form).public_until is None


def test_deleting_asks_first(at: Builder, form: UUID, acme: OrganizationRecord) -> None:
    at.get(f"{form}/settings/?delete=1")
    assert "Delete the form? Nobody can fill it in any more." in at.text
    at.post({"part": "delete"}, "settings")
    with org_context(acme):
        assert not Form.objects.exists()
    assert "The form is deleted." in at.text
