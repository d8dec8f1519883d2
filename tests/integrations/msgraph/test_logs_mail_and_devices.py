"""Sign-ins, alerts, mail, devices and the organization."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from bifrost import IntegrationError, ValidationError
from integrations.msgraph.client import MicrosoftGraph
from tests.integrations.msgraph.routes import TENANT
from tests.integrations.msgraph.server import Graph


def sign_in(number: int, day: int, user: str = "ann@acme.example", user_id: str = "ann-id") -> dict[str, Any]:
    return {
        "id": f"sign-in-{number}",
        "createdDateTime": f"2026-11-{day:02}T09:00:00Z",
        "userPrincipalName": user,
        "userId": user_id,
        "appDisplayName": "Outlook",
        "status": {"errorCode": 50126, "failureReason": "Error validating credentials"},
    }


@pytest.mark.asyncio
async def test_sign_ins_are_told_the_newest_first(graph: Graph, client: MicrosoftGraph) -> None:
    graph.directory.sign_ins = [sign_in(1, 20), sign_in(2, 22)]

    found = await client.get_sign_ins()

    assert [each["id"] for each in found] == ["sign-in-2", "sign-in-1"]
    assert found[0].status.error_code == 50126


@pytest.mark.parametrize(
    "since",
    [
        date(2026, 11, 21),
        datetime(2026, 11, 21, 12, tzinfo=UTC),
        datetime(2026, 11, 21, 12),
        datetime(2026, 11, 22, 11, tzinfo=timezone(timedelta(hours=2))),
        "2026-11-21T00:00:00Z",
    ],
)
@pytest.mark.asyncio
async def test_they_are_found_by_time_user_and_anything_else(graph: Graph, client: MicrosoftGraph, since: Any) -> None:
    graph.directory.sign_ins = [
        sign_in(1, 20),
        sign_in(2, 22),
        sign_in(3, 23, "bob@acme.example", "bob-id"),
        {**sign_in(4, 24), "appDisplayName": "Teams"},
    ]

    found = await client.get_sign_ins(since=since, user="Ann@acme.example", filter={"appDisplayName": "Outlook"})

    assert [each["id"] for each in found] == ["sign-in-2"]
    assert [each["id"] for each in await client.get_sign_ins(since, {"id": "bob-id"})] == ["sign-in-3"]
    assert [each["id"] for each in await client.get_sign_ins(since, top=1)] == ["sign-in-4"]


@pytest.mark.asyncio
async def test_an_or_of_the_author_s_does_not_widen_what_was_asked_for(graph: Graph, client: MicrosoftGraph) -> None:
    graph.directory.sign_ins = [sign_in(1, 20), sign_in(2, 22), sign_in(3, 22, "bob@acme.example")]

    found = await client.get_sign_ins(
        user="ann@acme.example", since=date(2026, 11, 21), filter="appDisplayName eq 'A' or appDisplayName eq 'Outlook'"
    )

    assert [each["id"] for each in found] == ["sign-in-2"]


@pytest.mark.asyncio
async def test_alerts_are_found_by_time_severity_and_status(graph: Graph, client: MicrosoftGraph) -> None:
    severities = [
        ("a", "high", "new", 20),
        ("b", "high", "new", 22),
        ("c", "low", "new", 22),
        ("d", "high", "resolved", 22),
    ]
    graph.directory.alerts = [
        {"id": id, "title": id, "severity": severity, "status": status, "createdDateTime": f"2026-11-{day}T00:00:00Z"}
        for id, severity, status, day in severities
    ]

    assert len(await client.get_security_alerts()) == 4
    found = await client.get_security_alerts(since=date(2026, 11, 21), severity="high", status="new")
    assert [alert.title for alert in found.value] == ["b"]
    assert [alert.title for alert in await client.get_security_alerts(filter="severity ne 'high'", top=5)] == ["c"]


@pytest.mark.asyncio
async def test_a_mail_is_sent_in_somebody_s_name(graph: Graph, client: MicrosoftGraph) -> None:
    graph.directory.add_user("Ann")

    await client.send_mail(
        "ann@acme.example",
        ["bob@acme.example", "carl@other.example"],
        "Hello",
        "<b>Hi</b>",
        html=True,
        cc="dan@x.example",
    )

    (mail,) = graph.directory.mails
    message = mail["message"]
    assert (mail["from"], mail["saveToSentItems"], message["subject"]) == ("ann@acme.example", True, "Hello")
    assert message["body"] == {"contentType": "html", "content": "<b>Hi</b>"}
    assert [each["emailAddress"]["address"] for each in message["toRecipients"]] == [
        "bob@acme.example",
        "carl@other.example",
    ]
    assert message["ccRecipients"] == [{"emailAddress": {"address": "dan@x.example"}}]


@pytest.mark.asyncio
async def test_a_mail_to_nobody_and_from_somebody_without_a_mailbox_is_refused(
    graph: Graph, client: MicrosoftGraph
) -> None:
    graph.directory.add_user("Ann", mail=None)

    with pytest.raises(ValidationError, match="goes to nobody"):
        await client.send_mail("ann@acme.example", [], "Hello", "Hi")
    with pytest.raises(IntegrationError, match="mailbox is either inactive"):
        await client.send_mail("ann@acme.example", "bob@acme.example", "Hello", "Hi")


@pytest.mark.asyncio
async def test_devices_of_both_kinds_are_listed(graph: Graph, client: MicrosoftGraph) -> None:
    graph.directory.add_user("Ann")
    graph.directory.devices = [{"id": "1", "displayName": "LT-7", "operatingSystem": "Windows"}]
    graph.directory.managed_devices = [
        {"id": "2", "deviceName": "LT-7", "userPrincipalName": "ann@acme.example", "azureADDeviceId": "x"},
        {"id": "3", "deviceName": "LT-8", "userPrincipalName": "bob@acme.example", "azureADDeviceId": "y"},
    ]

    assert [device.display_name for device in await client.get_devices(filter={"operatingSystem": "Windows"})] == [
        "LT-7"
    ]
    assert [device.azure_ad_device_id for device in await client.get_managed_devices()] == ["x", "y"]
    assert [device.device_name for device in await client.get_managed_devices(user="ann@acme.example")] == ["LT-7"]
    assert [each["id"] for each in await client.get_managed_devices(filter="deviceName ne 'LT-7'", top=9)] == ["3"]


@pytest.mark.asyncio
async def test_the_organization_is_the_tenant(client: MicrosoftGraph) -> None:
    tenant = await client.get_organization()

    assert (tenant["id"], tenant.verified_domains[0].name) == (TENANT, "acme.example")
