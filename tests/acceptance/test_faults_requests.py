"""The same thing is asked for twenty times at once, or at the very moment when something else happens."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import httpx

from tests.acceptance.crowd import Crowd
from tests.acceptance.launching import eventually

AT_ONCE = 20


def at_once(crowd: Crowd, call: Any) -> list[httpx.Response]:
    callers = [crowd.stack.begin_call(call) for _ in range(AT_ONCE)]
    return [caller.result() for caller in callers]


def pending(crowd: Crowd) -> tuple[str, str]:
    """An execution that waits for an approval, and that approval."""
    stack = crowd.stack
    answer = stack.run("after_approval", room=str(crowd.room))
    assert (answer.status_code, answer.json()["status"]) == (202, "PendingApproval")
    execution = answer.json()["executionId"]
    waiting = stack.call("GET", "/api/approvals?state=pending", stack.token("acme")).json()["results"]
    [approval] = [entry["approvalId"] for entry in waiting if entry["executionId"] == execution]
    crowd.ids.append(execution)
    return execution, approval


def decide(crowd: Crowd, approval: str, decision: str) -> httpx.Response:
    """By the MSP, since nobody decides about what they asked for."""
    stack = crowd.stack
    headers = {"X-Organization-Id": "acme"}
    token = stack.up.document["mspToken"]
    return stack.call("POST", f"/api/approvals/{approval}/{decision}", token, headers=headers, json={})


def test_twenty_approvals_of_one_execution(crowd: Crowd) -> None:
    execution, approval = pending(crowd)

    answers = at_once(crowd, partial(decide, crowd, approval, "approve"))

    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: AT_ONCE - 1}
    told = {answer.json()["message"] for answer in answers if answer.status_code == 409}
    assert all(message.startswith("This was already approved by ") and " at 20" in message for message in told), told
    crowd.wait_ended()
    assert crowd.check([execution]) == {"Success": 1}
    assert crowd.counts("begin") == {execution: 1}


def test_approvals_rejections_and_cancels_at_once(crowd: Crowd) -> None:
    """One of them counts, and the execution is what that one said."""
    stack = crowd.stack
    for _ in range(5):
        execution, approval = pending(crowd)
        cancel = partial(stack.call, "POST", f"/api/executions/{execution}/cancel", stack.token("acme"))
        calls: list[Any] = [partial(decide, crowd, approval, "approve"), partial(decide, crowd, approval, "reject")]
        callers = [stack.begin_call(call) for call in [*calls, cancel] * 6]
        assert {caller.result().status_code for caller in callers} <= {200, 202, 409}
        crowd.wait_ended()
        found = crowd.check([execution])
        assert found.keys() <= {"Success", "Rejected", "Cancelled"}
        assert crowd.counts("begin")[execution] <= 1


def test_one_webhook_delivered_twenty_times(crowd: Crowd) -> None:
    url = "/webhooks/acme/on_call"

    def deliver(delivery: str) -> httpx.Response:
        return crowd.stack.http.post(url, json={"room": str(crowd.room)}, headers={"X-Webhook-Delivery": delivery})

    for number in range(3):
        answers = at_once(crowd, partial(deliver, f"{crowd.room}-{number}"))
        assert {answer.status_code for answer in answers} == {202}
        [execution] = {answer.json()["executionId"] for answer in answers}
        crowd.ids.append(execution)
    crowd.wait_ended()
    assert crowd.check(crowd.ids) == {"Success": 3}
    assert crowd.counts("begin") == dict.fromkeys(crowd.ids, 1)


def test_one_idempotency_key_used_twenty_times(crowd: Crowd) -> None:
    stack = crowd.stack
    headers = {"Idempotency-Key": str(crowd.room)}
    start = partial(
        stack.call,
        "POST",
        "/api/workflows/once",
        stack.token("acme"),
        json={"room": str(crowd.room)},
        headers=headers,
    )
    answers = at_once(crowd, start)
    assert {answer.status_code for answer in answers} <= {200, 202}
    [execution] = {answer.json()["executionId"] for answer in answers}
    crowd.ids.append(execution)
    crowd.wait_ended()
    assert crowd.counts("begin") == {execution: 1}


def test_cancels_that_arrive_while_runs_suspend(crowd: Crowd) -> None:
    """They fail and wait for their next attempt many times a second: none of them misses its cancel."""
    stack = crowd.stack
    executions = crowd.start("never_well", 40, room=False)
    suspended = "SELECT count(*) FROM dispatch_dispatch WHERE epoch > 3"
    eventually(lambda: stack.sql(suspended)[0][0] >= 40, "several attempts of each")

    def cancel(execution: str) -> httpx.Response:
        return stack.call("POST", f"/api/executions/{execution}/cancel", stack.token("acme"))

    callers = [stack.begin_call(partial(cancel, execution)) for execution in executions]
    assert {caller.result().status_code for caller in callers} == {202}
    crowd.wait_ended(seconds=10)
    assert crowd.check(executions) == {"Cancelled": 40}
