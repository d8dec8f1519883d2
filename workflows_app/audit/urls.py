"""The API's route to the audit log, below /api/."""

from __future__ import annotations

from django.urls import path

from workflows_app.audit import views

urlpatterns = [path("audit", views.AuditView.as_view(), name="api-audit")]
