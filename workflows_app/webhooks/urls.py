"""The address that other systems call, below /webhooks."""

from __future__ import annotations

from django.urls import path, re_path

from workflows_app.webhooks.door import door

urlpatterns = [
    path("/<str:org_id>/<str:workflow>", door, name="webhook"),
    re_path(r"^(?:/|$)", door),
]
