"""Who makes a request, and in which organization: every kind of credentials against every way of naming one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from orgs import directory
from orgs.errors import (
    AccessDenied,
    OrganizationNotReady,
    OrganizationRequired,
    OrganizationSuspended,
    Unauthenticated,
    UnknownOrganization,
)
from orgs.models import ApiToken, Domain, User
from orgs.records import OrganizationRecord
from orgs.resolver import resolve
from orgs.tokens import issue_token, revoke_token
from tests.factories import change, make_token, make_user


def request(
    token: str = "", *, user: User | None = None, org: str = "", path_org: str = "", host: str = "", **headers: str
) -> HttpRequest:
    """A request with a token or a session, which names an organization by header, path or host."""
    if token:
        headers.setdefault("authorization", f"Bearer {token}")
    if org:
        headers["x-organization-id"] = org
    extra: dict[str, Any] = {"HTTP_HOST": host} if host else {}
    made = RequestFactory().get("/api/workflows", headers=headers, **extra)
    made.user = user or AnonymousUser()
    if path_org:
        made.path_org_id = path_org  # type: ignore[attr-defined]
    return made


def at(organization: OrganizationRecord, host: str) -> str:
    Domain.objects.create(tenant_id=organization.id, domain=host)
    directory.forget()
    return host


# --- Credentials --------------------------------------------------------------------------------------------------


def test_a_token_is_accepted_as_bearer(acme: OrganizationRecord) -> None:
    access = resolve(request(make_token(acme, ("canExecuteWorkflows",), name="ticketing")))
    assert access.organization == acme
    assert (access.actor.kind, access.actor.name, access.actor.token_name) == ("token", "ticketing", "ticketing")
    assert access.actor.permissions == {"canExecuteWorkflows"}


def test_a_token_is_accepted_as_functions_key(acme: OrganizationRecord) -> None:
    access = resolve(request(**{"x-functions-key": make_token(acme)}))
    assert access.organization == acme


@pytest.mark.parametrize(
    "authorization",
    ["Basic YTpi", "Bearer", "Bearer ", "bfr_abc", "Bearer bfr_unknown", "Bearer \x00", "Bearer bfr_é\udce9"],
)
def test_bad_credentials_are_401(db: None, authorization: str) -> None:
    bad = request()
    bad.META["HTTP_AUTHORIZATION"] = authorization
    with pytest.raises(Unauthenticated):
        resolve(bad)


def test_no_credentials_are_401(db: None) -> None:
    with pytest.raises(Unauthenticated, match="sign in"):
        resolve(request())


def test_a_person_s_own_token_is_that_person(acme: OrganizationRecord) -> None:
    owner = make_user(acme, "operator")
    own = issue_token(acme, "mine", ["canApprove"], owner=owner.id)
    assert resolve(request(own.plain)).actor.email == owner.email
    assert resolve(request(make_token(acme))).actor.email == ""


def test_a_bad_token_is_not_saved_by_a_session(acme: OrganizationRecord) -> None:
    with pytest.raises(Unauthenticated):
        resolve(request("bfr_wrong", user=make_user(acme)))


def test_a_revoked_token_is_401_at_once(acme: OrganizationRecord) -> None:
    token = make_token(acme)
    resolve(request(token))
    revoke_token(ApiToken.objects.get().id)
    with pytest.raises(Unauthenticated, match="revoked"):
        resolve(request(token))


def test_a_token_ends_when_it_expires_even_while_kept(acme: OrganizationRecord) -> None:
    token = make_token(acme, expires_at=timezone.now() + timedelta(seconds=60))
    resolve(request(token))
    with time_machine.travel(timezone.now() + timedelta(seconds=61), tick=False), pytest.raises(Unauthenticated):
        resolve(request(token))


def test_an_inactive_person_is_401(acme: OrganizationRecord) -> None:
    with pytest.raises(Unauthenticated):
        resolve(request(user=make_user(acme, is_active=False), org="acme"))


# --- An organization's own token ----------------------------------------------------------------------------------


@pytest.mark.parametrize("naming", ["org", "path_org"])
@pytest.mark.parametrize("named", ["globex", "does-not-exist", "msp"])
def test_another_organization_with_an_organizations_token_is_403(
    acme: OrganizationRecord, naming: str, named: str
) -> None:
    with pytest.raises(AccessDenied) as refused:
        resolve(request(make_token(acme), **{naming: named}))
    assert named not in refused.value.message


def test_a_foreign_name_is_refused_before_it_is_looked_up(
    acme: OrganizationRecord, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    token = make_token(acme)
    resolve(request(token))
    with django_assert_num_queries(0), pytest.raises(AccessDenied):
        resolve(request(token, org="globex"))


def test_an_organizations_token_may_name_its_own(acme: OrganizationRecord) -> None:
    assert resolve(request(make_token(acme), org="acme")).organization == acme


def test_an_organizations_token_at_another_ones_host_is_403(
    acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    with pytest.raises(AccessDenied):
        resolve(request(make_token(acme), host=at(globex, "globex.localhost")))


# --- The MSP's token ----------------------------------------------------------------------------------------------


def test_the_msps_token_names_any_organization(msp: OrganizationRecord, globex: OrganizationRecord) -> None:
    access = resolve(request(make_token(msp), org="globex"))
    assert access.organization == globex
    assert access.actor.staff


def test_the_msps_token_without_a_name_leaves_it_to_the_door(msp: OrganizationRecord) -> None:
    assert resolve(request(make_token(msp))).organization is None


@pytest.mark.parametrize("named", ["does-not-exist", "ACME", "ac me", "x" * 5000, "a\0b", "äcme"])
def test_the_msps_token_with_an_unknown_name_is_404(msp: OrganizationRecord, named: str) -> None:
    unknown = request(make_token(msp))
    unknown.META["HTTP_X_ORGANIZATION_ID"] = named
    with pytest.raises(UnknownOrganization):
        resolve(unknown)


def test_two_different_names_are_400(msp: OrganizationRecord, acme: OrganizationRecord) -> None:
    with pytest.raises(OrganizationRequired, match="two organizations"):
        resolve(request(make_token(msp), org="acme", path_org="globex"))


@pytest.mark.parametrize("host", ["acme.localhost", "ACME.localhost:7072", "acme.localhost."])
def test_a_host_name_names_its_organization(msp: OrganizationRecord, acme: OrganizationRecord, host: str) -> None:
    at(acme, "acme.localhost")
    assert resolve(request(make_token(msp), host=host)).organization == acme


# --- People -------------------------------------------------------------------------------------------------------


def test_a_member_has_the_permissions_of_the_role(acme: OrganizationRecord) -> None:
    user = make_user(acme, "viewer", name="Vera")
    actor = resolve(request(user=user, org="acme")).actor
    assert (actor.kind, actor.id, actor.email, actor.name) == ("user", str(user.id), user.email, "Vera")
    assert actor.can("canViewExecutions")
    assert not actor.can("canExecuteWorkflows")
    assert not actor.staff


@pytest.mark.parametrize("named", ["globex", "does-not-exist"])
def test_a_member_is_refused_elsewhere_whether_it_exists_or_not(acme: OrganizationRecord, named: str) -> None:
    with pytest.raises(AccessDenied) as refused:
        resolve(request(user=make_user(acme), org=named))
    assert refused.value.message == "These credentials give no access to the organization that the request names."


def test_a_member_without_a_name_may_nothing(acme: OrganizationRecord) -> None:
    access = resolve(request(user=make_user(acme, "owner")))
    assert access.organization is None
    assert access.actor.permissions == frozenset()


def test_a_member_of_two_has_each_ones_role_there(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    user = make_user(acme, "owner")
    user.memberships.create(organization_id=globex.id, role="viewer")
    assert resolve(request(user=user, org="acme")).actor.can("canManageMembers")
    assert not resolve(request(user=user, org="globex")).actor.can("canManageMembers")


def test_staff_for_all_enter_every_organization(msp: OrganizationRecord, acme: OrganizationRecord) -> None:
    user = make_user(msp, "technician", all_organizations=True)
    access = resolve(request(user=user, org="acme"))
    assert access.organization == acme
    assert access.actor.staff
    assert access.actor.can("canManageConfig")


@pytest.mark.parametrize("scope", ["chosen", "tags"])
def test_staff_with_a_scope_enter_what_it_covers(
    msp: OrganizationRecord, acme: OrganizationRecord, globex: OrganizationRecord, scope: str
) -> None:
    chosen = {"organizations": (globex,)} if scope == "chosen" else {"tags": ("gold", "silver")}
    user = make_user(msp, "technician", **chosen)
    assert resolve(request(user=user, org="globex")).organization == globex
    with pytest.raises(UnknownOrganization) as outside:
        resolve(request(user=user, org="acme"))
    with pytest.raises(UnknownOrganization) as nowhere:
        resolve(request(user=user, org="nope"))
    assert outside.value.message.replace("acme", "nope") == nowhere.value.message


def test_staff_enter_their_own_organization(msp: OrganizationRecord) -> None:
    assert resolve(request(user=make_user(msp, "auditor"), org="msp")).organization == msp


@pytest.mark.parametrize("role", ["admin", "technician"])
def test_what_all_customers_use_is_changed_by_staff_for_all_of_them(
    msp: OrganizationRecord, acme: OrganizationRecord, role: str
) -> None:
    """The MSP's own organization holds the defaults of all: a scope over some of them ends there too."""
    for_one = resolve(request(user=make_user(msp, role, organizations=(acme,)), org="msp")).actor
    for_all = resolve(request(user=make_user(msp, role, all_organizations=True), org="msp")).actor
    for permission in ("canManageConfig", "canManageSecrets", "canManageConnections", "canManageForms"):
        assert for_all.can(permission)
        assert not for_one.can(permission)
    assert for_one.can("canViewConfig") and for_one.can("canExecuteWorkflows")
    at_acme = resolve(request(user=make_user(msp, role, organizations=(acme,)), org="acme")).actor
    assert at_acme.can("canManageSecrets")


def test_whoever_manages_the_staff_is_bound_by_no_scope_there(msp: OrganizationRecord) -> None:
    assert resolve(request(user=make_user(msp, "owner"), org="msp")).actor.can("canManageSecrets")


def test_a_removed_tag_takes_the_scope_with_it(msp: OrganizationRecord, globex: OrganizationRecord) -> None:
    user = make_user(msp, "technician", tags=("gold",))
    change(globex, tags=[])
    with pytest.raises(UnknownOrganization):
        resolve(request(user=user, org="globex"))


def test_a_superuser_needs_no_membership(acme: OrganizationRecord) -> None:
    access = resolve(request(user=make_user(is_superuser=True), org="acme"))
    assert access.organization == acme
    assert access.actor.can("canManageOrganizations")
    assert access.actor.can("canDoWhatOnlyAWorkflowNames")


# --- Closed doors -------------------------------------------------------------------------------------------------


def test_a_suspended_organization_is_403_for_its_token(acme: OrganizationRecord) -> None:
    token = make_token(acme)
    change(acme, status="suspended")
    with pytest.raises(OrganizationSuspended, match="suspended"):
        resolve(request(token))


def test_a_suspended_organization_is_403_for_people_and_the_msp(
    acme: OrganizationRecord, msp: OrganizationRecord
) -> None:
    change(acme, status="suspended")
    doors = [request(make_token(msp), org="acme"), request(user=make_user(acme), org="acme")]
    for door in doors:
        with pytest.raises(OrganizationSuspended):
            resolve(door)


def test_an_organization_that_is_not_ready_is_503(acme: OrganizationRecord) -> None:
    change(acme, ready=False)
    with pytest.raises(OrganizationNotReady, match="set up or updated") as refused:
        resolve(request(make_token(acme)))
    assert refused.value.status_code == 503


def test_a_suspended_msp_lets_its_tokens_in_nowhere(msp: OrganizationRecord, acme: OrganizationRecord) -> None:
    change(msp, status="suspended")
    with pytest.raises(OrganizationSuspended):
        resolve(request(make_token(msp), org="acme"))


# --- Cost ---------------------------------------------------------------------------------------------------------


def test_a_warm_token_request_makes_no_query(
    acme: OrganizationRecord, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    token = make_token(acme)
    resolve(request(token))
    with django_assert_num_queries(0):
        assert resolve(request(token)).organization == acme


def test_a_request_is_resolved_once(acme: OrganizationRecord) -> None:
    one = request(make_token(acme))
    assert resolve(one) is resolve(one)


def test_the_last_use_is_written_at_most_once_a_minute(acme: OrganizationRecord) -> None:
    token = make_token(acme)
    start = timezone.now().replace(microsecond=0)
    seen = []
    for seconds in (0, 10, 59, 61, 70, 122):
        directory.forget()
        with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
            resolve(request(token))
        seen.append((ApiToken.objects.get().last_used_at - start).seconds)
    assert seen == [0, 0, 0, 61, 61, 122]


def test_another_process_that_wrote_the_last_use_is_not_overwritten(acme: OrganizationRecord) -> None:
    token = make_token(acme)
    elsewhere = timezone.now() - timedelta(seconds=5)
    directory.token_by_digest.forget()
    resolve_later = request(token)
    ApiToken.objects.update(last_used_at=elsewhere)
    resolve(resolve_later)
    assert ApiToken.objects.get().last_used_at == elsewhere
