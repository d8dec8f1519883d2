from __future__ import annotations

import pytest
from django.test import Client

from integrations import queries
from integrations.configs import resolve, set_config, snapshot
from integrations.models import Config
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.factories import PASSWORD, make_user

LIST = "/o/acme/admin/integrations/config/"


@pytest.fixture
def staff(msp: OrganizationRecord) -> Client:
    return signed_in(msp, "admin")


def signed_in(organization: OrganizationRecord, role: str) -> Client:
    client = Client()
    assert client.login(username=make_user(organization, role, all_organizations=True).email, password=PASSWORD)
    return client


def page_of(organization: OrganizationRecord, key: str, page: str = "change") -> str:
    with org_context(organization):
        return f"{LIST}{Config.objects.get(key=key).id}/{page}/"


def test_staff_add_a_config_which_the_next_run_reads(
    staff: Client, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    before = queries.config_versions(acme)[0]
    answer = staff.post(f"{LIST}add/", {"key": "timeout", "type": "int", "text": "30"})
    assert answer.status_code == 302, answer.content.decode()
    assert resolve(snapshot(acme), "timeout") == (True, 30)
    assert resolve(snapshot(globex), "timeout") == (False, None)
    assert queries.config_versions(acme)[0] > before


def test_staff_change_a_value_and_keep_its_key(staff: Client, acme: OrganizationRecord) -> None:
    set_config(acme, "urls", ["a"], "json")
    page = page_of(acme, "urls")
    assert "[&quot;a&quot;]" in staff.get(page).content.decode()
    assert staff.post(page, {"key": "renamed", "type": "json", "text": '["b"]'}).status_code == 302
    assert [(row.key, row.value) for row in queries.config_rows(acme)] == [("urls", ["b"])]


def test_saving_and_staying_leads_to_the_page_of_the_saved_row(staff: Client, acme: OrganizationRecord) -> None:
    answer = staff.post(f"{LIST}add/", {"key": "a", "type": "string", "text": "x", "_continue": "1"})
    assert answer.headers["Location"] == page_of(acme, "a")


def test_staff_delete_one_or_several(staff: Client, acme: OrganizationRecord) -> None:
    for key in ("a", "b", "c"):
        set_config(acme, key, "x")
    versions = [queries.config_versions(acme)[0]]
    assert staff.post(page_of(acme, "a", "delete"), {"post": "yes"}).status_code == 302
    versions.append(queries.config_versions(acme)[0])
    with org_context(acme):
        chosen = list(Config.objects.filter(key="b").values_list("id", flat=True))
    staff.post(LIST, {"action": "delete_selected", "_selected_action": chosen, "post": "yes"})
    versions.append(queries.config_versions(acme)[0])
    assert [row.key for row in queries.config_rows(acme)] == ["c"]
    assert sorted(set(versions)) == versions


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"key": "timeout", "type": "int", "text": "soon"}, "not of the type int"),
        ({"key": "a key", "type": "string", "text": "x"}, "cannot be a config"),
        ({"key": "api", "type": "secret", "text": "not a name"}, "cannot name a secret"),
        ({"key": "taken", "type": "string", "text": "x"}, "already exists"),
        ({"key": "a", "type": "json", "text": "{"}, "not JSON"),
    ],
)
def test_a_bad_config_is_explained_and_not_saved(
    staff: Client, acme: OrganizationRecord, values: dict[str, str], complaint: str
) -> None:
    set_config(acme, "taken", "before")
    answer = staff.post(f"{LIST}add/", values)
    assert answer.status_code == 200
    assert complaint in answer.content.decode()
    assert [(row.key, row.value) for row in queries.config_rows(acme)] == [("taken", "before")]


def test_a_value_under_a_key_like_a_secrets_is_on_no_page(staff: Client, acme: OrganizationRecord) -> None:
    set_config(acme, "client_secret", "hunter22")
    for page in (LIST, page_of(acme, "client_secret"), page_of(acme, "client_secret", "delete")):
        assert "hunter22" not in staff.get(page).content.decode()
    assert "REDACTED" in staff.get(LIST).content.decode()


def test_values_cannot_be_found_out_by_asking_for_them(staff: Client, acme: OrganizationRecord) -> None:
    set_config(acme, "client_secret", "hunter22")
    for lookup in ("value=%22hunter22%22", "value__gte=%22h%22", "value__contains=%22hunter22%22"):
        assert staff.get(f"{LIST}?key=client_secret&{lookup}").status_code == 400


def test_a_hidden_value_is_kept_until_another_is_written(staff: Client, acme: OrganizationRecord) -> None:
    set_config(acme, "client_secret", "hunter22")
    page = page_of(acme, "client_secret")
    staff.post(page, {"type": "string", "text": ""})
    assert resolve(snapshot(acme), "client_secret") == (True, "hunter22")
    staff.post(page, {"type": "string", "text": "other"})
    assert resolve(snapshot(acme), "client_secret") == (True, "other")


def test_the_name_of_a_secret_is_shown(staff: Client, acme: OrganizationRecord) -> None:
    set_config(acme, "api_key", "halopsa_api_key", "secret")
    assert "halopsa_api_key" in staff.get(LIST).content.decode()


def test_lines_stay_as_they_were_written(staff: Client, acme: OrganizationRecord) -> None:
    staff.post(f"{LIST}add/", {"key": "text", "type": "string", "text": " two\r\nlines "})
    assert resolve(snapshot(acme), "text") == (True, " two\nlines ")


def test_another_organizations_config_is_not_there(
    staff: Client, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    set_config(globex, "key", "x")
    with org_context(globex):
        page = f"{LIST}{Config.objects.get().id}/change/"
    answer = staff.post(page, {"key": "key", "type": "string", "text": "changed"})
    assert answer.status_code in {302, 404}
    assert (queries.config_rows(acme), queries.config_rows(globex)[0].value) == ([], "x")


def test_an_auditor_reads_and_changes_nothing(msp: OrganizationRecord, acme: OrganizationRecord) -> None:
    set_config(acme, "note", "visible")
    auditor = signed_in(msp, "auditor")
    assert "visible" in auditor.get(LIST).content.decode()
    assert auditor.post(f"{LIST}add/", {"note": "a", "type": "string", "text": "x"}).status_code == 403
    assert auditor.post(page_of(acme, "note"), {"type": "string", "text": "x"}).status_code == 403
    assert auditor.post(page_of(acme, "note", "delete"), {"post": "yes"}).status_code == 403
    assert [(row.key, row.value) for row in queries.config_rows(acme)] == [("note", "visible")]
