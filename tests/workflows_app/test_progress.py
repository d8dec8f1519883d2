"""How far a run is, and the estimate of what is left, as API, pages and command tell it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from orgs.records import OrganizationRecord
from tests.factories import make_token, make_user
from tests.workflows_app.engine.conftest import Run, Workspace, engine_stops, journal, recorded, run, workspace
from tests.workflows_app.rest.rows import make_events, make_execution
from workflows_app.models import TERMINAL
from workflows_app.progress import estimate, in_words, remaining, time_left

__all__ = ["engine_stops", "run", "workspace"]

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def line(done: float = 1, total: float = 4, elapsed_ms: int | None = 60_000, message: str = "") -> dict[str, Any]:
    found = {"percent": 100 * done / total, "done": done, "total": total, "message": message}
    return found if elapsed_ms is None else {**found, "elapsedMs": elapsed_ms}


# --- the estimate ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (line(1, 4, 60_000), 180),
        (line(2, 4, 60_000), 60),
        (line(4, 4, 60_000), 0),
        (line(0, 4, 60_000), None),
        (line(1, 4, None), None),
    ],
)
def test_the_rest_is_expected_to_go_as_it_went_so_far(said: dict[str, Any], seconds: float | None) -> None:
    assert estimate(said) == seconds


def test_time_that_passed_since_is_subtracted_while_it_runs_and_never_below_zero() -> None:
    assert remaining(line(), NOW - timedelta(seconds=50), "Running", NOW) == 130
    assert remaining(line(), NOW - timedelta(hours=1), "Running", NOW) == 0
    assert remaining(line(), NOW + timedelta(seconds=9), "Running", NOW) == 180, "another machine's clock"


@pytest.mark.parametrize("status", ["Suspended", "Queued"])
def test_what_waits_comes_no_nearer_to_its_end(status: str) -> None:
    assert remaining(line(), NOW - timedelta(hours=1), status, NOW) == 180


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_what_has_ended_has_no_rest(status: str) -> None:
    assert remaining(line(), NOW, status, NOW) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0, ""),
        (3, "a few seconds left"),
        (5, "about 10 s left"),
        (41, "about 40 s left"),
        (89, "about 90 s left"),
        (100, "about 2 min left"),
        (181, "about 3 min left"),
        (5_000, "about 83 min left"),
        (7_300, "about 2 h left"),
        (200_000, "about 2 d left"),
    ],
)
def test_it_is_told_roughly(seconds: float | None, words: str) -> None:
    assert time_left(seconds) == words


def test_it_is_told_in_one_line_without_control_characters() -> None:
    assert in_words(line(2, 5, message="importing"), 181) == "40% (2 of 5), importing, about 3 min left"
    assert in_words(line(0.5, 3), None) == "16% (0.5 of 3)"
    assert in_words(line(1, 1, message="two\nlines \x1b[31mred"), 0) == "100% (1 of 1), two lines [31mred"


# --- the record ------------------------------------------------------------------------------------------------------


def read(organization: OrganizationRecord, execution: Any) -> dict[str, Any]:
    client = Client(headers={"Authorization": f"Bearer {make_token(organization)}"})
    found: dict[str, Any] = client.get(f"/api/executions/{execution}").json()
    return found


def test_the_api_tells_the_last_progress_with_its_estimate(acme: OrganizationRecord) -> None:
    made = make_execution(acme, status="Suspended", progress=40.0, completed_at=None, duration_ms=None)
    make_events(acme, made, ("progress", "", line(1, 5)), ("progress", "", line(2, 5, 120_000, "importing")))
    found = read(acme, made)
    assert found["progress"] == 40.0
    assert found["progressDetail"] == {"done": 2, "total": 5, "message": "importing", "remainingSeconds": 180.0}


def test_without_progress_or_after_the_end_there_is_nothing_to_estimate(acme: OrganizationRecord) -> None:
    assert read(acme, make_execution(acme))["progressDetail"] is None
    ended = make_execution(acme, progress=40.0)
    make_events(acme, ended, ("progress", "", line(2, 5, message="importing")))
    assert read(acme, ended)["progressDetail"]["remainingSeconds"] is None


def test_another_organization_s_progress_is_not_found(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    made = make_execution(globex, progress=40.0)
    make_events(globex, made, ("progress", "", line(message="of globex")))
    client = Client(headers={"Authorization": f"Bearer {make_token(acme)}"})
    response = client.get(f"/api/executions/{made}")
    assert response.status_code == 404 and "globex" not in response.content.decode()


def test_a_run_says_how_long_it_had_run(run: Run, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(
        """
        @workflow
        async def example(context):
            context.progress(1, 4, "first quarter")
            await asyncio.sleep(0.05)
            context.log("info", "between")
            context.progress(2, 4)
        """
    )
    outcome = run("example")
    first, second = (data for _, _, data in journal(acme, outcome, "progress"))
    assert first["message"] == "first quarter" and second["elapsedMs"] - first["elapsedMs"] >= 45
    assert recorded(acme, outcome).progress == 50


# --- the page --------------------------------------------------------------------------------------------------------


def page(organization: OrganizationRecord, msp: OrganizationRecord, execution: Any) -> str:
    client = Client()
    client.force_login(make_user(msp, "technician", all_organizations=True))
    answer = client.get(f"/o/{organization.org_id}/admin/workflows_app/execution/{execution}/change/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_has_a_bar_with_words(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    made = make_execution(acme, status="Suspended", progress=40.0, completed_at=None, duration_ms=None)
    make_events(acme, made, ("progress", "", line(2, 5, 120_000, "<importing>")))
    shown = page(acme, msp, made)
    assert (
        '<progress max="100" value="40" aria-label="Progress" aria-describedby="progress-words">40%</progress>' in shown
    )
    assert '<span id="progress-words">40% (2 of 5), &lt;importing&gt;, about 3 min left</span>' in shown


def test_the_page_of_one_without_progress_has_no_bar(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    assert "<progress" not in page(acme, msp, make_execution(acme))


def test_its_timeline_tells_each_progress_in_words(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    made = make_execution(acme, progress=100.0)
    make_events(acme, made, ("progress", "", line(1, 5, message="reading")), ("progress", "", line(5, 5)))
    shown = page(acme, msp, made)
    assert '<p class="">20% (1 of 5), reading</p>' in shown and "100% (5 of 5)" in shown
