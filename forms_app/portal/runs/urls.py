"""The routes of requests, approvals, notices and files."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from forms_app.portal.runs import approvals, files, lists, notices, page

urlpatterns: list[URLPattern | URLResolver] = [
    path("requests", lists.own_requests, name="portal-requests"),
    path("requests/all", lists.all_requests, name="portal-all-requests"),
    path("requests/<uuid:execution>", page.request_page, name="portal-request"),
    path("requests/<uuid:execution>/part", page.request_part, name="portal-request-part"),
    path("requests/<uuid:execution>/cancel", page.cancel_request, name="portal-request-cancel"),
    path("requests/<uuid:execution>/again", page.request_again, name="portal-request-again"),
    path("approvals", approvals.approvals_page, name="portal-approvals"),
    path("approvals/<uuid:approval>", approvals.approval_page, name="portal-approval"),
    path("approvals/<uuid:approval>/options/<str:field>", approvals.approval_options, name="portal-approval-options"),
    path("notices", notices.notices_page, name="portal-notices"),
    path("notices/read", notices.read_notices, name="portal-notices-read"),
    path("notices/<uuid:notice>/read", notices.read_notice, name="portal-notice-read"),
    path("files/<uuid:file>", files.file_page, name="portal-file"),
]
