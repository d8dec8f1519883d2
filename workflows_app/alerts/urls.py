"""The API's routes to alerts and notices, below /api/."""

from __future__ import annotations

from django.urls import path

from workflows_app.alerts import views

urlpatterns = [
    path("alerts", views.AlertsView.as_view(), name="api-alerts"),
    path("alerts/<str:alert_id>/acknowledge", views.AcknowledgeView.as_view(), name="api-alert-acknowledge"),
    path("alerts/<str:alert_id>/resolve", views.ResolveView.as_view(), name="api-alert-resolve"),
    path("notices", views.NoticesView.as_view(), name="api-notices"),
    path("notices/<str:notice_id>/read", views.ReadNoticeView.as_view(), name="api-notice-read"),
]
