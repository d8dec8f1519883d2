"""The API's routes that belong to schedules, below /api/."""

from __future__ import annotations

from django.urls import path

from workflows_app.schedules import views

urlpatterns = [
    path("schedules", views.SchedulesView.as_view(), name="api-schedules"),
    path("schedules/<str:workflow>", views.ScheduleView.as_view(), name="api-schedule"),
]
