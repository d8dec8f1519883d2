"""The API's routes to files, below /api/."""

from __future__ import annotations

from django.urls import path

from workflows_app.files import views

urlpatterns = [
    path("files", views.FilesView.as_view(), name="api-files"),
    path("files/<str:file_id>", views.FileView.as_view(), name="api-file"),
]
