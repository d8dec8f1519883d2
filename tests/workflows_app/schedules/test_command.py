"""`manage.py dispatch_due`."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command, load_command_class

from orgs.records import OrganizationRecord

from .conftest import MakeSchedule, executions_of, history


def dispatch_due(*arguments: str) -> str:
    out = StringIO()
    call_command("dispatch_due", *arguments, stdout=out)
    return out.getvalue()


def test_it_says_what_it_did(make_schedule: MakeSchedule, acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    make_schedule(acme)
    make_schedule(globex, "removed")
    *lines, total = dispatch_due().splitlines()
    [started] = [line for line in lines if "acme" in line and "started" in line]
    assert started.endswith(str(executions_of(acme)[0].id))
    assert any("globex  removed" in line and "not in the workspace" in line for line in lines)
    # Each also has a line of the many times that nobody looked at since.
    assert total.startswith("At 20") and total.endswith("Z: 1 started, 2 skipped, 0 waiting.")


def test_a_second_one_finds_nothing_to_do(make_schedule: MakeSchedule, acme: OrganizationRecord) -> None:
    make_schedule(acme)
    dispatch_due()
    before = history(acme)
    assert dispatch_due().endswith(": 0 started, 0 skipped, 0 waiting.\n")
    assert history(acme) == before


def test_it_speaks_json_too(make_schedule: MakeSchedule, acme: OrganizationRecord) -> None:
    make_schedule(acme)
    document = json.loads(dispatch_due("--json"))
    assert (document["started"], document["skipped"]) == (1, 1)
    assert {report["outcome"] for report in document["reports"]} == {"started", "skipped"}
    assert [report["executionId"] for report in document["reports"]].count(str(executions_of(acme)[0].id)) == 1


def test_its_help_reads_well(capsys: pytest.CaptureFixture[str]) -> None:
    load_command_class("workflows_app", "dispatch_due").print_help("manage.py", "dispatch_due")
    shown = " ".join(capsys.readouterr().out.split())
    assert "Look at the clock once for all organizations" in shown and "--json" in shown
