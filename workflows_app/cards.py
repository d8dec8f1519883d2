"""The result cards of an execution, for its pages and the API."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import F, IntegerField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from bifrost.sdk.cards import CARD, card_document
from bifrost.sdk.sanitizing import redact_keys
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.models import ExecutionEvent

MOST_CARDS = 100


def cards_of(organization: OrganizationRecord, execution_id: UUID) -> list[dict[str, Any]]:
    """The cards as a person sees them: of those with one key the last, in the place of the first.

    Those of the current attempt alone, and at most 100. Two queries, one where there is no card.
    """
    with org_context(organization):
        return read_cards(execution_id)[:MOST_CARDS]


def read_cards(execution_id: UUID) -> list[dict[str, Any]]:
    """The same inside the organization's context, with one more where there are more than 100."""
    lines = ExecutionEvent.objects.filter(execution=execution_id, kind=CARD)
    # Another attempt shows its cards anew.
    attempt = Cast(KeyTextTransform("attempt", "data"), IntegerField())
    lines = lines.annotate(made_in=attempt).filter(made_in=F("execution__attempt")).order_by("seq")
    last: dict[str | int, int] = {}
    for seq, name in lines.values_list("seq", "name"):
        last[name or seq] = seq
    wanted = list(last.values())[: MOST_CARDS + 1]
    if not wanted:
        return []
    found = {seq: (name, data) for seq, name, data in lines.filter(seq__in=wanted).values_list("seq", "name", "data")}
    return [card_document(name, redact_keys(data)) for name, data in (found[seq] for seq in wanted)]
