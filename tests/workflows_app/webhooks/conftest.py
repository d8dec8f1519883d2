"""Workflows with webhooks, a vault that is clean afterwards, and somebody who calls."""

from __future__ import annotations

import hashlib
import hmac
import json
import textwrap
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from integrations import sealing, secrets
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.integrations.conftest import _prepared_vault, as_platform, platform_token, vault
from tests.workflows_app.rest.conftest import api_of
from workflows_app import catalog
from workflows_app.dispatch import settled
from workflows_app.models import Execution, WebhookDelivery
from workflows_app.webhooks import credentials

# Fixtures of others, for the tests here.
__all__ = ["_prepared_vault", "api_of", "as_platform", "platform_token", "vault"]

SOURCE = """
    from bifrost import param, workflow

    @workflow(name="on_ticket", webhook_enabled=True, execution_mode="async")
    @param("ticket_id", "string", required=True)
    @param("priority", "int", default_value=3)
    async def on_ticket(context, ticket_id, priority):
        return ticket_id

    @workflow(name="on_key", webhook_enabled=True, execution_mode="async")
    @param("api_key", "secret", required=True)
    async def on_key(context, api_key):
        return None

    @workflow(name="on_sale", webhook_enabled=True)
    async def on_sale(context, amount: int = 0):
        return amount

    @workflow(name="open_door", webhook_enabled=True, webhook_secret_required=False)
    async def open_door(context):
        return None

    @workflow(name="on_payment", webhook_enabled=True, requires_approval=True)
    async def on_payment(context, amount: int):
        return amount

    @workflow(name="closed")
    async def closed(context):
        return None
"""


@pytest.fixture
def workspace(tmp_path: Path, settings: Any) -> Path:
    settings.WORKSPACE = tmp_path / "workspace"
    directory: Path = settings.WORKSPACE / "workflows"
    directory.mkdir(parents=True)
    (directory / "hooks.py").write_text(textwrap.dedent(SOURCE))
    catalog.refresh()
    return directory


@pytest.fixture(autouse=True)
def nothing_remembered(db: None, settings: Any) -> Iterator[None]:
    address, token = settings.VAULT_ADDR, settings.VAULT_TOKEN
    _forget()
    yield
    settings.VAULT_ADDR, settings.VAULT_TOKEN = address, token
    _forget()


def _forget() -> None:
    credentials.forget()
    settled.forget()
    secrets.reset()
    sealing.forget_master_keys()


class Sender:
    """Another system that knows a webhook's address and secret."""

    def __init__(self, address: str, secret: str = "") -> None:
        self.address = address
        self.secret = secret
        self.client = Client(enforce_csrf_checks=True)

    def send(self, body: Any = None, content_type: str = "application/json", **headers: str) -> HttpResponse:
        """Sends with the secret itself. Bytes go as they are, anything else as JSON."""
        return self.plain(body, content_type, **{"X-Webhook-Secret": self.secret, **headers})

    def plain(self, body: Any = None, content_type: str = "application/json", **headers: str) -> HttpResponse:
        """Sends with these headers alone."""
        return self.client.post(self.address, raw(body), content_type=content_type, headers=headers)

    def signed(self, body: Any = None, at: int | None = None, header: str = "X-Webhook-Signature") -> HttpResponse:
        """Sends with a signature, of the body alone or with a time."""
        stamp = {} if at is None else {"X-Webhook-Timestamp": str(at)}
        text = raw(body) if at is None else f"{at}.".encode() + raw(body)
        return self.plain(body, **{header: f"sha256={signature(self.secret, text)}", **stamp})


def raw(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps({"ticket_id": "T-1"} if body is None else body).encode()


def signature(secret: str, text: bytes) -> str:
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def sender_of(organization: OrganizationRecord, workflow: str = "on_ticket", **overlap: float) -> Sender:
    """Somebody with a new secret for the workflow."""
    made = credentials.rotate(organization, workflow, timedelta(hours=overlap.get("hours", 24)))
    return Sender(f"/webhooks/{organization.org_id}/{workflow}", made.secret)


@pytest.fixture
def sender(acme: OrganizationRecord, workspace: Path) -> Sender:
    """Whoever sends acme's tickets."""
    return sender_of(acme)


def executions_of(organization: OrganizationRecord) -> list[Execution]:
    with org_context(organization):
        return list(Execution.objects.order_by("id"))


def deliveries_of(organization: OrganizationRecord) -> list[WebhookDelivery]:
    with org_context(organization):
        return list(WebhookDelivery.objects.order_by("id"))
