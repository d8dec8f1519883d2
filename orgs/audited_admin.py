"""Puts into the audit log what people save and delete by the pages of a plain model."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from orgs import audit
from orgs.models import AuditEvent
from orgs.sites import actor_of


class AuditedAdmin(ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """For models that Django's own forms change, in Django's transaction. Where a page calls a function that makes the
    change, that one records it, and the page does not call these methods of its base.
    """

    audited_kind = ""

    def audited_organization(self, obj: Any) -> UUID | None:
        """Whose it is; None: the platform's."""
        found: UUID | None = getattr(obj, "organization_id", None)
        return found

    def audited_id(self, obj: Any) -> str:
        return str(obj.pk)

    def audited_facts(self, obj: Any) -> dict[str, Any]:
        """What the event says of it, beside the names of the fields that were changed."""
        return {}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if form.changed_data or not change:
            facts = {"fields": list(form.changed_data)} if change else {}
            audit.record_all([self._event(request, "change" if change else "create", obj, facts)])

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        with transaction.atomic():
            audit.record_all([self._event(request, "delete", obj, {})])
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        with transaction.atomic():
            audit.record_all([self._event(request, "delete", obj, {}) for obj in queryset])
            super().delete_queryset(request, queryset)

    def _event(self, request: HttpRequest, done: str, obj: Any, facts: dict[str, Any]) -> AuditEvent:
        kind = self.audited_kind or obj._meta.model_name
        return audit.event(
            actor_of(request),
            f"{kind}.{done}",
            organization=self.audited_organization(obj),
            target=f"{kind}:{self.audited_id(obj)}",
            metadata={**self.audited_facts(obj), **facts},
        )
