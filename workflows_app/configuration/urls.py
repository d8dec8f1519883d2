"""The API's routes to configs and secrets, below /api/."""

from __future__ import annotations

from django.urls import path

from workflows_app.configuration import views

urlpatterns = [
    path("configs", views.ConfigsView.as_view(), name="api-configs"),
    path("configs/<str:key>", views.ConfigView.as_view(), name="api-config"),
    path("secrets", views.SecretsView.as_view(), name="api-secrets"),
    path("secrets/<str:name>", views.SecretView.as_view(), name="api-secret"),
]
