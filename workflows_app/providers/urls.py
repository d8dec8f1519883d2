"""The API's routes that belong to data providers, below /api/."""

from __future__ import annotations

from django.urls import path

from workflows_app.providers import views

urlpatterns = [
    path("data-providers", views.DataProvidersView.as_view(), name="api-data-providers"),
    path("data-providers/<str:name>", views.DataProviderView.as_view(), name="api-data-provider"),
]
