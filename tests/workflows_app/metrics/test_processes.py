"""What several processes counted, read in another one, and after some of them are gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from orgs.records import OrganizationRecord
from tests.acceptance.launching import ROOT
from tests.workflows_app.dispatch.worker_processes import database_url
from tests.workflows_app.engine.conftest import Workspace
from tests.workflows_app.metrics.conftest import Scrape

pytestmark = pytest.mark.django_db(transaction=True)

RUNS = """
    @step
    async def greet(name: str) -> str:
        return f"Hello {name}"

    @workflow
    async def greeting(context, name: str):
        return await greet(name)
"""
# As a worker does: counts, keeps it at its beat, counts on, and is killed before the next one.
COUNTS = """
import django, sys
django.setup()
from workflows_app.metrics import keeping, noticing
for _ in range(int(sys.argv[1])):
    noticing.execution_ended("report", "Success", 20)
keeping.flush()
noticing.execution_ended("report", "Success", 20)
print("kept", flush=True)
sys.stdin.read()
"""


def start(workspace: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "DATABASE_URL": database_url(), "BIFROST_WORKSPACE": str(workspace)}
    environment["DJANGO_SETTINGS_MODULE"] = "bifrost.settings"
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=environment, text=True, **pipes)


def test_a_scrape_here_tells_what_other_processes_ran(
    acme: OrganizationRecord, workspace: Workspace, scrape: Scrape
) -> None:
    workspace.add(RUNS)
    command = ("manage.py", "run_workflow", "greeting", "--org", "acme", "-p", "name=Ann")
    running = [start(workspace.directory, *command) for _ in range(2)]
    for each in running:
        output, errors = each.communicate(timeout=60)
        assert (each.returncode, output.strip()) == (0, '"Hello Ann"'), errors

    found = scrape()

    assert found["bifrost_executions_ended_total", "Success", "greeting"] == 2
    assert found["bifrost_activities_ended_total", "greet", "done"] == 2
    assert found["activity_duration_ms_bucket", "greet", "+Inf"] == 2


def test_a_process_that_is_killed_and_replaced_takes_nothing_back(tmp_path: Path, scrape: Scrape) -> None:
    ended = ("bifrost_executions_ended_total", "Success", "report")
    seen = []
    for number in (5, 7):
        counting = start(tmp_path, "-c", COUNTS, str(number))
        try:
            assert counting.stdout is not None and counting.stdout.readline() == "kept\n"
            seen.append(scrape()[ended])
        finally:
            counting.send_signal(signal.SIGKILL)
            counting.communicate(timeout=10)
        seen.append(scrape()[ended])
    assert seen == [5, 5, 12, 12]
