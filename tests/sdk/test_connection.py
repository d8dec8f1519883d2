"""Credentials of an OAuth connection, and how an author's test gives them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bifrost import ConfigurationError, OAuthCredentials
from bifrost.sdk.testing import Record, blocking_context, context


def test_they_are_expired_from_their_end_on() -> None:
    now = datetime.now(UTC)
    assert not OAuthCredentials("Halo", "t", now + timedelta(minutes=1)).is_expired()
    assert OAuthCredentials("Halo", "t", now).is_expired()
    assert OAuthCredentials("Halo", "t", now + timedelta(minutes=1)).is_expired(within=120)
    assert not OAuthCredentials("Halo", "t").is_expired(within=timedelta(days=9))


def test_they_do_not_show_the_token() -> None:
    credentials = OAuthCredentials("Halo", "hunter22-token", None, ("read",))
    assert "hunter22" not in f"{credentials} {credentials!r} {[credentials]}"
    assert credentials.get_auth_header() == "Bearer hunter22-token"


@pytest.mark.asyncio
async def test_a_test_gives_them_by_name() -> None:
    given = OAuthCredentials("Microsoft", "ms-token", datetime(2099, 1, 1, tzinfo=UTC))
    ctx = context(connections={"HaloPSA": "halo-token", "Microsoft": given})
    assert (await ctx.get_oauth_connection("halopsa")).get_auth_header() == "Bearer halo-token"
    assert await ctx.get_oauth_connection("MICROSOFT") is given
    assert ctx.records == [Record("connection", "HaloPSA", None), Record("connection", "Microsoft", None)]


@pytest.mark.asyncio
async def test_one_that_a_test_does_not_give_is_missing() -> None:
    with pytest.raises(ConfigurationError, match='no OAuth connection "Xero"') as raised:
        await context().get_oauth_connection("Xero")
    assert raised.value.config_key == "Xero"


def test_a_plain_workflow_gets_them_at_once() -> None:
    ctx = blocking_context(connections={"HaloPSA": "halo-token"})
    assert ctx.get_oauth_connection("HaloPSA").access_token == "halo-token"
