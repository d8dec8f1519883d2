"""The API's routes that belong to workflows and executions, below /api/."""

from __future__ import annotations

from django.urls import include, path

from workflows_app import views

urlpatterns = [
    path("workflows", views.WorkflowsView.as_view(), name="api-workflows"),
    path("workflows/<str:name>", views.WorkflowView.as_view(), name="api-workflow"),
    path("executions", views.ExecutionsView.as_view(), name="api-executions"),
    path("executions/<str:execution_id>", views.ExecutionView.as_view(), name="api-execution"),
    path("executions/<str:execution_id>/logs", views.LogsView.as_view(), name="api-execution-logs"),
    path("executions/<str:execution_id>/cancel", views.CancelView.as_view(), name="api-execution-cancel"),
    path("executions/<str:execution_id>/signals/<str:name>", views.SignalView.as_view(), name="api-execution-signal"),
    path("executions/<str:execution_id>/retry", views.RetryView.as_view(), name="api-execution-retry"),
    path("executions/<str:execution_id>/fork", views.ForkView.as_view(), name="api-execution-fork"),
    path("", include("workflows_app.approvals.urls")),
    path("", include("workflows_app.webhooks.api_urls")),
    path("", include("workflows_app.schedules.urls")),
    path("", include("workflows_app.alerts.urls")),
    path("", include("workflows_app.audit.urls")),
    path("", include("workflows_app.configuration.urls")),
    path("", include("workflows_app.connections.urls")),
    path("", include("workflows_app.providers.urls")),
    path("", include("workflows_app.files.urls")),
    path("executions/<str:execution_id>/journal", views.JournalView.as_view(), name="api-execution-journal"),
]
