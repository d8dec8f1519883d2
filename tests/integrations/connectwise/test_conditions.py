"""Conditions, made from Python's values."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from bifrost import ValidationError
from integrations.connectwise.conditions import conditions


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (None, None),
        ({}, None),
        ('board/name = "Help Desk"', 'board/name = "Help Desk"'),
        ({"board/name": "Help Desk", "closedFlag": False}, 'board/name = "Help Desk" and closedFlag = False'),
        ({"id": [3, 2, 4]}, "id in (3, 2, 4)"),
        ({"status/name not in": ("New", "Closed")}, 'status/name not in ("New", "Closed")'),
        ({"summary like": "print*"}, 'summary like "print*"'),
        ({"summary Not  Contains": "low"}, 'summary not contains "low"'),
        ({"actualHours >=": 1.5}, "actualHours >= 1.5"),
        ({"owner": None}, "owner = null"),
        ({"lastUpdated >": datetime(2026, 8, 20, 18, 4, 26, tzinfo=UTC)}, "lastUpdated > [2026-08-20T18:04:26Z]"),
        (
            {"lastUpdated <": datetime(2026, 8, 20, 18, tzinfo=timezone(timedelta(hours=2)))},
            "lastUpdated < [2026-08-20T16:00:00Z]",
        ),
        ({"dateEntered >=": date(2026, 8, 20)}, "dateEntered >= [2026-08-20T00:00:00Z]"),
        ({"name": "Ann's"}, 'name = "Ann\'s"'),
        ({"name": 'The "Best"'}, "name = 'The \"Best\"'"),
        ({"name": "[old] Acme"}, 'name = "[[]old] Acme"'),
    ],
)
def test_values_are_written_as_connectwise_reads_them(given: Any, text: str | None) -> None:
    assert conditions(given) == text


@pytest.mark.parametrize(
    "given",
    [
        {"name": """ "a" or 'b' """},
        {"name": "ends so\\"},
        {"name": "*"},
        {"name = 1 or id": 1},
        {"id=1 or id": 1},
        {"id in": []},
        {"id in": "3"},
        {"name": {"nested": 1}},
        {"hours": float("nan")},
        {"": 1},
    ],
)
def test_what_cannot_be_said_safely_is_refused(given: Any) -> None:
    with pytest.raises(ValidationError):
        conditions(given)
