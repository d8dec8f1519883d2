"""Flash messages, kept apart for each organization (pitfalls T13)."""

from __future__ import annotations

from django.contrib.messages.storage.session import SessionStorage


class OrganizationMessages(SessionStorage):
    """What one organization's page said is shown on that organization's pages alone, also in another tab."""

    @property
    def session_key(self) -> str:  # type: ignore[override]
        where = getattr(self.request, "path_org_id", "") or self.request.get_host()
        return f"_messages_{where}"
