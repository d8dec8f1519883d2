"""A secret that a run uses shows up nowhere: not in answers, records, pages, the database or what the process logs."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus
from uuid import uuid4

import httpx
import pytest

from tests.acceptance.stack import Stack

UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class Canary:
    """A secret of the test's own, and every text by which it would give itself away."""

    def __init__(self) -> None:
        self.name = f"canary_{uuid4().hex[:8]}"
        self.value = f'ca/nä"ry+{uuid4().hex}?&é='
        raw = self.value.encode()
        # What the secret alone decides of its base64, wherever it begins in a block of three bytes.
        blocks = [base64.b64encode(b"\0" * before + raw).decode()[-(-before * 8 // 6) :] for before in range(3)]
        inside = [block[: (len(raw) * 8 // 6) - 4] for block in blocks]
        quoted = [quote(self.value), quote(self.value, safe=""), quote_plus(self.value)]
        escaped = [json.dumps(self.value)[1:-1], json.dumps(self.value, ensure_ascii=False)[1:-1]]
        urlsafe = [block.replace("+", "-").replace("/", "_") for block in inside]
        core = self.value[9:41]  # its hexadecimal digits, which no encoding but base64 changes
        self.texts = {self.value, core, raw.hex(), *inside, *urlsafe, *quoted, *escaped}

    def found_in(self, text: str) -> list[str]:
        return [form for form in self.texts if form in text]


@pytest.fixture(scope="module")
def canary(shared_stack: Stack) -> Canary:
    made = Canary()
    shared_stack.manage("set_secret", made.name, "--org", "acme", stdin=made.value)
    return made


@pytest.fixture(scope="module", params=["returned", "raised", "raised unexpectedly", "a parameter"])
def leaked(request: pytest.FixtureRequest, shared_stack: Stack, canary: Canary) -> httpx.Response:
    """The answer of a run that let the secret slip in every way."""
    stack = shared_stack
    match request.param:
        case "returned":
            return stack.run("leak_and_return", secret_name=canary.name)
        case "a parameter":
            return stack.run("leak_a_parameter", api_key=canary.value)
        case kind:
            return stack.run("leak_and_raise", secret_name=canary.name, expected=kind == "raised")


def test_the_canary_would_be_found() -> None:
    canary = Canary()
    for slip in (canary.value, f"x{canary.value}y", json.dumps([canary.value]), quote(canary.value)):
        assert canary.found_in(slip)
    for before in ("", "x", "xx", "xxx"):
        assert canary.found_in(base64.b64encode(f"{before}{canary.value}".encode()).decode())


def test_it_is_in_no_answer(stack: Stack, canary: Canary, leaked: httpx.Response) -> None:
    execution = leaked.json()["executionId"]
    assert canary.found_in(leaked.text) == []
    assert "REDACTED" in leaked.text or leaked.json()["error"] == "InternalServerError"

    tokens = {stack.token("acme"), stack.up.document["mspToken"]}
    paths = [f"/api/executions/{execution}{part}" for part in ("", "/logs", "/journal")] + ["/api/executions"]
    for token in tokens:
        for path in paths:
            answer = stack.call("GET", path, token, headers={"X-Organization-Id": "acme"})
            assert answer.status_code == 200
            assert canary.found_in(answer.text) == [], path


def test_the_record_is_there_without_it(stack: Stack, canary: Canary, leaked: httpx.Response) -> None:
    record = stack.record(leaked.json()["executionId"])

    # Of base64, the last character may tell a bit or two, and stays.
    assert [log["message"][:22] for log in record["logs"]] == ["The secret is REDACTED"] * 3
    [snapshot] = record["stateSnapshots"]
    assert snapshot["name"] == "REDACTED"
    assert record["variables"]["leak"]["inside"] == "https://user:REDACTED@example.com/"


def test_it_is_on_no_page(stack: Stack, canary: Canary, leaked: httpx.Response) -> None:
    execution = leaked.json()["executionId"]
    pages = list(pages_of(stack, "/o/acme/admin/"))

    assert any(execution in text for text in pages), "no page shows the execution"
    assert [canary.found_in(text) for text in pages if canary.found_in(text)] == []


def pages_of(stack: Stack, start: str) -> Iterator[str]:
    """The staff pages that can be reached from this one, the newest executions of each list among them."""
    waiting, seen = [start], {start}
    with httpx.Client(base_url=stack.url, follow_redirects=True, timeout=30) as browser:
        sign_in(browser, stack.up.document["admin"])
        while waiting and len(seen) < 60:
            page = browser.get(waiting.pop(0))
            assert page.status_code == 200, page.url
            yield page.text
            links = re.findall(r'href="(/o/acme/admin/[^"#?]*)"', page.text)
            fresh = [link for link in dict.fromkeys(links) if link not in seen and "logout" not in link]
            seen.update(fresh)
            waiting += fresh


def sign_in(browser: httpx.Client, person: dict[str, str]) -> None:
    browser.get("/admin/login/")
    form = {"username": person["email"], "password": person["password"], "next": "/admin/"}
    page = browser.post("/admin/login/", data={**form, "csrfmiddlewaretoken": browser.cookies["csrftoken"]})
    assert page.url.path == "/admin/"


def test_it_is_in_no_table(stack: Stack, canary: Canary, leaked: httpx.Response) -> None:
    tables = stack.sql(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    )
    # Rows as text: bytes are hexadecimal there, and jsonb as it would be shown.
    searched = " UNION ALL ".join(
        f"SELECT '{schema}.{table}', row::text FROM {schema}.{table} row" for schema, table in tables
    )
    rows = stack.sql(searched)

    assert any(leaked.json()["executionId"] in text for _, text in rows)
    assert [name for name, text in rows if canary.found_in(text)] == []


def test_it_is_in_nothing_that_the_processes_wrote(stack: Stack, canary: Canary, leaked: httpx.Response) -> None:
    assert leaked.json()["executionId"] in stack.up.output  # its lines are there, by its id
    for text in (stack.up.output, *logs_of(stack)):
        lines = [line for line in text.splitlines() if canary.found_in(line)]
        assert lines == []


def logs_of(stack: Stack) -> list[str]:
    return [path.read_text(errors="replace") for path in (stack.up.data / "logs").iterdir()]


def test_the_caller_s_mistake_does_not_repeat_a_secret_parameter(stack: Stack, canary: Canary) -> None:
    wrong: dict[str, Any] = {"api_key": [canary.value], "surplus": canary.value}

    answer = stack.run("leak_a_parameter", **wrong)

    assert answer.status_code == 400
    assert canary.found_in(answer.text) == []


def test_another_organization_does_not_get_it(stack: Stack, canary: Canary) -> None:
    answer = stack.run("leak_and_return", "test-org-active", secret_name=canary.name)

    assert (answer.status_code, answer.json()["error"]) == (500, "ConfigurationError")
    assert canary.name in answer.json()["message"]
    assert canary.found_in(answer.text) == []
