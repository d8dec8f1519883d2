"""The API's routes to forms and submissions, below /api/."""

from __future__ import annotations

from django.urls import path

from forms_app import views

urlpatterns = [
    path("forms", views.FormsView.as_view(), name="api-forms"),
    path("forms/<str:slug>", views.FormView.as_view(), name="api-form"),
    path("forms/<str:slug>/submit", views.SubmitView.as_view(), name="api-form-submit"),
    path("submissions", views.SubmissionsView.as_view(), name="api-submissions"),
]
