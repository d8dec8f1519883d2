"""A secret that a run used turns up nowhere in its record, its answer or the log."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from concurrent.futures import Future
from itertools import count
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from pytest_django import Settings

from integrations import secrets
from integrations.configs import set_config
from integrations.errors import VaultUnavailable
from orgs.records import OrganizationRecord
from tests.integrations.servers import black_hole
from workflows_app.engine import connectedness
from workflows_app.engine.engine import Engine

from .conftest import Run, Workspace, journal, recorded

CANARY = 'canary/"va lue"+7f3a91'

LEAKS = """
    import base64, logging
    from urllib.parse import quote

    def forms(secret):
        return [secret, base64.b64encode(secret.encode()).decode(), quote(secret), "Bearer " + secret,
                base64.b64encode(b"user:" + secret.encode()).decode()]

    @workflow(name="leaks")
    async def leaks(context, how: str, first: str = "my_api_key"):
        secret = await context.get_secret(first)
        for form in forms(secret):
            context.log("info", "using " + form, {"form": form, "nested": [{"x": form}]})
            context.save_checkpoint("c", {"form": form})
            context.set_variable("v", form)
            context._track_integration_call("svc", "GET", "/x?key=" + form, error=form)
        logging.getLogger("author").warning("author says %s", secret)
        if how == "return":
            return {"all": forms(secret), secret: "as a key"}
        if how == "raise":
            raise IntegrationError("refused " + secret, details={"sent": forms(secret)})
        if how == "crash":
            raise RuntimeError("crashed with " + secret)
        return {"length": len(secret)}

    @workflow(name="twice")
    async def twice(context):
        first, second = await asyncio.gather(context.get_secret("my_api_key"), context.get_secret("my_api_key"))
        return first == second

    @workflow(name="plain_secret")
    def plain_secret(context):
        return len(context.get_secret("my_api_key"))

    @workflow(name="missing")
    async def missing(context):
        await context.get_secret("nobody_set_this")

    @workflow(name="by_config")
    async def by_config(context):
        return {"length": len(context.get_config("api_key")), "value": context.get_config("api_key")}

    @workflow(name="in_the_end")
    async def in_the_end(context):
        while True:
            try:
                return len(await context.get_secret("my_api_key"))
            except IntegrationError:
                context.log("warning", "The vault is away")
                await asyncio.sleep(0.01)

    @workflow(name="takes_secret")
    @param("password", "secret", "A password", required=True)
    async def takes_secret(context, password):
        context.log("info", "got " + password)
        return {"length": len(password)}
"""


@pytest.fixture
def secret(acme: OrganizationRecord) -> Iterator[str]:
    secrets.write_secret(acme, "my_api_key", CANARY)
    yield CANARY
    secrets.delete_secret(acme, "my_api_key")


def everything_stored(organization: OrganizationRecord) -> str:
    """All rows of the organization's and the shared tables that a run writes, as text."""
    parts = []
    with connection.cursor() as cursor:
        for table in ("workflows_app_execution", "workflows_app_executionevent"):
            cursor.execute(
                f"SELECT coalesce(string_agg(to_jsonb(t)::text, ''), '') FROM {organization.schema_name}.{table} t"
            )
            parts.append(cursor.fetchone()[0])
        cursor.execute("SELECT coalesce(string_agg(to_jsonb(t)::text, ''), '') FROM public.dispatch_fleet t")
        parts.append(cursor.fetchone()[0])
    return "".join(parts)


def shapes(secret: str) -> list[str]:
    encoded = base64.b64encode(secret.encode()).decode()
    return [secret, encoded, encoded.rstrip("=")[:-1], quote(secret), json.dumps(secret)[1:-1]]


@pytest.mark.parametrize("how", ["return", "raise", "crash", "quiet"])
def test_no_form_of_a_secret_is_stored_or_answered(
    run: Run, workspace: Workspace, acme: OrganizationRecord, secret: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    workspace.add(LEAKS)
    outcome = run("leaks", how=how)

    answer = json.dumps([outcome.result, outcome.error])
    stored = everything_stored(acme)
    for shape in shapes(secret):
        assert shape not in answer
        assert shape not in stored
        assert json.dumps(shape)[1:-1] not in stored
        assert shape not in caplog.text
    assert "REDACTED" in stored
    assert "author says REDACTED" in caplog.text


def test_what_a_forgotten_task_raises_does_not_reach_the_log(
    run: Run, workspace: Workspace, secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    workspace.add(
        """
        import gc

        async def bad(secret):
            raise RuntimeError("failed with " + secret)

        @workflow(name="forgets")
        async def forgets(context):
            task = asyncio.create_task(bad(await context.get_secret("my_api_key")))
            await asyncio.sleep(0.05)
            del task
            gc.collect()
            return "done"
        """
    )
    assert run("forgets").result == "done"
    assert "unnoticed in the loop" in caplog.text and "RuntimeError" in caplog.text
    assert CANARY not in caplog.text


def test_the_positive_control_finds_a_value_that_is_no_secret(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    secrets.write_secret(acme, "other", "unrelated-value")
    workspace.add(LEAKS)
    run("leaks", how="quiet", first="other")
    assert "using REDACTED" in everything_stored(acme)
    assert "leaks" in everything_stored(acme)


def test_the_journal_says_which_secret_was_read(
    run: Run, workspace: Workspace, acme: OrganizationRecord, secret: str
) -> None:
    workspace.add(LEAKS)
    assert journal(acme, run("leaks", how="quiet"), "secret") == [("secret", "my_api_key", None)]


def test_reading_a_secret_twice_asks_the_vault_once(
    run: Run, workspace: Workspace, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    fetch = secrets.secret_future
    monkeypatch.setattr(secrets, "secret_future", lambda *arguments: (asked.append(arguments), fetch(*arguments))[1])
    workspace.add(LEAKS)
    assert run("twice").result is True
    assert len(asked) == 1


def test_a_plain_function_reads_secrets_too(run: Run, workspace: Workspace, secret: str) -> None:
    workspace.add(LEAKS)
    assert run("plain_secret").result == len(CANARY)


def test_a_missing_secret_is_a_configuration_error_that_names_it(run: Run, workspace: Workspace) -> None:
    workspace.add(LEAKS)
    error = run("missing").error
    assert error is not None and error["error"] == "ConfigurationError"
    assert "nobody_set_this" in error["message"]


def test_a_config_that_refers_to_a_secret_yields_it_and_hides_it(
    run: Run, workspace: Workspace, acme: OrganizationRecord, secret: str
) -> None:
    set_config(acme, "api_key", "my_api_key", "secret")
    workspace.add(LEAKS)
    for _first_and_prefetched in range(2):
        assert run("by_config").result == {"length": len(CANARY), "value": "REDACTED"}


def test_a_run_that_asks_again_gets_it_once_the_vault_is_back(
    run: Run, workspace: Workspace, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, asked = secrets.secret_future, count(1)

    def away_at_first(*arguments: Any) -> Future[str]:
        if next(asked) > 2:
            return read(*arguments)
        away: Future[str] = Future()
        away.set_exception(VaultUnavailable("The vault cannot be reached."))
        return away

    monkeypatch.setattr(secrets, "secret_future", away_at_first)
    workspace.add(LEAKS)
    assert run("in_the_end").result == len(CANARY)


@pytest.mark.parametrize(("known", "asked"), [(True, 3), (False, 1)])
def test_for_a_vault_that_never_answers_one_run_waits_and_not_each(
    run: Run,
    workspace: Workspace,
    acme: OrganizationRecord,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    known: bool,
    asked: int,
) -> None:
    """What a config refers to is read while the loop stands still, and everybody's runs with it. Where it is known that
    the workflow does, it is asked for before, where nobody else waits."""
    reads = count()
    read = secrets.secret_future
    monkeypatch.setattr(connectedness, "_away_until", 0.0)
    monkeypatch.setattr(secrets, "secret_future", lambda *arguments: (next(reads), read(*arguments))[1])
    if not known:  # as where many begin at once
        monkeypatch.setattr(Engine, "remember_secret_config", lambda *_: None)
    set_config(acme, "api_key", "my_api_key", "secret")
    workspace.add(LEAKS)
    with black_hole() as address:
        settings.VAULT_ADDR, settings.VAULT_TOKEN = address, "some-token"
        secrets.reset()
        errors = [(run("by_config").error or {})["error"] for _ in range(3)]
    secrets.reset()
    assert errors[0] in {"ConfigurationError", "IntegrationError"}  # whoever is first to give up
    assert errors[1:] == ["IntegrationError"] * 2
    assert next(reads) == asked


def test_a_read_before_the_start_that_fails_in_an_unknown_way_ends_the_run_and_not_its_caller(
    run: Run, workspace: Workspace, acme: OrganizationRecord, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> str:
        raise RuntimeError("Nobody thought of this.")

    set_config(acme, "api_key", "my_api_key", "secret")
    workspace.add(LEAKS)
    assert run("by_config").status == "Success"

    monkeypatch.setattr(secrets, "read_secret", broken)
    outcome = run("by_config")

    assert (outcome.status, recorded(acme, outcome).status) == ("Failed", "Failed")
    assert recorded(acme, outcome).error["error"] == "InternalServerError"


def test_a_parameter_of_type_secret_is_stored_encrypted_beside_its_redaction(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(LEAKS)
    outcome = run("takes_secret", password="hunter2hunter2")
    row = recorded(acme, outcome)
    assert outcome.result == {"length": 14}
    assert row.input == {"password": "REDACTED"}
    assert row.input_sealed is not None
    assert "hunter2hunter2" not in everything_stored(acme)
