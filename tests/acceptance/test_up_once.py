"""First and second starts with --once: on fresh data, on half-made data, in odd places, with services of one's own."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
from pathlib import Path

import psycopg
import pytest

from tests.acceptance.launching import UP, environment, processes, run_once, running, write_workspace

FAILING = """
from bifrost import workflow, WorkflowException

@workflow(name="my_first_workflow")
async def my_first_workflow(context, message: str):
    raise WorkflowException("It rains.")
"""
ANOTHER = """
from bifrost import workflow

@workflow(name="another")
async def another(context):
    return None
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("once") / "data"
    assert run_once(directory).process.returncode == 0
    return directory


def credentials(data: Path) -> object:
    return json.loads((data / "credentials.json").read_text())


@pytest.mark.faults
def test_it_ends_by_itself_with_everything_stopped(data: Path) -> None:
    up = run_once(data)

    assert up.process.returncode == 0
    assert "my_first_workflow for test-org-active: Success" in up.output
    assert processes(data) == {}


def test_a_second_start_finds_the_same_people_and_tokens(data: Path) -> None:
    before = credentials(data)

    up = run_once(data)

    assert credentials(data) == before
    assert up.document["mspToken"] in up.output
    assert "Migrating" not in up.output


@pytest.mark.faults
def test_a_revoked_token_is_replaced(data: Path) -> None:
    before = json.loads((data / "credentials.json").read_text())
    with running(data) as up:
        _query(up.document["databaseUrl"], "UPDATE orgs_apitoken SET revoked_at = now()")

    up = run_once(data)

    assert up.process.returncode == 0, up.output
    assert up.document["mspToken"] != before["mspToken"]
    assert up.document["admin"] == before["admin"]


@pytest.mark.faults
def test_lost_credentials_are_made_anew(data: Path) -> None:
    (data / "credentials.json").write_text("{")

    up = run_once(data)

    assert up.process.returncode == 0, up.output
    assert up.document["admin"]["password"]


@pytest.mark.faults
def test_a_failing_example_is_a_failure(data: Path, tmp_path: Path) -> None:
    workspace = write_workspace(tmp_path / "workspace", FAILING)

    up = run_once(data, BIFROST_WORKSPACE=str(workspace))

    assert up.process.returncode == 1
    assert "WorkflowException: It rains." in up.output


@pytest.mark.faults
def test_a_workspace_without_the_example_is_none(data: Path, tmp_path: Path) -> None:
    workspace = write_workspace(tmp_path / "workspace", ANOTHER)

    up = run_once(data, BIFROST_WORKSPACE=str(workspace))

    assert up.process.returncode == 0
    assert "does not hold my_first_workflow, so no example was run" in up.output


@pytest.mark.faults
def test_a_file_that_does_not_load_does_not_stop_the_start(data: Path, tmp_path: Path) -> None:
    workspace = write_workspace(tmp_path / "workspace", ANOTHER)
    (workspace / "workflows" / "broken.py").write_text("import nothing_of_this_name\n")

    assert run_once(data, BIFROST_WORKSPACE=str(workspace)).process.returncode == 0


@pytest.mark.faults
def test_a_start_that_was_cut_short_is_begun_anew(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "postgres.new" / "base").mkdir(parents=True)
    (data / "openbao" / "raft").mkdir(parents=True)
    (data / "openbao" / "raft" / "vault.db").write_text("half")

    up = run_once(data)

    assert up.process.returncode == 0, up.output
    assert not (data / "postgres.new").exists()
    [aside] = (data / "openbao").glob("raft.unusable-*")
    assert (aside / "vault.db").read_text() == "half"


@pytest.mark.faults
def test_a_long_path_with_spaces_and_letters_of_any_kind_works(tmp_path: Path) -> None:
    data = tmp_path / ("long " * 18).strip() / "dätä & co"
    data.mkdir(parents=True)

    up = run_once(data)

    assert up.process.returncode == 0, up.output
    directory = up.document["databaseUrl"].partition("?host=")[2]
    assert re.fullmatch(r"/[\w/.-]+", directory, re.ASCII)
    assert not Path(directory).exists()


@pytest.mark.faults
def test_a_remembered_port_that_is_taken_is_replaced(data: Path) -> None:
    port = int(json.loads((data / "openbao" / "config.json").read_text())["api_addr"].rpartition(":")[2])

    with socket.create_server(("127.0.0.1", port)):
        up = run_once(data)

    assert up.process.returncode == 0, up.output
    assert not up.document["vaultAddr"].endswith(f":{port}")


@pytest.mark.faults
def test_services_of_the_callers_own_are_used_and_none_started_in_their_place(data: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    with running(data) as up:
        url = up.document["databaseUrl"].replace("/bifrost?", "/elsewhere?")
        _query(up.document["databaseUrl"], "CREATE DATABASE elsewhere")
        administrator = json.loads((data / "openbao" / "keys.json").read_text())["administrator"]
        services = {"DATABASE_URL": url, "VAULT_ADDR": up.document["vaultAddr"], "VAULT_TOKEN": administrator}

        second = run_once(own, **services)

    assert second.process.returncode == 0, second.output
    assert second.document["databaseUrl"] == url
    assert not (own / "postgres").exists()
    assert not (own / "openbao").exists()
    assert "DATABASE_URL" not in (own / "environment").read_text()


def test_a_platform_that_cannot_start_says_why(data: Path) -> None:
    up = run_once(data, BIFROST_WEB_THREADS="many")

    assert up.process.returncode == 1
    assert "'many'" in up.output
    assert processes(data) == {}


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    up = run_once(tmp_path / "file")

    assert up.process.returncode == 1
    assert str(tmp_path / "file") in up.output
    assert "set BIFROST_DATA_DIR" in up.output


@pytest.mark.faults
def test_data_of_another_version_are_refused_by_name(tmp_path: Path, data: Path) -> None:
    version = data / "postgres" / "PG_VERSION"
    version.write_text("17\n")
    try:
        up = run_once(data)
    finally:
        version.write_text("18\n")

    assert up.process.returncode == 1
    assert "was made by PostgreSQL 17, and this is 18" in up.output


@pytest.mark.parametrize(("arguments", "status"), [(["--help"], 0), (["--port", "70000"], 2), (["--nonsense"], 2)])
def test_help_and_bad_usage_start_nothing(tmp_path: Path, arguments: list[str], status: int) -> None:
    done = subprocess.run([UP, *arguments], env=environment(tmp_path / "data"), capture_output=True, check=False)

    assert done.returncode == status
    assert b"--once" in done.stdout + done.stderr
    assert not (tmp_path / "data").exists()


def test_a_link_to_bin_up_works(tmp_path: Path) -> None:
    link = tmp_path / "up"
    link.symlink_to(UP)

    done = subprocess.run([link, "--help"], env=environment(tmp_path), capture_output=True, check=False)

    assert done.returncode == 0


def test_a_machine_without_python_is_told_what_is_missing(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(UP.parent, tree / "bin")
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("readlink", "dirname"):
        (tools / tool).symlink_to(shutil.which(tool) or tool)

    done = subprocess.run([tree / "bin" / "up"], env={"PATH": str(tools)}, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "Python 3.11 or newer" in done.stderr


def _query(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
