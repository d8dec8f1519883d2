from __future__ import annotations

import pytest

from bifrost.sdk import cron
from bifrost.sdk.errors import DeclarationError


@pytest.mark.parametrize(
    "expression",
    [
        "0 9 * * *",
        "*/15 * * * *",
        "0 0 * * 1",
        "0 9 * * 1-5",
        "0 0 1 * *",
        "0 0 * jan mon-fri",
        "0 0 29 2 *",
        "@daily",
        "@hourly",
    ],
)
def test_the_documents_schedules_and_their_kin_are_accepted(expression):
    cron.check(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "daily",
        "@never",
        "@reboot",
        "* * * *",
        "* * * * * *",
        "0 25 * * *",
        "61 * * * *",
        "a b c d e",
        "0 9 * * xyz",
        "H * * * *",
        "R * * * *",
        "r(0-5) * * * *",
        None,
        5,
    ],
)
def test_anything_else_is_refused(expression):
    with pytest.raises(DeclarationError, match="is not a cron expression"):
        cron.check(expression)


def test_a_day_that_no_month_has_is_refused():
    with pytest.raises(DeclarationError, match="is not a cron expression"):
        cron.check("0 0 30 2 *")
