"""A form behind a public link, as a stranger meets it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from forms_app import public
from forms_app.models import Submission
from orgs.records import COMMAND_LINE, OrganizationRecord
from orgs.tenancy import org_context

from .conftest import ITEMS, MakeForm, executions, filled, text

OPEN_TO_ALL = [ITEMS[0], ITEMS[3]]


def link(organization: OrganizationRecord, form: Any) -> str:
    until = timezone.now() + timedelta(hours=1)
    return public.open_link(organization, form.id, COMMAND_LINE, until=until, per_hour=5)


def test_a_stranger_fills_in_a_form_by_its_link_and_learns_that_it_was_taken(
    acme: OrganizationRecord, make_form: MakeForm
) -> None:
    path = f"/o/acme/public/{link(acme, make_form(acme, OPEN_TO_ALL, slug='open'))}"
    stranger = Client()
    begun = stranger.get(path)
    assert begun.status_code == 200 and "Cancel" not in text(begun)
    wrong = stranger.post(path, filled(begun, name="", password="hunter2"))
    assert wrong.status_code == 400 and "Name must be filled in" in text(wrong) and b"hunter2" not in wrong.content
    answer = stranger.post(path, filled(begun, password="hunter2"))
    assert answer["Location"] == f"{path}?submitted"
    taken = stranger.get(answer["Location"])
    assert "<strong>Welcome</strong>" in taken.content.decode() or "Welcome" in text(taken)
    [execution] = executions(acme)
    assert str(execution["id"]) not in answer["Location"] + taken.content.decode()


def test_a_link_that_ended_or_belongs_to_another_organization_is_not_found(
    acme: OrganizationRecord, globex: OrganizationRecord, make_form: MakeForm
) -> None:
    form = make_form(acme, OPEN_TO_ALL)
    token = link(acme, form)
    for path in (f"/o/globex/public/{token}", f"/o/acme/public/{token}x", "/o/acme/public/x", "/o/nobody/public/x"):
        assert Client().get(path).status_code == 404, path
    assert Client().get(f"/o/acme/public/{token}").status_code == 200
    public.end_link(acme, form.id, COMMAND_LINE)
    assert Client().get(f"/o/acme/public/{token}").status_code == 404
    assert Client().post(f"/o/acme/public/{token}", filled()).status_code == 404
    with org_context(acme):
        assert not Submission.objects.exists()
