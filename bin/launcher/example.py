"""The example that bin/up runs once all is ready, as a caller from outside would run it."""

from __future__ import annotations

import json
from typing import Any

from . import loopback
from .terminal import Terminal
from .waiting import StartFailed

ORGANIZATION = "test-org-active"
WORKFLOW = "my_first_workflow"
PARAMETERS = {"message": "Hello World"}
# A sync run ends after 30 s at the latest.
SECONDS = 45.0


def run_example(port: int, token: str, terminal: Terminal) -> bool:
    """Runs it and prints its outcome and record; whether it succeeded, or the workspace in use does not hold it."""
    headers = {"x-functions-key": token, "X-Organization-Id": ORGANIZATION}
    path = f"/api/workflows/{WORKFLOW}"
    try:
        if loopback.call(port, "GET", path, headers=headers, seconds=SECONDS)[0] == 404:
            terminal.say(f"The workspace in use does not hold {WORKFLOW}, so no example was run.")
            return True
        status, outcome = loopback.call(port, "POST", path, PARAMETERS, headers, SECONDS)
        _, record = loopback.call(port, "GET", f"/api/executions/{outcome.get('executionId')}", headers=headers)
    except OSError as error:
        raise StartFailed(f"The example could not be run: {error}") from error
    _show(status, outcome, record, terminal)
    return status == 200 and outcome.get("status") == "Success"


def _show(status: int, outcome: dict[str, Any], record: dict[str, Any], terminal: Terminal) -> None:
    terminal.say(
        f"\n{WORKFLOW} for {ORGANIZATION}: {outcome.get('status')} (HTTP {status}, {outcome.get('durationMs')} ms)"
    )
    if "result" in outcome:
        terminal.say(f"  result      {json.dumps(outcome['result'])}")
    else:
        terminal.say(f"  error       {outcome.get('error')}: {outcome.get('message')}")
    terminal.say(f"  execution   {outcome.get('executionId')}")
    for log in record.get("logs") or []:
        terminal.say(f"  log         {log['level']}: {log['message']}")
    for snapshot in record.get("stateSnapshots") or []:
        terminal.say(f"  checkpoint  {snapshot['name']}: {json.dumps(snapshot['data'])}")


def curl_line(url: str, token: str) -> str:
    """The documents' own example, with a token that works."""
    return "\n".join(
        [
            "curl -X POST \\",
            '  -H "Content-Type: application/json" \\',
            f'  -H "X-Organization-Id: {ORGANIZATION}" \\',
            f'  -H "x-functions-key: {token}" \\',
            f"  -d '{json.dumps(PARAMETERS)}' \\",
            f"  {url}/api/workflows/{WORKFLOW}",
        ]
    )
