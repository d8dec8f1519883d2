"""Several processes want the same connection at the same moment."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings as django_settings

from integrations.oauth import refreshing
from orgs.records import OrganizationRecord
from tests.acceptance.launching import ROOT
from tests.integrations.authorization_server import authorization_server
from tests.integrations.connecting import connected, row, time_passes
from tests.integrations.vendor import Fault
from tests.workflows_app.dispatch.worker_processes import database_url

PROCESSES = 3
THREADS = 17
ASK = f"""
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from django.db import connections
from integrations.oauth.refreshing import credentials_now
from orgs.directory import organization_by_org_id

acme = organization_by_org_id("acme")

def ask(place):
    try:
        return credentials_now(acme, "HaloPSA").access_token
    finally:
        connections.close_all()

print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor({THREADS}) as threads:
    print(*threads.map(ask, range({THREADS})), flush=True)
"""


@pytest.mark.usefixtures("transactional_db")
def test_fifty_callers_in_several_processes_cause_one_refresh(acme: OrganizationRecord, settings: Any) -> None:
    with authorization_server(settings) as server:
        refreshing.forget()
        id_ = connected(acme, server)
        time_passes(acme, id_, 3600)
        version = row(acme, id_).version
        server.faults.append(Fault(seconds=1.0))  # so that all others come meanwhile

        told = together(PROCESSES)

        tokens = {token for line in told for token in line.split()}
        assert len(tokens) == 1 and tokens <= server.valid.keys()
        assert sum(len(line.split()) for line in told) == PROCESSES * THREADS
        assert server.refreshes == 1
        assert row(acme, id_).version == version + 1


def together(number: int) -> list[str]:
    """What processes say that begin at the same moment."""
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "VAULT_ADDR": django_settings.VAULT_ADDR,
        "VAULT_TOKEN": django_settings.VAULT_TOKEN,
        "BIFROST_PRIVATE_NETWORKS": "127.0.0.0/8",
    }
    command = [sys.executable, str(ROOT / "manage.py"), "shell", "-v", "0", "-c", ASK]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    asking = [subprocess.Popen(command, env=environment, cwd=ROOT, **pipes) for _ in range(number)]  # type: ignore[call-overload]
    try:
        for each in asking:
            assert each.stdout.readline() == "ready\n"
        for each in asking:
            each.stdin.write("go\n")
            each.stdin.flush()
        return [each.communicate(timeout=60)[0] for each in asking]
    finally:
        for each in asking:
            each.kill()
            each.wait()
