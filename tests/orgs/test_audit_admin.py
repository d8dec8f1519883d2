"""The audit log's pages: each sees the events of those organizations that are in sight, and nobody changes any."""

from __future__ import annotations

import pytest
from django.test import Client

from orgs import audit
from orgs.models import AuditEvent
from orgs.records import OrganizationRecord
from tests.factories import make_actor
from tests.orgs.test_admin import staff, text

OF_STAFF = "/admin/orgs/auditevent/"
OF_ACME = "/o/acme/admin/orgs/auditevent/"


@pytest.fixture(autouse=True)
def happened(acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord) -> dict[str, AuditEvent]:
    """One event of each organization, and one of the platform as a whole."""
    for name, organization in (("acme", acme), ("globex", globex), ("msp", msp), ("platform", None)):
        audit.record(
            make_actor(name=f"Somebody at {name}"),
            f"schedule.{name}",
            organization=organization,
            target=f"schedule:of_{name}",
            metadata={"cron": "0 2 * * *", "note": "<b>bold</b>"},
        )
    return {event.object_id.removeprefix("of_"): event for event in AuditEvent.objects.filter(object_kind="schedule")}


def seen(client: Client, address: str = OF_STAFF) -> set[str]:
    answer = client.get(f"{address}?q=schedule")
    assert answer.status_code == 200
    shown = text(answer)
    return {name for name in ("acme", "globex", "msp", "platform") if f"schedule.{name}" in shown}


def test_staff_see_what_is_in_their_scope(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    assert seen(staff(msp, "technician", organizations=(acme,))) == {"acme", "msp"}
    assert seen(staff(msp, "technician", tags=("gold",))) == {"globex", "msp"}
    assert seen(staff(msp, "auditor")) == {"acme", "globex", "msp"}


def test_what_was_done_to_the_platform_is_for_those_who_manage_its_staff(msp: OrganizationRecord) -> None:
    assert seen(staff(msp, "owner")) == {"acme", "globex", "msp", "platform"}
    assert seen(staff(msp, "admin")) == {"acme", "globex", "msp"}


def test_an_organizations_pages_show_its_own_alone(msp: OrganizationRecord) -> None:
    assert seen(staff(msp), OF_ACME) == {"acme"}


def test_another_organizations_event_is_not_found(msp: OrganizationRecord, happened: dict[str, AuditEvent]) -> None:
    client = staff(msp)
    assert "0 2 * * *" in text(client.get(f"{OF_ACME}{happened['acme'].id}/change/"))
    for name in ("globex", "platform"):
        answer = client.get(f"{OF_ACME}{happened[name].id}/change/")
        assert answer.status_code == 302 and "schedule" not in answer.content.decode()


def test_a_page_shows_everything_and_as_text(msp: OrganizationRecord, happened: dict[str, AuditEvent]) -> None:
    page = staff(msp).get(f"{OF_STAFF}{happened['acme'].id}/change/").content.decode()
    for word in ("Acme", "schedule.acme", "ada@example.com", "of_acme", "0 2 * * *", "&lt;b&gt;bold"):
        assert word in page
    assert "<b>bold" not in page


@pytest.mark.parametrize("site", [OF_STAFF, OF_ACME])
def test_nobody_changes_or_deletes_one_or_makes_one_up(
    msp: OrganizationRecord, happened: dict[str, AuditEvent], site: str
) -> None:
    client, event = staff(msp, "owner", is_superuser=True, all_organizations=True), happened["acme"]
    values = {"operation": "nothing", "actor_name": "Nobody", "post": "yes"}
    assert client.post(f"{site}{event.id}/change/", values).status_code == 403
    assert client.post(f"{site}{event.id}/delete/", values).status_code == 403
    assert client.get(f"{site}{event.id}/delete/").status_code == 403
    assert client.get(f"{site}add/").status_code == 403
    assert client.post(f"{site}add/", values).status_code == 403
    client.post(site, {"action": "delete_selected", "_selected_action": [str(event.id)], "post": "yes"})
    assert AuditEvent.objects.filter(id=event.id, operation="schedule.acme").exists()
    assert not AuditEvent.objects.filter(operation="nothing").exists()


def test_the_list_is_narrowed_by_what_was_done_by_whom_and_when(msp: OrganizationRecord) -> None:
    client = staff(msp)
    audit.record(make_actor(kind="token", name="ci"), "execution.cancel", organization=msp, target="execution:one")
    everything = text(client.get(OF_STAFF))
    assert "execution.cancel" in everything and "schedule.acme" in everything
    for narrowed in ("what=execution", "actor=token"):
        shown = text(client.get(f"{OF_STAFF}?{narrowed}"))
        assert "execution.cancel" in shown and "schedule.acme" not in shown
    AuditEvent.objects.filter(operation="execution.cancel").update(at="2026-01-01T00:00:00Z")
    shown = text(client.get(f"{OF_STAFF}?when=day"))
    assert "execution.cancel" not in shown and "schedule.acme" in shown
    assert "schedule.acme" in text(client.get(f"{OF_STAFF}?what=nonsense"))


def test_the_sidebars_lead_there(msp: OrganizationRecord) -> None:
    client = staff(msp, "auditor")
    assert f'href="{OF_STAFF}"' in client.get("/admin/").content.decode()
    assert f'href="{OF_ACME}"' in client.get("/o/acme/admin/").content.decode()


def test_the_cost_of_the_list_does_not_grow_with_the_log(
    msp: OrganizationRecord, acme: OrganizationRecord, django_assert_max_num_queries: object
) -> None:
    client = staff(msp, "auditor")
    client.get(OF_STAFF)
    audit.record_all([audit.event(make_actor(), "schedule.many", organization=acme) for _ in range(200)])
    with django_assert_max_num_queries(20):  # type: ignore[operator]
        assert text(client.get(OF_STAFF)).count("schedule.many") == 50
