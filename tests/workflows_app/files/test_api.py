"""POST and GET /api/files: who may, what is taken, and that what is given out runs nowhere."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from uuid6 import uuid7

from bifrost.bridge import CUT
from orgs.models import ApiToken
from orgs.permissions import EXECUTE_WORKFLOWS, SUBMIT_FORMS, VIEW_EXECUTIONS, VIEW_OWN_EXECUTIONS
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.factories import make_token, make_user
from tests.workflows_app.rest.conftest import refusal
from tests.workflows_app.rest.rows import make_execution
from workflows_app.files.models import FileUse, StoredFile
from workflows_app.files.sending import download

from . import contents as c

pytestmark = pytest.mark.django_db


class Files:
    """A client with a new token of the organization."""

    def __init__(self, organization: OrganizationRecord, *permissions: str) -> None:
        self.headers = {"Authorization": f"Bearer {make_token(organization, permissions or None)}"}
        self.actor = f"token:{ApiToken.objects.order_by('-id').first().id}"
        self.client = Client(enforce_csrf_checks=True)

    def post(self, *files: SimpleUploadedFile, field: str = "file", query: str = "", **fields: str) -> HttpResponse:
        data: dict[str, Any] = {**fields, **({field: list(files)} if files else {})}
        return self.client.post(f"/api/files{query}", data, headers=self.headers)

    def upload(self, name: str, content: bytes, content_type: str = "application/octet-stream") -> HttpResponse:
        return self.post(SimpleUploadedFile(name, content, content_type))

    def get(self, file_id: object) -> HttpResponse:
        return self.client.get(f"/api/files/{file_id}", headers=self.headers)


@pytest.fixture
def files(acme: OrganizationRecord) -> Files:
    return Files(acme)


def test_a_file_is_uploaded_and_comes_back_as_a_download(files: Files) -> None:
    answer = files.upload("Übersicht.csv", c.CSV, "text/csv")
    assert answer.status_code == 201
    file = answer.json()
    assert file == {
        "fileId": file["fileId"],
        "name": "Übersicht.csv",
        "contentType": "text/csv",
        "size": len(c.CSV),
    }
    assert answer["Location"] == f"/api/files/{file['fileId']}"

    sent = files.get(file["fileId"])
    assert (sent.status_code, sent.content) == (200, c.CSV)
    assert sent["Content-Type"] == "text/csv"
    assert sent["Content-Disposition"] == "attachment; filename*=utf-8''%C3%9Cbersicht.csv"
    assert sent["X-Content-Type-Options"] == "nosniff"
    assert sent["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert "no-store" in sent["Cache-Control"]


def test_a_large_file_is_taken_though_other_bodies_may_not_be_so_large(files: Files, settings: Any) -> None:
    content = b"\x00\x01" * 1_500_000
    file = files.upload("data.bin", content).json()
    assert file["size"] == 3_000_000 > settings.API_BODY_LIMIT
    assert files.get(file["fileId"]).content == content


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ('a";x=".csv', 'attachment; filename="a\\";x=\\".csv"'),
        ("a\\b.csv", 'attachment; filename="a\\\\b.csv"'),
        ("a\r\nb.csv", "attachment; filename*=utf-8''a%0D%0Ab.csv"),
    ],
)
def test_whatever_a_name_holds_stays_within_it(name: str, said: str) -> None:
    sent = download({"name": name, "contentType": "text/csv"}, b"a")
    assert sent["Content-Disposition"] == said


@pytest.mark.parametrize(
    ("name", "content", "content_type"),
    [
        ("invoice.pdf", c.EXE, "application/pdf"),
        ("photo.png", c.HTML, "image/png"),
        ("photo.png", c.SVG, "image/png"),
        ("drawing.svg", c.SVG, "image/svg+xml"),
        ("page.html", c.HTML, "text/html"),
        ("setup.exe", c.EXE, "application/x-msdownload"),
        ("setup.txt", c.EXE, "text/plain"),
        ("a.docx", c.DOCX_WITH_MACROS, "application/zip"),
        ("invoice\u202efdp.exe", b"x", "application/pdf"),
        ("notes.txt", b"x", "text/html"),
    ],
)
def test_what_is_disguised_or_forbidden_is_refused(
    files: Files, acme: OrganizationRecord, name: str, content: bytes, content_type: str
) -> None:
    answer = files.upload(name, content, content_type)
    assert refusal(answer) == (400, "ValidationError")
    assert answer.json()["details"]["errors"][0]["field"] == "file"
    with org_context(acme):
        assert not StoredFile.objects.exists()


@pytest.mark.parametrize("name", ["../../etc/a.csv", "C:\\temp\\a.csv", "/a.csv", "x/../a.csv"])
def test_of_a_path_only_the_name_is_kept(files: Files, name: str) -> None:
    assert files.upload(name, c.CSV).json()["name"] == "a.csv"


@pytest.mark.parametrize("size", [1001, 200_000])
def test_what_is_too_large_is_refused(files: Files, settings: Any, size: int) -> None:
    settings.FILE_LIMIT, settings.FILE_BODY_LIMIT = 1000, 101_000
    answer = files.upload("a.txt", b"x" * size)
    assert refusal(answer) in ((400, "ValidationError"), (413, "PayloadTooLarge"))
    assert answer.status_code == (400 if size == 1001 else 413)


def test_half_a_file_is_none(files: Files, acme: OrganizationRecord) -> None:
    sent = {"file": SimpleUploadedFile("a.txt", b"half of it", "text/plain")}
    answer = files.client.post("/api/files", sent, headers=files.headers, **{CUT: True})
    assert refusal(answer) == (413, "PayloadTooLarge")
    with org_context(acme):
        assert not StoredFile.objects.exists()


def test_exactly_one_file_is_sent_as_file(files: Files) -> None:
    one, two = SimpleUploadedFile("a.txt", b"a"), SimpleUploadedFile("b.txt", b"b")
    for answer in (
        files.post(),
        files.post(one, two),
        files.post(one, field="other"),
        files.post(one, name="x"),
        files.post(one, query="?a=1"),
        files.post(file="text"),
    ):
        assert refusal(answer) == (400, "ValidationError")


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b'{"file": "a"}', 415),
        ("application/octet-stream", b"a", 415),
        ("text/html", b"a", 415),
        ("multipart/form-data", b"a", 400),
        ("multipart/form-data; boundary=x", b"--x\r\nnothing of the kind", 400),
        ("multipart/form-data; boundary=x", b"--x--\r\n", 400),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="file"; filename=""\r\n\r\na\r\n--x--',
            400,
        ),
        ("multipart/form-data; boundary=x", b"", 415),
    ],
)
def test_a_body_that_is_no_form_is_refused(files: Files, content_type: str, body: bytes, status: int) -> None:
    answer = files.client.post("/api/files", body, content_type=content_type, headers=files.headers)
    assert answer.status_code == status
    refusal(answer)


# --- who may ----------------------------------------------------------------------------------------------------------


def test_without_credentials_nothing_is_taken_or_given(acme: OrganizationRecord) -> None:
    client = Client()
    assert refusal(client.post("/api/files", {"file": SimpleUploadedFile("a.txt", b"a")})) == (401, "Unauthenticated")
    assert refusal(client.get(f"/api/files/{uuid7()}")) == (401, "Unauthenticated")


@pytest.mark.parametrize(
    ("permission", "allowed"),
    [(EXECUTE_WORKFLOWS, True), (SUBMIT_FORMS, True), (VIEW_EXECUTIONS, False), (VIEW_OWN_EXECUTIONS, False)],
)
def test_whoever_may_start_something_may_upload(acme: OrganizationRecord, permission: str, allowed: bool) -> None:
    answer = Files(acme, permission).upload("a.txt", b"a")
    assert answer.status_code == 201 if allowed else refusal(answer) == (403, "PermissionError")


def test_another_organizations_file_is_like_one_that_does_not_exist(
    acme: OrganizationRecord, globex: OrganizationRecord, files: Files
) -> None:
    file = files.upload("a.csv", c.CSV).json()
    other = Files(globex)
    unknown = other.get(uuid7())
    assert refusal(other.get(file["fileId"])) == refusal(unknown) == (404, "NotFound")
    assert other.get(file["fileId"]).content == unknown.content
    other.headers["X-Organization-Id"] = "acme"
    assert refusal(other.get(file["fileId"]))[0] == 403


def test_another_persons_upload_is_not_found(acme: OrganizationRecord, files: Files) -> None:
    file = files.upload("a.csv", c.CSV).json()
    assert refusal(Files(acme).get(file["fileId"])) == (404, "NotFound")


def test_the_file_of_an_execution_that_one_may_not_see_is_not_found(acme: OrganizationRecord, files: Files) -> None:
    file = files.upload("a.csv", c.CSV).json()
    own = Files(acme, EXECUTE_WORKFLOWS, VIEW_OWN_EXECUTIONS)
    execution = make_execution(acme, actor="user:somebody")
    with org_context(acme):
        FileUse.objects.create(file_id=file["fileId"], execution_id=execution)
    assert refusal(own.get(file["fileId"])) == (404, "NotFound")
    assert Files(acme, VIEW_EXECUTIONS).get(file["fileId"]).status_code == 200

    mine = make_execution(acme, actor=own.actor)
    with org_context(acme):
        FileUse.objects.create(file_id=file["fileId"], execution_id=mine)
    assert own.get(file["fileId"]).status_code == 200


@pytest.mark.parametrize("file_id", ["x", "1", "..", "%2e%2e", "a" * 500, "019aa4d2-7c1e-7cc3-98c4-dc0c0c07398f'--"])
def test_what_is_no_id_is_not_found(files: Files, file_id: str) -> None:
    assert files.get(file_id).status_code == 404


def test_a_session_uploads_with_its_csrf_token_alone(acme: OrganizationRecord) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user(acme, "requester"))
    headers = {"X-Organization-Id": "acme"}
    data = {"file": SimpleUploadedFile("a.txt", b"a")}
    assert refusal(client.post("/api/files", data, headers=headers)) == (403, "PermissionError")

    client.cookies["csrftoken"] = token = "x" * 32
    data = {"file": SimpleUploadedFile("a.txt", b"a"), "csrfmiddlewaretoken": token}
    answer = client.post("/api/files", data, headers=headers)
    assert answer.status_code == 201
    assert UUID(answer.json()["fileId"])


@pytest.mark.parametrize("path", ["/api/files", "/api/workflows/greet"])
def test_a_form_that_cannot_be_read_is_no_accident_for_a_session_either(acme: OrganizationRecord, path: str) -> None:
    """Its CSRF token is looked for in the form before anything else."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user(acme))
    client.cookies["csrftoken"] = "x" * 32
    kind = "multipart/form-data; boundary=" + "x" * 300
    answer = client.post(path, b"--x", content_type=kind, headers={"X-Organization-Id": "acme"})
    assert refusal(answer) == (400, "ValidationError")
