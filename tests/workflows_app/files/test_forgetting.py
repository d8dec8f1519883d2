"""Files go with the last execution that holds them, and a day after their upload where none ever did."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone
from uuid6 import uuid7

from orgs.models import Organization
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.factories import change, make_actor
from tests.workflows_app.test_retention import ended
from workflows_app import retention
from workflows_app.files.models import FileUse, StoredFile
from workflows_app.files.storing import store

pytestmark = pytest.mark.django_db
ADA = make_actor()


def upload(organization: OrganizationRecord, name: str, *executions: UUID, hours_ago: float = 0) -> None:
    file = store(organization, ADA, name, None, b"text")
    then = timezone.now() - timedelta(hours=hours_ago)
    with org_context(organization):
        StoredFile.objects.filter(id=file["fileId"]).update(created_at=then)
        FileUse.objects.bulk_create(
            FileUse(file_id=file["fileId"], execution_id=execution, created_at=then) for execution in executions
        )


def left(organization: OrganizationRecord) -> list[str]:
    with org_context(organization):
        return list(StoredFile.objects.order_by("name").values_list("name", flat=True))


def every_turn() -> None:
    """Each organization has had its turn."""
    for minute in range(Organization.objects.count()):
        retention.forget_old(timezone.now() + timedelta(minutes=minute))


def test_a_file_goes_with_the_record_of_its_execution(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    [old], [new] = ended(acme, 91), ended(acme, 89)
    upload(acme, "old.txt", old, hours_ago=91 * 24)
    upload(acme, "new.txt", new, hours_ago=89 * 24)
    upload(globex, "old.txt", *ended(globex, 89), hours_ago=89 * 24)

    assert retention.forget_old() == 1

    assert left(acme) == ["new.txt"] and left(globex) == ["old.txt"]
    with org_context(acme):
        assert FileUse.objects.get().execution_id == new


def test_each_organization_has_its_own_time(acme: OrganizationRecord) -> None:
    change(acme, retention_days=7)
    upload(acme, "old.txt", *ended(acme, 8), hours_ago=8 * 24)
    assert retention.forget_old() == 1
    assert left(acme) == []


def test_a_file_that_another_execution_holds_stays_with_that(acme: OrganizationRecord) -> None:
    [old], [new] = ended(acme, 91), ended(acme, 1)
    upload(acme, "both.txt", old, new, hours_ago=91 * 24)
    assert retention.forget_old() == 1
    assert left(acme) == ["both.txt"]


def test_an_upload_that_nobody_used_goes_after_a_day(acme: OrganizationRecord) -> None:
    upload(acme, "unused.txt", hours_ago=25)
    upload(acme, "fresh.txt", hours_ago=22)
    upload(acme, "used.txt", *ended(acme, 2), hours_ago=48)
    every_turn()
    assert left(acme) == ["fresh.txt", "used.txt"]


def test_a_start_that_came_to_nothing_holds_no_file_for_ever(acme: OrganizationRecord) -> None:
    """Files are held before the execution is written, which then may be refused."""
    upload(acme, "refused.txt", uuid7(), hours_ago=25)
    upload(acme, "under way.txt", uuid7(), hours_ago=22)
    every_turn()
    assert left(acme) == ["under way.txt"]
