"""The first page, and what every page has in common."""

from __future__ import annotations

from datetime import timedelta
from time import thread_time

import pytest
from django.conf import settings as project
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from uuid6 import uuid7

from forms_app.models import Form, FormVersion, Submission
from forms_app.portal.home import categories_of, matches
from forms_app.portal.middleware import POLICY
from orgs import directory
from orgs.models import User
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.factories import make_user
from tests.forms_app.portal.people import as_role, html, text, visitor
from workflows_app.alerts.models import Notice
from workflows_app.dispatch import settled
from workflows_app.models import Approval, Execution

WHO = {"kind": "user", "id": "1", "email": "ada@acme.example", "name": "Ada"}


def make_forms(organization: OrganizationRecord, *named: tuple[str, str, str]) -> None:
    """Published forms of these names, categories and descriptions."""
    forms = [
        Form(
            slug=f"form-{uuid7().hex}",
            name=name,
            category=category,
            description=said,
            workflow="my_first_workflow",
            published=True,
        )
        for name, category, said in named
    ]
    with org_context(organization):
        Form.objects.bulk_create(forms)
        FormVersion.objects.bulk_create(FormVersion(form=form.id, number=1, items=[], saved_by=WHO) for form in forms)


def make_executions(
    organization: OrganizationRecord, user: User, count: int, status: str = "Success"
) -> list[Execution]:
    made = [
        Execution(
            id=uuid7(),
            workflow="reset_password",
            status=status,
            input={},
            trigger={"type": "form"},
            executed_by={**WHO, "id": str(user.id)},
            actor=f"user:{user.id}",
            code_version="1",
        )
        for _ in range(count)
    ]
    with org_context(organization):
        Execution.objects.bulk_create(made)
    return made


def make_approval(organization: OrganizationRecord, asker: User, title: str, permission: str = "canApprove") -> None:
    [execution] = make_executions(organization, asker, 1, "PendingApproval")
    asked_by = {"kind": "user", "id": str(asker.id), "email": asker.email, "name": asker.name}
    with org_context(organization):
        Approval.objects.create(
            execution=execution,
            workflow="reset_password",
            title=title,
            requested_by=asked_by,
            requester=f"user:{asker.id}",
            permission=permission,
            expires_at=timezone.now() + timedelta(days=1),
        )


def test_forms_stand_under_their_categories(acme: OrganizationRecord) -> None:
    make_forms(
        acme, ("New laptop", "Equipment", "For a new colleague"), ("A mouse", "Equipment", ""), ("Leave", "HR", "")
    )
    client, _ = as_role(acme, "requester")
    page = text(client.get("/"))
    places = [page.index(word) for word in ("Equipment", "A mouse", "New laptop", "For a new colleague", "HR", "Leave")]
    assert places == sorted(places)


def test_forms_are_found_by_words_without_javascript(acme: OrganizationRecord) -> None:
    make_forms(acme, ("New laptop", "Equipment", "For a colleague"), ("Password", "Access", "Reset yours"))
    client, _ = as_role(acme, "requester")
    found = text(client.get("/?q=COLLEAGUE+new"))
    assert "1 form " in found and "New laptop" in found and "Reset yours" not in found
    assert "Reset yours" in text(client.get("/?q=access"))
    assert "No form fits" in text(client.get("/?q=nothing"))
    assert "&lt;b&gt;" in html(client.get("/?q=<b>")) and "<b>" not in html(client.get("/?q=<b>"))
    for odd in ("%00", "%25", "%C3%A9", "x" * 5000):
        assert client.get(f"/?q={odd}").status_code == 200


def test_a_long_category_opens_by_a_link(acme: OrganizationRecord) -> None:
    make_forms(acme, *((f"Form {number:02}", "A & B", "") for number in range(20)), ("Other", "C", ""))
    client, _ = as_role(acme, "requester")
    page = html(client.get("/"))
    assert "Form 08" in page and "Form 09" not in page and "11 more in A &amp; B" in page
    link = page.partition('<a href="?category=')[2].partition('"')[0]
    opened = text(client.get(f"/?category={link}"))
    assert "Form 19" in opened and "Other" not in opened
    assert "No form fits" in text(client.get("/?category=nope"))


def test_an_empty_portal_says_so(acme: OrganizationRecord) -> None:
    client, _ = as_role(acme, "requester")
    page = text(client.get("/"))
    assert "No forms yet" in page
    assert "Search forms" not in page and "Your latest requests" not in page


def test_another_organizations_forms_and_requests_are_not_there(
    acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    make_forms(globex, ("Secret plan", "HR", ""))
    client, user = as_role(acme, "owner")
    make_executions(globex, user, 1)
    page = text(client.get("/"))
    assert "Secret plan" not in page and "Your latest requests" not in page


def test_ones_latest_requests_are_told_under_the_names_of_their_forms(acme: OrganizationRecord) -> None:
    client, user = as_role(acme, "requester")
    first, second = make_executions(acme, user, 2)
    make_executions(acme, make_user(acme, "requester"), 1, "Failed")
    with org_context(acme):
        form = uuid7()
        version = FormVersion.objects.create(form=form, number=1, items=[], saved_by=WHO)
        Submission.objects.create(
            id=uuid7(), version=version, form=form, slug="x", name="A new password", submitted_by=WHO,
            actor=f"user:{user.id}", execution=second.id,
        )  # fmt: skip
    page = html(client.get("/"))
    assert "A new password" in page and "Reset password" in page and "Done" in page and "Failed" not in page
    assert f"/requests/{first.id}" in page and f"/requests/{second.id}" in page


def test_what_waits_for_a_persons_decision_is_told_and_counted(acme: OrganizationRecord) -> None:
    asker = make_user(acme, "requester", name="Rita")
    make_approval(acme, asker, "A laptop for <Rita>")
    client, approver = as_role(acme, "operator")
    make_approval(acme, approver, "My own")
    make_approval(acme, asker, "Not mine", "canManageMembers")
    page = html(client.get("/"))
    assert "A laptop for &lt;Rita&gt;" in page and "asked by Rita" in page
    assert "My own" not in page and "Not mine" not in page
    assert "Approvals 1 new" in text(client.get("/profile"))
    assert "Approvals 1" not in text(visitor(acme, asker).get("/"))


def test_unread_notices_are_counted_for_each_person(acme: OrganizationRecord) -> None:
    client, user = as_role(acme, "requester")
    with org_context(acme):
        for number, recipient in enumerate([f"user:{user.id}", f"user:{user.id}", "user:somebody"]):
            Notice.objects.create(key=str(number), recipient=recipient, subject="x", message="x")
    assert "Notices 2 new" in text(client.get("/"))


# --- Costs ------------------------------------------------------------------------------------------------------------


@pytest.mark.faults
def test_with_500_forms_and_10000_requests_it_is_as_quick_and_as_light(acme: OrganizationRecord) -> None:
    client, user = as_role(acme, "operator")
    queries, times = [], []  # of this thread, so that what else the machine does makes no difference
    for forms, requests in ((3, 5), (500, 10_000)):
        make_forms(acme, *((f"Form {number}", f"Category {number % 10}", "x" * 200) for number in range(forms)))
        make_executions(acme, user, requests)
        client.get("/")
        for _ in range(5):
            directory.forget()  # what was kept from before would make a difference
            settled.forget()
            with CaptureQueriesContext(connection) as captured:
                begun = thread_time()
                page = client.get("/")
                times.append(thread_time() - begun)
            queries.append([query["sql"] for query in captured if not query["sql"].startswith("SET ")])
    assert len({len(asked) for asked in queries}) == 1
    assert len(queries[0]) <= 17, queries[0]
    assert min(times) < 0.1
    assets = [
        project.BASE_DIR / "forms_app/static/portal" / name for name in ("portal.css", "portal.js", "htmx.min.js")
    ]
    assert len(page.content) + sum(path.stat().st_size for path in assets) < 150_000


def test_words_are_sought_in_all_that_is_said_of_a_form() -> None:
    from types import SimpleNamespace

    form = SimpleNamespace(name="New Laptop", description="for people", category="Equipment")
    assert matches(form, "") and matches(form, "laptop EQUIP") and not matches(form, "laptop phone")  # type: ignore[arg-type]
    many = [SimpleNamespace(name=str(number), description="", category="c") for number in range(5)]
    [category] = categories_of(many, 3)  # type: ignore[arg-type]
    assert (len(category.forms), category.more) == (3, 2)


# --- Every page -------------------------------------------------------------------------------------------------------

PAGES = ["/", "/profile", "/profile/password", "/profile/tokens", "/members", "/members/invite", "/groups", "/branding"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_needs_signing_in_and_is_kept_nowhere_and_may_load_only_ours(
    acme: OrganizationRecord, path: str
) -> None:
    assert visitor(acme).get(path)["Location"] == f"/sign-in?next={path}"
    client, _ = as_role(acme, "owner")
    answer = client.get(path)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert answer["Content-Security-Policy"] == POLICY
    assert answer["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_one_heading_a_way_past_the_menu_and_no_script_or_style_in_itself(
    acme: OrganizationRecord, path: str
) -> None:
    page = html(as_role(acme, "owner")[0].get(path))
    assert page.count("<h1") == 1 and 'href="#main"' in page and '<html lang="en">' in page
    assert "style=" not in page and "<style" not in page and "onclick" not in page
    assert page.count("<script") == page.count("<script src=")


def test_the_staffs_own_pages_are_not_bound_by_the_portals_policy(
    acme: OrganizationRecord, msp: OrganizationRecord
) -> None:
    client = visitor(acme, make_user(msp, "owner", all_organizations=True))
    assert "Content-Security-Policy" not in client.get("/admin/").headers
    assert 'href="/admin/"' in html(client.get("/"))


def test_the_menu_shows_what_one_may_open(acme: OrganizationRecord) -> None:
    page = text(as_role(acme, "requester")[0].get("/"))
    for hidden in ("All requests", "Members", "Branding", "Administration"):
        assert hidden not in page
    assert "My requests" in page
    assert "All requests" in text(as_role(acme, "viewer")[0].get("/"))
    admin = html(as_role(acme, "admin")[0].get("/members"))
    assert 'href="/members" aria-current="page"' in admin


@pytest.mark.parametrize("path", ["/", "/members"])
def test_links_keep_the_organization_of_the_path(acme: OrganizationRecord, path: str) -> None:
    client = visitor(acme, make_user(acme, "owner"))
    page = html(client.get(f"/o/acme{path}", headers={"Host": "testserver"}))
    assert 'href="/o/acme/profile"' in page and 'href="/profile"' not in page
