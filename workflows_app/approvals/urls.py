"""The API's routes to approvals, below /api/."""

from __future__ import annotations

from django.urls import path

from workflows_app.approvals import views

urlpatterns = [
    path("approvals", views.ApprovalsView.as_view(), name="api-approvals"),
    path("approvals/<str:approval_id>", views.ApprovalView.as_view(), name="api-approval"),
    path("approvals/<str:approval_id>/approve", views.ApproveView.as_view(), name="api-approve"),
    path("approvals/<str:approval_id>/reject", views.RejectView.as_view(), name="api-reject"),
]
