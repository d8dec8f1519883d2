"""The portal's pages. Each part has its own routes; all names begin with `portal-`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
