"""The API's routes to webhooks, below /api/."""

from __future__ import annotations

from django.urls import path

from workflows_app.webhooks import views

urlpatterns = [
    path("webhooks", views.WebhooksView.as_view(), name="api-webhooks"),
    path("webhooks/<str:workflow>/rotate", views.RotateView.as_view(), name="api-webhook-rotate"),
    path("webhooks/deliveries", views.DeliveriesView.as_view(), name="api-webhook-deliveries"),
    path("webhooks/deliveries/<str:delivery_id>", views.DeliveryView.as_view(), name="api-webhook-delivery"),
    path(
        "webhooks/deliveries/<str:delivery_id>/redeliver",
        views.RedeliverView.as_view(),
        name="api-webhook-redeliver",
    ),
]
