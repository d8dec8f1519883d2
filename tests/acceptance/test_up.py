"""What bin/up gives once it is ready."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.acceptance.launching import ROOT, Up, environment, eventually, processes, running

ROLES = ["owner", "admin", "operator", "requester", "viewer"]
WORKFLOW = "/api/workflows/my_first_workflow"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with running(tmp_path_factory.mktemp("up") / "data") as ready:
        yield ready


def test_the_json_document_holds_what_the_design_says(up: Up) -> None:
    document = up.document

    assert set(document) == {"url", "mspToken", "admin", "organizations", "pids", "databaseUrl", "vaultAddr"}
    assert set(document["admin"]) == {"email", "password"}
    assert set(document["organizations"]) == {"test-org-active", "acme"}
    acme = document["organizations"]["acme"]
    assert set(acme) == {"url", "token", "users"}
    assert acme["url"] == document["url"].replace("localhost", "acme.localhost")
    assert [user["role"] for user in acme["users"]] == ROLES


def test_the_pid_of_the_workers_is_the_one_of_their_supervisor(up: Up) -> None:
    [pid] = up.document["pids"]["workers"]
    assert "workers" in Path(f"/proc/{pid}/cmdline").read_text().split("\0")


def test_the_pid_of_the_web_process_is_the_one_that_answers(up: Up) -> None:
    [pid] = up.document["pids"]["web"]
    port = up.document["url"].rpartition(":")[2]

    assert port in Path(f"/proc/{pid}/cmdline").read_text().split("\0")


@pytest.mark.parametrize("name", ["environment", "credentials.json", "openbao/keys.json", "openbao/seal.key"])
def test_what_holds_keys_is_readable_by_its_owner_only(up: Up, name: str) -> None:
    assert stat.S_IMODE((up.data / name).stat().st_mode) == 0o600


def test_the_json_document_is_readable_by_its_owner_only(up: Up) -> None:
    assert stat.S_IMODE(up.json.stat().st_mode) == 0o600


def test_the_output_tells_the_example_s_outcome_and_record(up: Up) -> None:
    assert "my_first_workflow for test-org-active: Success" in up.output
    assert '"processed": "HELLO WORLD"' in up.output
    assert "checkpoint  processing_complete" in up.output


def test_the_printed_curl_line_works_as_printed(up: Up) -> None:
    assert shutil.which("curl"), "curl is missing"
    line = "curl -s -X POST" + up.output.partition("curl -X POST")[2].partition("\n\n")[0]

    answer = subprocess.run(["sh", "-c", line], capture_output=True, check=True)

    assert json.loads(answer.stdout)["status"] == "Success"


@pytest.mark.parametrize("org_id", ["test-org-active", "acme"])
def test_an_organization_s_token_runs_a_workflow_there_and_nowhere_else(up: Up, org_id: str) -> None:
    token = up.document["organizations"][org_id]["token"]
    [other] = {"test-org-active", "acme"} - {org_id}

    own = up.call(WORKFLOW, token, method="POST", json={"message": "x"})
    foreign = up.call(WORKFLOW, token, method="POST", json={"message": "x"}, headers={"X-Organization-Id": other})

    assert (own.status_code, foreign.status_code) == (200, 403)


def test_the_msp_s_token_runs_a_workflow_for_the_organization_it_names(up: Up) -> None:
    token = up.document["mspToken"]

    answer = up.call(WORKFLOW, token, method="POST", json={"message": "x"}, headers={"X-Organization-Id": "acme"})

    assert answer.status_code == 200


def test_the_administrator_can_sign_in_to_the_staff_pages(up: Up) -> None:
    admin = up.document["admin"]

    with httpx.Client(base_url=up.document["url"], follow_redirects=True) as browser:
        browser.get("/admin/login/")
        form = {"username": admin["email"], "password": admin["password"], "next": "/admin/"}
        page = browser.post("/admin/login/", data={**form, "csrfmiddlewaretoken": browser.cookies["csrftoken"]})

    assert page.url.path == "/admin/"
    assert page.status_code == 200


@pytest.mark.parametrize("visitor", ["requester", "operator"])
def test_the_printed_people_can_sign_in_to_the_printed_portal(up: Up, visitor: str) -> None:
    acme = up.document["organizations"]["acme"]
    [user] = [user for user in acme["users"] if user["role"] == visitor]
    assert f"{acme['url']}/" in up.output.partition("The portal of acme's people:")[2]
    assert f"{user['email']}  {user['password']}" in up.output.partition("The portal of acme's people:")[2]

    host = {"Host": acme["url"].removeprefix("http://")}
    with httpx.Client(base_url=up.document["url"], headers=host) as browser:
        browser.get("/sign-in")
        token = browser.cookies["csrftoken"]
        form = {"username": user["email"], "password": user["password"], "csrfmiddlewaretoken": token}
        answer = browser.post("/sign-in", data=form)
        page = browser.get(answer.headers["Location"])

    assert page.status_code == 200
    assert user["email"] in page.text


def test_a_command_in_another_shell_finds_the_services(up: Up) -> None:
    command = [sys.executable, str(ROOT / "manage.py"), "create_org", "another", "--name", "Another"]

    done = subprocess.run(command, env=environment(up.data), cwd="/", capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_the_platform_s_own_token_reads_no_organization_s_secret(up: Up) -> None:
    lines = (up.data / "environment").read_text().splitlines()
    variables = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    headers = {"X-Vault-Token": variables["VAULT_TOKEN"]}
    url = variables["VAULT_ADDR"] + "/v1/bifrost/data/orgs/acme/password"

    assert httpx.post(url, headers=headers, json={"data": {"value": "x"}}).status_code == 200
    assert httpx.get(url, headers=headers).status_code == 403


def test_the_database_is_reached_through_a_private_socket_alone(up: Up) -> None:
    directory = Path(up.document["databaseUrl"].partition("host=")[2])

    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    postgres = up.database_server()
    listening = subprocess.run(["ls", "-l", f"/proc/{postgres}/fd"], capture_output=True, text=True, check=True)
    inodes = {line.rpartition("[")[2].rstrip("]") for line in listening.stdout.splitlines() if "socket:" in line}
    tcp = {line.split()[9] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]}
    assert inodes.isdisjoint(tcp)


def test_a_second_one_with_the_same_data_says_who_runs(up: Up) -> None:
    second = Up(up.data)
    status = second.process.wait(20)
    output = second.output
    second.close()

    assert status == 1
    assert f"bin/up at {up.document['url']} (process {up.process.pid}) runs already" in output
    assert up.is_healthy()


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        second = Up(tmp_path / "data", "--port", str(port))
        status = second.process.wait(20)
        output = second.output
        second.close()

    assert status == 1
    assert f"Port {port} is in use by another program" in output


def test_a_killed_web_process_is_started_again(up: Up) -> None:
    [pid] = up.document["pids"]["web"]

    os.kill(pid, signal.SIGKILL)

    eventually(lambda: up.document["pids"]["web"] != [pid] and up.is_healthy(), "the next web process")
    assert "web ended by itself (status -9)" in up.output


def test_killed_workers_are_started_again(up: Up) -> None:
    [pid] = up.document["pids"]["workers"]
    clusters = {child for child, line in processes(up.data).items() if "qcluster" in line}

    os.kill(pid, signal.SIGKILL)

    eventually(lambda: up.document["pids"]["workers"] != [pid], "the next workers")
    eventually(lambda: not clusters & set(processes(up.data)), "the end of the old ones")
    assert "workers ended by itself (status -9)" in up.output


def test_a_killed_database_server_is_started_again(up: Up) -> None:
    killed = up.database_server()
    assert killed is not None

    os.kill(killed, signal.SIGKILL)

    eventually(lambda: up.database_server() not in (None, killed), "the next server")
    eventually(up.is_healthy, "health")


def test_a_killed_vault_is_started_again(up: Up) -> None:
    log = up.data / "logs" / "openbao.log"
    before = log.read_text().count("server started")
    [pid] = [pid for pid, line in processes(up.data).items() if "bao server" in line]

    os.kill(pid, signal.SIGKILL)

    eventually(lambda: log.read_text().count("server started") > before and up.is_healthy(), "the vault")
