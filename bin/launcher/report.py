"""What bin/up tells once everything is ready: the document of --json, and the same for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import example

# Whose portal is shown, and as whom: the role that asks, and the role that says yes.
PORTAL = "acme"
VISITORS = {"a requester": "requester", "an approver": "operator"}


def document(port: int, credentials: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """The document of --json, but for the pids."""
    organizations = {
        org_id: {"url": f"http://{org_id}.localhost:{port}", **organization}
        for org_id, organization in credentials["organizations"].items()
    }
    return {
        "url": f"http://localhost:{port}",
        "mspToken": credentials["mspToken"],
        "admin": credentials["admin"],
        "organizations": organizations,
        "pids": {},
        "databaseUrl": environment.get("DATABASE_URL", ""),
        "vaultAddr": environment.get("VAULT_ADDR", ""),
    }


def text(document: Mapping[str, Any]) -> str:
    url = document["url"]
    admin = document["admin"]
    lines = [
        "",
        f"Bifrost is ready at {url}",
        "",
        f"  Staff pages    {url}/admin/     {admin['email']}  {admin['password']}",
        f"  API            {url}/api/docs   MSP token {document['mspToken']}",
    ]
    for org_id, organization in document["organizations"].items():
        lines += ["", f"  {org_id}   {organization['url']}   token {organization['token']}"]
        lines += [f"    {user['role']:<10} {user['email']}  {user['password']}" for user in organization["users"]]
    lines += ["", *_portal(document["organizations"][PORTAL])]
    token = document["organizations"][example.ORGANIZATION]["token"]
    return "\n".join([*lines, "", "Run a workflow:", "", example.curl_line(url, token), ""])


def _portal(organization: Mapping[str, Any]) -> list[str]:
    people = {user["role"]: user for user in organization["users"]}
    visitors = {name: people[role] for name, role in VISITORS.items()}
    signing_in = [f"    as {name:<12} {user['email']}  {user['password']}" for name, user in visitors.items()]
    return [f"  The portal of {PORTAL}'s people: {organization['url']}/", *signing_in]
