"""The whole way from a fresh clone: with packages from the index, as root and as an ordinary user."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.launching import ROOT, environment, processes

LEFT_OUT = shutil.ignore_patterns(".venv", ".git", ".bifrost", ".*_cache", ".hypothesis", "__pycache__", "node_modules")
pytestmark = pytest.mark.faults


@pytest.fixture
def clone() -> Iterator[Path]:
    """In a directory with a name that has a space, readable by everybody, unlike pytest's own."""
    parent = Path(tempfile.mkdtemp(prefix="bifrost-clone-"))
    parent.chmod(0o755)
    shutil.copytree(ROOT, parent / "a clone", ignore=LEFT_OUT)
    yield parent / "a clone"
    shutil.rmtree(parent)


def up(clone: Path, owner: pwd.struct_passwd) -> subprocess.CompletedProcess[str]:
    variables = environment(clone / ".bifrost", HOME=str(clone.parent / "home"), BIFROST_DATA_DIR="")
    command = [clone / "bin" / "up", "--once", "--port", "0", "--json", "up.json"]
    return subprocess.run(
        command,
        env=variables,
        cwd=clone.parent / "home",
        user=owner.pw_uid,
        group=owner.pw_gid,
        extra_groups=[],
        umask=0o077,
        capture_output=True,
        text=True,
        check=False,
    )


def give(tree: Path, owner: pwd.struct_passwd) -> None:
    for directory, _, files in os.walk(tree):
        for path in (directory, *(os.path.join(directory, file) for file in files)):
            os.chown(path, owner.pw_uid, owner.pw_gid)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("name", ["root", "nobody"])
def test_bin_up_works_twice_from_a_fresh_clone(clone: Path, name: str) -> None:
    owner = pwd.getpwnam(name)
    (clone.parent / "home").mkdir()
    give(clone.parent, owner)

    first = up(clone, owner)
    assert first.returncode == 0, first.stdout + first.stderr
    tokens = json.loads((clone.parent / "home" / "up.json").read_text())["organizations"]
    second = up(clone, owner)

    assert second.returncode == 0, second.stdout + second.stderr
    assert (
        json.loads((clone.parent / "home" / "up.json").read_text())["organizations"]["acme"]["token"]
        == (tokens["acme"]["token"])
    )
    assert "Installing" in first.stderr
    assert "Installing" not in second.stderr
    assert processes(clone) == {}
