"""The API's doors to files."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from orgs.permissions import EXECUTE_WORKFLOWS, SUBMIT_FORMS
from workflows_app.errors import UnknownFile
from workflows_app.files import openapi
from workflows_app.files.sending import download
from workflows_app.files.storing import NO_FILE, open_file, store
from workflows_app.files.uploads import read_upload
from workflows_app.parsers import query_arguments
from workflows_app.permissions import require_any, require_organization
from workflows_app.responses import answer
from workflows_app.views import UUID_TEXT, ApiView


class FilesView(ApiView):
    @openapi.upload_file
    def post(self, request: Request) -> HttpResponse:
        organization, actor = require_organization(self.access), self.access.actor
        require_any(actor, EXECUTE_WORKFLOWS, SUBMIT_FORMS)
        query_arguments(request, ())
        facts = store(organization, actor, *read_upload(request._request))
        return answer(facts, 201, {"Location": f"/api/files/{facts['fileId']}"})


class FileView(ApiView):
    @openapi.get_file
    def get(self, request: Request, file_id: str) -> HttpResponse:
        organization = require_organization(self.access)
        query_arguments(request, ())
        if not UUID_TEXT.fullmatch(file_id):
            raise UnknownFile(NO_FILE)
        return download(*open_file(organization, UUID(file_id), self.access.actor))
