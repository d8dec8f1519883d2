"""The API's route that belongs to OAuth connections, below /api/."""

from __future__ import annotations

from django.urls import path

from workflows_app.connections import views

urlpatterns = [path("connections", views.ConnectionsView.as_view(), name="api-connections")]
