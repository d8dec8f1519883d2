"""Cards and files of runs: shown and kept once however often the code runs, and given only to whom they belong."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from bifrost.sdk.errors import ValidationError
from integrations.secrets import prepare_organization, write_secret
from orgs.permissions import EXECUTE_WORKFLOWS
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.engine.conftest import ADA, Run, Workspace, journal, recorded
from tests.workflows_app.engine.losing import lose
from tests.workflows_app.engine.working import Worker, eventually
from tests.workflows_app.files import contents as c
from workflows_app import retrying
from workflows_app.cards import cards_of
from workflows_app.executions import Outcome, Start, submit
from workflows_app.files.models import FileUse, StoredFile
from workflows_app.files.storing import open_file, store
from workflows_app.models import ExecutionEvent
from workflows_app.replay import replay_execution

BOB = Actor("user", "22222222-2222-7222-8222-222222222222", "bob@acme.example", "Bob", frozenset({EXECUTE_WORKFLOWS}))

REPORTS = """
    @workflow
    async def reports(context):
        file = await context.save_file("users.csv", "Name;Town\\n", "text/csv")
        context.result_card("Users", text="All *users*", table=[{"Name": "Ann"}], files=[file])
        return file

    @workflow
    def reports_plainly(context):
        file = context.save_file("users.csv", b"Name;Town\\n")
        context.result_card("Users", files=[file])
        return context.read_file(file).decode()

    @workflow
    @param("users", "file", required=True)
    async def counts(context, users):
        content = await context.read_file(users)
        return {"file": users, "lines": content.count(b"\\n")}

    @workflow
    async def reads(context, anything: dict):
        return (await context.read_file(anything)).decode("latin-1")

    @workflow
    async def saves(context, name: str, content: str):
        return await context.save_file(name, content)

    @workflow
    async def has_children(context):
        made = await context.execute_workflow("reports")
        return [await context.execute_workflow("counts", {"users": made}), (await context.read_file(made)).decode()]
"""


def files(organization: OrganizationRecord) -> list[tuple[str, bytes]]:
    with org_context(organization):
        return [(row.name, bytes(row.content)) for row in StoredFile.objects.order_by("id")]


def holders(organization: OrganizationRecord, file: dict[str, Any]) -> set[str]:
    with org_context(organization):
        uses = FileUse.objects.filter(file_id=file["fileId"])
        return {str(id_) for id_ in uses.values_list("execution_id", flat=True)}


def cards(organization: OrganizationRecord, outcome: Outcome) -> list[str]:
    return [card["title"] for card in cards_of(organization, UUID(outcome.execution_id))]


def test_a_run_shows_a_card_with_a_file_that_its_starter_may_read(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(REPORTS)
    outcome = run("reports")

    assert outcome.status == "Success", outcome.error
    [card] = cards_of(acme, UUID(outcome.execution_id))
    assert card["table"] == [{"Name": "Ann"}] and card["files"] == [outcome.result]
    assert open_file(acme, UUID(outcome.result["fileId"]), ADA) == (outcome.result, b"Name;Town\n")
    assert holders(acme, outcome.result) == {outcome.execution_id}


def test_a_plain_function_does_the_same(run: Run, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(REPORTS)
    outcome = run("reports_plainly")
    assert outcome.result == "Name;Town\n" and cards(acme, outcome) == ["Users"]


def test_the_record_of_saving_has_no_content(run: Run, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(REPORTS)
    outcome = run("saves", name="a.txt", content="very confidential")
    [(_, name, data)] = journal(acme, outcome, "step")
    assert name == "save_file" and data["value"] == outcome.result
    assert "confidential" not in str(data)


@pytest.mark.parametrize(
    ("name", "content"), [("invoice.pdf", "#!/bin/sh"), ("../a.txt", "x"), ("a.html", "<html>"), ("a.txt", "x" * 2000)]
)
def test_what_may_not_be_kept_fails_the_workflow_in_words(
    run: Run, workspace: Workspace, acme: OrganizationRecord, settings: Any, name: str, content: str
) -> None:
    settings.FILE_LIMIT = 1000
    workspace.add(REPORTS)
    outcome = run("saves", name=name, content=content)
    assert outcome.status == "Failed" and outcome.error is not None and outcome.error["error"] == "ValidationError"
    assert files(acme) == []


def test_a_secret_that_the_run_has_read_is_in_no_card_and_in_no_name(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    prepare_organization(acme)
    write_secret(acme, "api_key", "t0psecret!")
    workspace.add(
        """
        @workflow
        async def leaks(context):
            secret = await context.get_secret("api_key")
            file = await context.save_file(f"{secret}.txt", "x")
            context.result_card(secret, text=secret, values={secret: secret}, table=[{"a": secret}],
                                links={"x": f"https://a.example/{secret}"}, files=[file], key=secret)
        """
    )
    outcome = run("leaks")
    assert outcome.status == "Success", outcome.error
    assert "t0psecret" not in str(journal(acme, outcome)) + str(cards_of(acme, UUID(outcome.execution_id)))
    assert [name for name, _ in files(acme)] == ["REDACTED.txt"]


# --- what a run is given ----------------------------------------------------------------------------------------------


def test_a_run_is_given_a_file_and_what_its_sender_says_of_it_does_not_count(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(REPORTS)
    file = store(acme, ADA, "users.csv", None, c.CSV)
    outcome = run("counts", users={"fileId": file["fileId"].upper(), "name": "../evil.exe", "size": 10**9})
    assert outcome.result == {"file": file, "lines": 2}
    assert recorded(acme, outcome).input == {"users": file}
    assert holders(acme, file) == {outcome.execution_id}


@pytest.mark.parametrize("workflow", ["counts", "reads"])
def test_nobody_gets_at_a_file_by_naming_it(
    run: Run, workspace: Workspace, acme: OrganizationRecord, globex: OrganizationRecord, workflow: str
) -> None:
    """Another person's upload, the file of an execution that one may not see, another organization's, and none."""
    workspace.add(REPORTS)
    saved = run("reports").result
    theirs = store(acme, ADA, "a.csv", None, c.CSV)
    foreign = store(globex, BOB, "a.csv", None, c.CSV)
    none = {**theirs, "fileId": "019aa4d2-7c1e-7cc3-98c4-dc0c0c07398f"}
    for file in (saved, theirs, foreign, none):
        start = Start(acme, workflow, {"users" if workflow == "counts" else "anything": file}, BOB)
        if workflow == "counts":
            with pytest.raises(ValidationError) as refused:
                submit(start)
            assert refused.value.details["errors"][0]["field"] == "users"
        else:
            outcome = submit(start)
            assert outcome.error is not None and outcome.error["message"] == "There is no such file."
        assert all(BOB.id not in str(holder) for holder in holders(acme, theirs))
    mine = store(acme, BOB, "b.csv", None, c.CSV)
    parameters = {"users" if workflow == "counts" else "anything": mine}
    assert submit(Start(acme, workflow, parameters, BOB)).status == "Success"


def test_lists_and_optional_files_are_taken_too(run: Run, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(
        """
        @workflow
        async def joins(context, parts: list[File] = [], cover: File | None = None):
            return b"".join([await context.read_file(part) for part in parts]).decode()
        """
    )
    parts = [store(acme, ADA, f"{name}.txt", None, name.encode()) for name in "ab"]
    outcome = run("joins", parts=[{"fileId": part["fileId"]} for part in parts])
    assert outcome.result == "ab" and recorded(acme, outcome).input["parts"] == parts
    assert run("joins").result == ""
    with pytest.raises(ValidationError, match="cover"):
        run("joins", cover={"fileId": "019aa4d2-7c1e-7cc3-98c4-dc0c0c07398f"})


def test_children_are_given_their_parents_files_and_parents_read_their_childrens(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(REPORTS)
    webhook = Actor("webhook", "has_children", "", "Webhook", frozenset({"*"}))
    for actor in (ADA, BOB, webhook):
        outcome = submit(Start(acme, "has_children", {}, actor))
        assert outcome.status == "Success", outcome.error
        counted, content = outcome.result
        assert counted["lines"] == 1 and content == "Name;Town\n"


def test_an_execution_that_is_started_again_holds_its_files_as_well(
    run: Run, worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(REPORTS)
    file = store(acme, ADA, "users.csv", None, c.CSV)
    first = run("counts", users=file)
    worker.stop()
    worker.start()
    again = retrying.start_again(acme, UUID(first.execution_id), ADA)
    assert worker.end_of(acme, again).result == first.result
    assert holders(acme, file) == {first.execution_id, again.execution_id}


# --- once -------------------------------------------------------------------------------------------------------------

ONCE = """
    import os, uuid

    @workflow(execution_mode="async", retry_policy={"max_attempts": 2, "initial_interval_seconds": 0})
    async def lost(context, gate: str):
        context.result_card(f"Seen by {uuid.uuid4()}", key=str(uuid.uuid4()))
        file = await context.save_file("a.txt", f"made at {time.time()}")
        while not os.path.exists(gate):
            await asyncio.sleep(0.02)
        context.result_card("Done", files=[file])
        return (await context.read_file(file)).decode() == open(gate + ".saved").read()

    @workflow(execution_mode="async", retry_policy={"max_attempts": 2, "initial_interval_seconds": 0})
    async def tried_twice(context):
        context.result_card(f"Attempt {context.attempt}")
        file = await context.save_file("a.txt", f"attempt {context.attempt}")
        if context.attempt == 1:
            raise RuntimeError("once")
        return (await context.read_file(file)).decode()
"""


def test_a_run_that_goes_on_elsewhere_has_shown_and_kept_everything_once(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, tmp_path: Path
) -> None:
    workspace.add(ONCE)
    gate = tmp_path / "gate"
    engine = worker.start()
    outcome = worker.submit("lost", gate=str(gate))
    with org_context(acme):
        eventually(lambda: ExecutionEvent.objects.filter(kind="step").exists(), "durable step")
        eventually(lambda: ExecutionEvent.objects.filter(kind="card").exists(), "durable card")
    [(_, content)] = files(acme)
    Path(f"{gate}.saved").write_bytes(content)
    lose(engine)
    worker.start()
    gate.touch()
    worker.wake()

    end = worker.end_of(acme, outcome)

    assert end.status == "Success" and end.result is True, end.error
    assert len(files(acme)) == 1
    seen, done = cards(acme, outcome)
    assert seen.startswith("Seen by ") and done == "Done"
    assert len(journal(acme, outcome, "card")) == 2


def test_another_attempt_shows_and_keeps_its_own(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(ONCE)
    worker.start()
    outcome = worker.submit("tried_twice")
    assert worker.end_of(acme, outcome).result == "attempt 2"
    assert cards(acme, outcome) == ["Attempt 2"]
    assert [content for _, content in files(acme)] == [b"attempt 1", b"attempt 2"]


def test_a_replay_of_what_was_recorded_keeps_nothing_and_reads_nothing(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(REPORTS)
    outcome = run("reports")
    replayed = replay_execution(acme, UUID(outcome.execution_id))
    assert replayed, str(replayed)
    assert len(files(acme)) == 1
