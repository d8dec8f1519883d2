"""The context of a plain function has the same names, and blocks."""

from __future__ import annotations

import pytest

from bifrost import ConfigurationError
from bifrost.testing import Record, blocking_context


def test_the_blocking_context_blocks():
    def double(ctx, n):
        ctx.log("info", "doubling")
        return n * 2

    ctx = blocking_context(secrets={"api_key": "s3cret"}, workflows={"double": double})
    assert ctx.get_secret("api_key") == "s3cret"
    assert ctx.execute_workflow("double", {"n": 2}) == 4
    assert ctx.records == [Record("log", "info", {"message": "doubling", "data": None})]


def test_the_blocking_context_s_failures_are_the_same():
    ctx = blocking_context()
    with pytest.raises(ConfigurationError, match="api_key"):
        ctx.get_secret("api_key")
    with pytest.raises(ConfigurationError, match="HaloPSA"):
        ctx.get_oauth_connection("HaloPSA")


@pytest.mark.asyncio
async def test_the_blocking_context_works_inside_a_running_loop_too():
    assert blocking_context(secrets={"api_key": "s3cret"}).get_secret("api_key") == "s3cret"
