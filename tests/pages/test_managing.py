"""What staff manage: organizations, tokens, the workspace."""

from __future__ import annotations

import re

from tests.acceptance.launching import eventually
from tests.acceptance.stack import Stack
from tests.pages.conftest import BROKEN
from tests.pages.visiting import Visitor


def test_a_suspended_organization_s_page_says_so(staff: Visitor) -> None:
    staff.open("/admin/orgs/organization/add/")
    staff.page.get_by_label("Organization id").fill("initech")
    staff.page.get_by_label("Name").fill("Initech")
    staff.click("Save", "button")
    staff.page.locator("tr", has_text="initech").get_by_role("checkbox").check()
    staff.page.locator("select[name=action]").select_option("suspend")
    staff.click("Run", "button")
    assert "1 now suspended." in staff.text
    assert staff.open("/o/initech/admin/").status == 403
    assert "suspended" in staff.text
    staff.open("/admin/")
    assert "closed while it is suspended" in staff.text


def test_a_token_is_shown_once_and_works(staff: Visitor, stack: Stack) -> None:
    staff.open("/admin/orgs/apitoken/add/")
    staff.page.get_by_label("Organization*").select_option("Acme")
    staff.page.get_by_label("Name").fill("ticket system")
    staff.page.get_by_label("canViewExecutions").check()
    staff.click("Save", "button")
    shown = re.search(r"bfr_[\w-]{20,}", staff.text)
    assert shown
    assert stack.call("GET", "/api/executions", shown[0]).status_code == 200
    staff.click("All tokens")
    assert shown[0] not in staff.page.content()
    staff.click("ticket system")
    assert "canViewExecutions" in staff.text and shown[0] not in staff.page.content()


def test_a_file_that_does_not_load_is_shown_with_its_traceback_until_it_does(staff: Visitor, stack: Stack) -> None:
    staff.open("/admin/workflows/")
    assert "workflows/broken.py:1" in staff.text
    assert "ModuleNotFoundError: No module named 'library_that_is_missing'" in staff.text
    assert "Traceback (most recent call last)" in staff.text and BROKEN.strip() in staff.text
    assert "Writes a message into its log." in staff.text
    file = stack.workspace / "workflows" / "broken.py"
    file.write_text("")
    eventually(lambda: "broken.py" not in stack.health().text, "the file is read again")
    staff.open("/admin/workflows/")
    assert "broken.py" not in staff.text
    file.write_text(BROKEN)


def test_a_config_is_written_and_read_by_the_next_page(staff: Visitor) -> None:
    staff.open("/o/acme/admin/integrations/config/add/")
    staff.page.get_by_label("Key").fill("halo_url")
    staff.page.get_by_label("Value").fill("https://halo.acme.example")
    staff.click("Save", "button")
    assert "halo_url" in staff.text and "https://halo.acme.example" in staff.text
