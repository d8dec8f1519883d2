"""A run's files, from the portal: a download for those who may read it, nothing for anybody else."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from forms_app.portal.runs import files
from orgs.models import User
from orgs.records import Actor, OrganizationRecord
from workflows_app.errors import UnknownFile

from .rows import visit

PAGE = "/o/acme/files/{}"


def test_a_file_is_a_download_that_no_browser_opens_as_a_page(
    acme: OrganizationRecord, grace: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = uuid4()
    asked: list[tuple[str, UUID, str]] = []

    def open_file(organization: OrganizationRecord, file: UUID, actor: Actor) -> tuple[dict[str, Any], bytes]:
        asked.append((organization.org_id, file, actor.id))
        if file != mine:
            raise UnknownFile("There is no such file.")
        facts = {"fileId": str(file), "name": 'rec\u00e9pt "1".html', "contentType": "text/html", "size": 3}
        return facts, b"<b>"

    monkeypatch.setattr(files, "open_file", open_file)
    answer = visit(grace).get(PAGE.format(mine))
    assert answer.content == b"<b>" and asked == [("acme", mine, str(grace.id))]
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert visit(grace).get(PAGE.format(uuid4())).status_code == 404


def test_what_is_not_there_or_not_one_s_own_is_not_found(acme: OrganizationRecord, grace: User) -> None:
    answers = [visit(grace).get(PAGE.format(uuid4())) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert visit(grace).post(PAGE.format(uuid4())).status_code == 405
