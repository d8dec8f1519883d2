"""What /api/schema says of OAuth connections."""

from __future__ import annotations

from collections.abc import Mapping

from drf_spectacular.utils import extend_schema

from integrations.oauth.words import Grant, Status
from workflows_app.openapi import ORGANIZATION, answered
from workflows_app.shapes import BOOLEAN, ID, TEXT, TEXTS, TIME, Shape, nullable, one_of, page_of, shape

SHAPES: Mapping[str, Shape] = {
    "Connection": shape(
        connectionId=ID,
        name=TEXT,
        provider=TEXT,
        grant=one_of(*Grant.values),
        shared={**BOOLEAN, "description": "The MSP's, which it shares."},
        status=one_of(*Status.values),
        expiresAt=nullable({**TIME, "description": "Of the present token, which is refreshed ahead of it."}),
        scopes=TEXTS,
        lastError=nullable(TEXT),
        usedBy={**TEXTS, "description": "The organization's workflows that have used it within 30 days."},
    ),
    "ConnectionPage": page_of("Connection", TEXT),
}

list_connections = extend_schema(
    operation_id="listConnections",
    summary="OAuth connections that an organization can use",
    description="Its own and those that the MSP shares with it, by name. Tokens and client secrets are never shown.",
    parameters=[ORGANIZATION],
    responses=answered("ConnectionPage"),
)
