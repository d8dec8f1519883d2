"""The page of an organization's circuits: staff look, and close what is open."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from django.test import Client

from integrations.breakers import Admission, report
from integrations.models import CircuitBreaker
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.integrations.test_config_admin import signed_in

LIST = "/o/acme/admin/integrations/circuitbreaker/"


@pytest.fixture
def staff(msp: OrganizationRecord) -> Client:
    return signed_in(msp, "admin")


def opened(organization: OrganizationRecord, service: str) -> UUID:
    for _ in range(5):
        report(organization, Admission(service), "failed", "IntegrationError 503")
    with org_context(organization):
        return CircuitBreaker.objects.get(service=service).id


def states(organization: OrganizationRecord) -> dict[str, str]:
    with org_context(organization):
        return dict(CircuitBreaker.objects.values_list("service", "state"))


def close(client: Client, *ids: UUID) -> int:
    answer = client.post(LIST, {"action": "close_circuit", "_selected_action": [str(id_) for id_ in ids]})
    return answer.status_code


def words(client: Client, path: str = LIST) -> str:
    page = client.get(path)
    assert page.status_code == 200
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", page.content.decode()))


def test_staff_see_what_is_open_and_why(staff: Client, acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    opened(acme, "halopsa")
    opened(globex, "msgraph")
    shown = words(staff)
    assert "halopsa open" in shown
    assert "IntegrationError 503" in shown
    assert "msgraph" not in shown


def test_staff_close_the_selected_ones(staff: Client, acme: OrganizationRecord) -> None:
    chosen = [opened(acme, "halopsa"), opened(acme, "msgraph")]
    opened(acme, "connectwise")
    assert close(staff, *chosen) == 302
    assert states(acme) == {"connectwise": "open", "halopsa": "closed", "msgraph": "closed"}
    assert "2 closed." in words(staff)


def test_another_organizations_circuit_is_not_there(
    staff: Client, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    id_ = opened(globex, "halopsa")
    assert staff.get(f"{LIST}{id_}/change/").status_code in {302, 404}
    close(staff, id_)
    assert states(globex) == {"halopsa": "open"}


def test_nobody_writes_a_circuit_by_hand(staff: Client, acme: OrganizationRecord) -> None:
    id_ = opened(acme, "halopsa")
    values = {"service": "halopsa", "state": "closed"}
    assert staff.post(f"{LIST}{id_}/change/", values).status_code == 403
    assert staff.post(f"{LIST}add/", values).status_code == 403
    assert staff.post(f"{LIST}{id_}/delete/", {"post": "yes"}).status_code == 403
    assert states(acme) == {"halopsa": "open"}


def test_an_auditor_looks_and_closes_nothing(msp: OrganizationRecord, acme: OrganizationRecord) -> None:
    id_ = opened(acme, "halopsa")
    auditor = signed_in(msp, "auditor")
    assert "halopsa open" in words(auditor)
    close(auditor, id_)
    assert states(acme) == {"halopsa": "open"}
